"""The embedded platform: a real HTTP server over a real database, as a target that is always there.

It owns everything the load tests of this folder send requests to when no other environment is
chosen. It knows nothing of pytest and of pytest-loadtest.
"""

from .server import Platform, PlatformError, running_platform

__all__ = ["Platform", "PlatformError", "running_platform"]
