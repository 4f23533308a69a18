"""Packages that only some pools need: imported when used, and missed with the command that installs them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pytest_loadtest.errors import ConfigurationError


def extra(module: str, name: str, user: str) -> Any:
    """A module of the extra `name`, for the class `user`. Raises ConfigurationError if it is missing."""
    check_extra((module,), name, user)
    return import_module(module)


def check_extra(modules: tuple[str, ...], name: str, user: str) -> None:
    """That these modules are installed, without the time that importing them takes."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise ConfigurationError(
            f"{user} needs {', '.join(missing)}: python -m pip install 'pytest-loadtest[{name}]'"
        )
