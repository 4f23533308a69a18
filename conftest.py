"""For all of the repository: pytest's own tools for testing plugins."""

pytest_plugins = ["pytester"]
