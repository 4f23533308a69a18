"""Ctrl-C: once ends the load, twice ends it at once; what was measured is shown either way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugin.conftest import Project
from tests.plugin.session import Session, wait_until

# A child process, a shared async fixture and a fixture of each user, which all note when they go.
CONFTEST = """
import asyncio, subprocess, sys, pathlib

def note(what):
    with pathlib.Path("notes").open("a") as notes:
        notes.write(what + "\\n")

@pytest.fixture(scope="session")
def platform():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note(f"pid {child.pid}")
    yield
    child.terminate()
    child.wait()
    note("platform down")

@pytest.fixture
async def shared(platform):
    yield
    await asyncio.sleep(0)
    note("shared down")

@pytest.fixture
async def signed_in(vu, shared):
    yield
    await asyncio.sleep(0)
    note("user down")
"""
LOAD = """
import asyncio
from conftest import note

pytestmark = pytest.mark.load(vus=3, duration="1h")
"""


@pytest.fixture
def start(project: Project) -> Iterator[Callable[..., Session]]:
    sessions = []

    def start_session(body: str, *args: str) -> Session:
        project.write(CONFTEST, "conftest.py")
        project.write(LOAD + body)
        sessions.append(Session(project, *args))
        return sessions[-1]

    yield start_session
    for session in sessions:
        session.kill()


def assert_is_gone(session: Session) -> None:
    """The child process of the session's fixture."""
    (pid,) = [int(note.split()[1]) for note in session.notes() if note.startswith("pid")]
    assert not Path(f"/proc/{pid}").exists() if Path("/proc/self").exists() else _cannot_be_signalled(pid)


def _cannot_be_signalled(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


BODIES = {
    "async": """
async def test_load(http, signed_in):
    await http.get("/shop")
""",
    "sync": """
def test_load(http, signed_in):
    http.get("/shop")
""",
    "waiting for an answer": """
async def test_load(http, vu, signed_in):
    await http.get("/hang" if vu.iteration else "/shop")
""",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_once_ends_the_load_tears_everything_down_and_shows_what_was_measured(
    project: Project, start: Callable[..., Session], body: str
) -> None:
    session = start(body + "\ndef test_after():\n    note('went on')\n")
    wait_until(lambda: len(project.target.requests) > 5)
    session.interrupt()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert session.notes()[1:] == ["user down"] * 3 + ["shared down", "platform down"]
    assert_is_gone(session)
    pytest.LineMatcher(output.splitlines()).fnmatch_lines(
        [
            "interrupted after *",
            "GET /shop * [1-9]*",
            "*= load tests =*",
            "test_load * interrupted *",
            "FAILED test_load.py::test_load - interrupted after *",
            "*! KeyboardInterrupt !*",
        ]
    )


def test_twice_waits_for_no_tear_down_of_users_and_shows_what_was_measured(
    project: Project, start: Callable[..., Session]
) -> None:
    session = start(
        """
@pytest.fixture
async def slow_to_leave(signed_in):
    yield
    note("leaving")
    await asyncio.sleep(3600)

async def test_load(http, slow_to_leave):
    await http.get("/shop")
"""
    )
    wait_until(lambda: len(project.target.requests) >= 3)
    session.interrupt()
    wait_until(lambda: "leaving" in session.notes())
    session.interrupt()
    interrupted_s = time.monotonic()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert time.monotonic() - interrupted_s < 60
    users, shared = session.notes()[1:-2], session.notes()[-2:]
    assert set(users) == {"leaving", "user down"}
    assert shared == ["shared down", "platform down"]
    assert_is_gone(session)
    pytest.LineMatcher(output.splitlines()).fnmatch_lines(
        ["GET /shop * [1-9]*", "test_load * interrupted *", "*! KeyboardInterrupt !*"]
    )


def test_twice_leaves_code_behind_that_swallows_every_cancellation(
    project: Project, start: Callable[..., Session]
) -> None:
    session = start(
        """
async def test_load(http, platform):
    await http.get("/shop")
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            note("stays")
"""
    )
    wait_until(lambda: len(project.target.requests) >= 3)
    session.interrupt()
    wait_until(lambda: "stays" in session.notes())
    session.interrupt()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert_is_gone(session)
    pytest.LineMatcher(output.splitlines()).fnmatch_lines(["GET /shop * 3 *", "test_load * interrupted *"])


SET_UPS = [
    ("of a shared async fixture", ""),
    ("of a user's async fixture", "vu"),
]


@pytest.mark.parametrize("argument", [pytest.param(argument, id=name) for name, argument in SET_UPS])
def test_in_a_set_up_ends_the_session(project: Project, start: Callable[..., Session], argument: str) -> None:
    session = start(
        f"""
@pytest.fixture
async def waits({argument}):
    note("waiting")
    await asyncio.sleep(3600)

async def test_load(platform, http, waits):
    await http.get("/")
"""
    )
    wait_until(lambda: "waiting" in session.notes())
    session.interrupt()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "platform down" in session.notes()
    assert_is_gone(session)
    assert project.target.requests == []


def test_once_gets_through_to_a_users_set_up_that_has_blocked_the_event_loop_for_long(
    start: Callable[..., Session],
) -> None:
    session = start(
        """
import time

from pytest_loadtest.plugin import unblocking

unblocking.BLOCKED_S = 1

@pytest.fixture
async def basket(vu):
    time.sleep(1.5)
    note("blocks")
    time.sleep(3600)

async def test_load(http, vu, platform, basket):
    await http.get("/shop")

def test_next():
    note("goes on")
"""
    )
    wait_until(lambda: "blocks" in session.notes())
    session.interrupt()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "goes on" not in session.notes()
    assert_is_gone(session)


def test_once_gets_through_to_code_that_has_blocked_the_event_loop_for_long(
    project: Project, start: Callable[..., Session]
) -> None:
    session = start(
        """
import time

from pytest_loadtest.plugin import unblocking

unblocking.BLOCKED_S = 1

@pytest.fixture
async def shopper(vu):
    yield
    note("gone")

async def test_load(http, vu, platform, shopper):
    await http.get("/shop")
    if vu.id == 1 and vu.iteration == 2:
        time.sleep(1.5)
        note("blocks")
        time.sleep(3600)
"""
    )
    wait_until(lambda: "blocks" in session.notes())
    session.interrupt()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "gone" in session.notes()
    assert_is_gone(session)
    pytest.LineMatcher(output.splitlines()).fnmatch_lines(
        [
            "  1 x Failed at test_load.py:*",
            "      interrupted: this line blocked the event loop",
            "test_load * interrupted * [1-9]*",
        ]
    )


def test_twice_gets_through_to_code_that_blocks_the_event_loop(
    project: Project, start: Callable[..., Session]
) -> None:
    session = start(
        """
import signal, time

from pytest_loadtest.plugin import unblocking

unblocking.BLOCKED_S = 3600  # not for long: else it is got through to by the first

async def test_load(http, vu, platform):
    await http.get("/shop")
    if vu.id == 1 and vu.iteration == 2:
        note("blocks")
        interrupts = signal.getsignal(signal.SIGINT).__self__
        while not interrupts.count:
            time.sleep(0.01)
        note("was interrupted")
        time.sleep(3600)
"""
    )
    for noticed in ("blocks", "was interrupted"):
        wait_until(lambda noticed=noticed: noticed in session.notes())
        session.interrupt()
    status, output = session.end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert_is_gone(session)
    pytest.LineMatcher(output.splitlines()).fnmatch_lines(["GET /shop * [1-9]*", "test_load * interrupted *"])
