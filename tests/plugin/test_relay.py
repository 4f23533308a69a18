"""Progress of xdist's workers, as the controller gets it and shows it."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

import pytest_loadtest.plugin.relay
from pytest_loadtest.plugin.relay import ANNOUNCEMENT, CHANNEL, Board, Sender, announce
from pytest_loadtest.report.progress import Snapshot

S = 1_000_000_000
GONE: dict[str, Any] = {}  # what execnet says at a channel's end, and a worker at a load's


class Channel:
    """A worker's end; one that is closed raises as execnet's does."""

    def __init__(self, *, is_closed: bool = False) -> None:
        self.sent: list[dict[str, Any]] = []
        self._is_closed = is_closed

    def send(self, message: dict[str, Any]) -> None:
        if self._is_closed:
            raise OSError("cannot send to <Channel id=7 closed>")
        self.sent.append(message)


def worker(channel: Channel) -> Any:
    """Its configuration."""
    return SimpleNamespace(workerinput={CHANNEL: channel})


def sender(channel: Channel) -> Sender:
    made = Sender.of(worker(channel))
    assert made is not None
    return made


def test_a_worker_tells_now_and_then_and_that_it_is_over() -> None:
    channel = Channel()
    announce(worker(channel))
    to_controller = sender(channel)
    for n in range(3):
        to_controller.show(Snapshot("test_browse", vus=n))
    to_controller.close()
    announcement, first, over = channel.sent
    assert announcement == {ANNOUNCEMENT: {}}
    assert (first["Snapshot"]["name"], first["Snapshot"]["vus"]) == ("test_browse", 0)
    assert over == GONE


def test_a_controller_that_is_gone_does_not_disturb_the_load() -> None:
    to_controller = sender(Channel(is_closed=True))
    to_controller.show(Snapshot("test_browse"))
    to_controller.close()


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(SimpleNamespace(), id="no worker"),
        pytest.param(SimpleNamespace(workerinput={}), id="a controller that shows nothing"),
    ],
)
def test_nobody_is_told_who_does_not_ask(config: Any) -> None:
    assert Sender.of(config) is None
    announce(config)


class Lines:
    """A display that is no terminal."""

    live = False

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_closed = False

    def write_line(self, line: str) -> None:
        self.lines.append(line)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    shown = Lines()
    monkeypatch.setattr("pytest_loadtest.plugin.display.Display.of", lambda _config: shown)
    monkeypatch.setattr(pytest_loadtest.plugin.relay, "PLAIN_EVERY_S", 0.0)
    return shown


def board(pytester: pytest.Pytester) -> Board:
    return Board(pytester.parseconfig())


def message(name: str) -> dict[str, Any]:
    return {"Snapshot": Snapshot(name, elapsed_ns=S, total_ns=9 * S).to_plain()}


def test_a_session_without_load_tests_has_no_display(pytester: pytest.Pytester, lines: Lines) -> None:
    controller = board(pytester)
    controller.pytest_runtest_logstart()
    controller.receive("gw0", message("test_browse"))
    controller.pytest_sessionfinish()
    assert (lines.lines, lines.is_closed) == ([], False)


def test_each_running_load_has_its_lines_until_the_session_is_over(
    pytester: pytest.Pytester, lines: Lines
) -> None:
    controller = board(pytester)
    controller.receive("gw0", {ANNOUNCEMENT: {}})
    controller.pytest_runtest_logstart()
    for name in ("one", "two"):
        controller.receive(f"gw-{name}", message(f"test_{name}"))
    controller.receive("gw-one", GONE)
    controller.receive("gw-one", GONE)
    controller.pytest_sessionfinish()
    controller.receive("gw-two", message("test_two"))
    assert [line.split("  ")[:2] for line in lines.lines] == [["test_one", "1s/9s"], ["test_two", "1s/9s"]]
    assert lines.is_closed


def test_a_terminal_that_is_gone_does_not_end_execnets_thread(
    pytester: pytest.Pytester, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(lines, "write_line", closed.write)
    controller = board(pytester)
    controller.receive("gw0", {ANNOUNCEMENT: {}})
    controller.pytest_runtest_logstart()
    controller.receive("gw0", message("test_browse"))
    controller.pytest_sessionfinish()
