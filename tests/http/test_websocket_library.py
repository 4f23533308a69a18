"""What a user reads whose `websockets` library is not there, or is none that `http.websocket` knows."""

from __future__ import annotations

import subprocess
import sys

import pytest

ABSENT = "sys.modules['websockets'] = None"
OF_VERSION = """
for name in ('websockets', 'websockets.version'):
    sys.modules[name] = types.ModuleType(name)
sys.modules['websockets'].__path__ = []
sys.modules['websockets.version'].version = {!r}
"""
INSTALL = "pip install 'pytest-loadtest[websocket]'"
ROWS = [
    ("none is installed", ABSENT, f"http.websocket needs the library `websockets`: {INSTALL}"),
    (
        "an old one",
        OF_VERSION.format("14.2"),
        f"works with websockets 15 and 16, and 14.2 is installed: {INSTALL}",
    ),
    (
        "a new one",
        OF_VERSION.format("17.4"),
        f"works with websockets 15 and 16, and 17.4 is installed: {INSTALL}",
    ),
]


@pytest.mark.parametrize("name", ["WebSocket", "SyncWebSocket"])
@pytest.mark.parametrize(("sentence", "installed", "message"), ROWS, ids=[row[0] for row in ROWS])
def test_it_says_what_to_install(sentence: str, installed: str, message: str, name: str) -> None:
    program = f"import sys, types\n{installed}\nimport pytest_loadtest\npytest_loadtest.{name}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.startswith("pytest_loadtest.errors.ConfigurationError: ")
    assert last_line.endswith(message)
