"""The exceptions of the project. The type says whose fault it is; no module here knows pytest.

Errors of the target (a refused connection, a time-out) are not in this file: they are the
exceptions of httpx, so that code written for httpx goes on catching them.
"""

from __future__ import annotations


class LoadTestError(Exception):
    """Base of every error that pytest-loadtest raises itself."""


class ConfigurationError(LoadTestError):
    """The user's configuration is wrong: a marker, an option, a file. Found before any load is sent."""


class MisuseError(LoadTestError):
    """The test used an object where it cannot be used: a sync client outside a virtual user."""


class TokenError(LoadTestError):
    """Tokens cannot be had: the sign-in service refuses, fails, or a token is beyond renewal."""


class ResultError(LoadTestError):
    """A file is no run's results: it is damaged, of something else, or of a newer version than this one."""


class AbortRun(BaseException):
    """Raised by ``vu.abort(reason)``: the whole load is to end now. ``except Exception`` does not stop it."""
