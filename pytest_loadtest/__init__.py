"""Load tests as pytest tests. The names that tests, fixtures and their type annotations need.

They are loaded when they are used: every pytest session imports this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_loadtest.errors import (
    AbortRun,
    ConfigurationError,
    LoadTestError,
    MisuseError,
    ResultError,
    TokenError,
)

if TYPE_CHECKING:
    from pytest_loadtest.auth import SignedTokens, StaticTokens, SupabaseTokens, Token, TokenPool
    from pytest_loadtest.core.environment import Environment
    from pytest_loadtest.engine.virtual_user import VirtualUser
    from pytest_loadtest.http.client import Client
    from pytest_loadtest.http.response import Response
    from pytest_loadtest.http.sync_client import SyncClient
    from pytest_loadtest.http.websocket.session import WebSocket
    from pytest_loadtest.http.websocket.sync import SyncWebSocket
    from pytest_loadtest.results.result import LoadResult
    from pytest_loadtest.results.run import Run

__all__ = [
    "AbortRun",
    "Client",
    "ConfigurationError",
    "Environment",
    "LoadResult",
    "LoadTestError",
    "MisuseError",
    "Response",
    "ResultError",
    "Run",
    "SignedTokens",
    "StaticTokens",
    "SupabaseTokens",
    "SyncClient",
    "SyncWebSocket",
    "Token",
    "TokenError",
    "TokenPool",
    "VirtualUser",
    "WebSocket",
]

_HOMES = {
    "Client": "pytest_loadtest.http.client",
    "Environment": "pytest_loadtest.core.environment",
    "LoadResult": "pytest_loadtest.results.result",
    "Response": "pytest_loadtest.http.response",
    "Run": "pytest_loadtest.results.run",
    "SignedTokens": "pytest_loadtest.auth",
    "StaticTokens": "pytest_loadtest.auth",
    "SupabaseTokens": "pytest_loadtest.auth",
    "SyncClient": "pytest_loadtest.http.sync_client",
    "SyncWebSocket": "pytest_loadtest.http.websocket.sync",
    "Token": "pytest_loadtest.auth",
    "TokenPool": "pytest_loadtest.auth",
    "VirtualUser": "pytest_loadtest.engine.virtual_user",
    "WebSocket": "pytest_loadtest.http.websocket.session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
