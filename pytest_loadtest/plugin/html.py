"""--load-html: the page of all load tests, written anew after each of them.

What is on it is `report.html`'s affair, which is imported when there is something to show.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin import options
from pytest_loadtest.results.files import replace
from pytest_loadtest.results.paths import check_path, path_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pytest_loadtest.report.html.page import Page
    from pytest_loadtest.results.run import Run

HOW_TO_INSTALL = "pip install 'pytest-loadtest[html]'"


class HtmlPage:
    """The file of one session."""

    option = "--load-html"

    def __init__(self, template: str) -> None:
        self._template = template
        self._page: Page | None = None

    def update(self, run: Run) -> None:
        """Write what there is so far: who reads it meanwhile sees the old page. Raises OSError."""
        from pytest_loadtest.report.html.page import Page

        if self._page is None:
            self._page = Page()
        # A lone surrogate of a server is no UTF-8.
        replace(self._path(run), self._page.html(run).encode("utf-8", "replace"))

    finish = update

    def note(self, run: Run) -> str | None:
        """Where the page is."""
        return f"page with charts in {self._path(run)}"

    def _path(self, run: Run) -> Path:
        return path_of(self._template, run.began_at)

    def __repr__(self) -> str:
        return f"<HtmlPage {self._template!r}>"


def outputs_of(config: pytest.Config) -> list[HtmlPage]:
    """What the options ask for. Raises ConfigurationError."""
    template, source = options.value_and_source(config, "html")
    if not template:
        return []
    check_path(template, source)
    if find_spec("jinja2") is None:
        raise ConfigurationError(f"{source} needs jinja2: {HOW_TO_INSTALL}")
    return [HtmlPage(template)]
