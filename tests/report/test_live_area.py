"""A block beneath the others' text, on a rendered screen."""

from __future__ import annotations

import io
from typing import Any

import pyte
import pytest

from pytest_loadtest.report.live_area import Beneath, LiveArea, column_after


class Terminal(io.StringIO):
    """A screen that is written to; it can be resized."""

    def __init__(self, columns: int = 20, lines: int = 6) -> None:
        super().__init__()
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\r\n", "\n").replace("\n", "\r\n"))  # as a terminal's driver does
        return len(text)

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.lines

    def shown(self) -> list[str]:
        """The lines above the lowest that is not empty."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")

    def area(self, **values: Any) -> LiveArea:
        return LiveArea(self, self.size, **values)


BLOCK = ["one", "two"]


def test_the_block_is_beneath_an_open_line_which_goes_on() -> None:
    terminal = Terminal()
    area = terminal.area()
    area.write("test_a.py .")
    area.show(BLOCK)
    assert terminal.shown() == ["test_a.py .", "one", "two"]
    area.write("F")
    assert terminal.shown() == ["test_a.py .F", "one", "two"]
    area.write("\ntest_b.py ")
    assert terminal.shown() == ["test_a.py .F", "test_b.py", "one", "two"]
    area.clear()
    area.write(".")
    assert terminal.shown() == ["test_a.py .F", "test_b.py ."]


def test_at_the_beginning_of_a_line_the_block_stands_there() -> None:
    terminal = Terminal()
    area = terminal.area()
    area.write("printed\n")
    area.show(BLOCK)
    assert terminal.shown() == ["printed", "one", "two"]
    area.write("again\n")
    assert terminal.shown() == ["printed", "again", "one", "two"]


def test_it_begins_where_the_cursor_is() -> None:
    terminal = Terminal()
    terminal.write("collected\ntest_a.py ")
    area = terminal.area(column=len("test_a.py "))
    area.show(BLOCK)
    area.clear()
    area.write(".")
    assert terminal.shown() == ["collected", "test_a.py ."]


def test_at_the_lower_edge_the_screen_scrolls_and_nothing_is_lost() -> None:
    terminal = Terminal(lines=5)
    area = terminal.area()
    area.show(BLOCK)
    for n in range(9):
        area.write(f"line {n}\n")
    assert terminal.shown() == ["line 6", "line 7", "line 8", "one", "two"]
    area.clear()
    assert terminal.shown() == ["line 6", "line 7", "line 8"]


def test_a_shorter_block_leaves_nothing_of_the_longer() -> None:
    terminal = Terminal()
    area = terminal.area()
    area.show(["long line", "two", "three"])
    area.show(["short"])
    assert terminal.shown() == ["short"]


def test_a_low_terminal_shows_the_lines_that_have_room() -> None:
    terminal = Terminal(lines=3)
    area = terminal.area()
    area.write("dots ..")
    area.show(["one", "two", "three"])
    assert terminal.shown() == ["dots ..", "one"]
    area.write(".")
    assert terminal.shown() == ["dots ...", "one"]


@pytest.mark.parametrize(
    "size", [pytest.param((10, 6), id="narrower"), pytest.param((40, 6), id="wider"),
             pytest.param((20, 12), id="higher")]
)  # fmt: skip
def test_after_a_resize_nothing_is_left(size: tuple[int, int]) -> None:
    terminal = Terminal()
    area = terminal.area()
    area.write("test_a ..")
    area.show(["a line of 19 colums", "two"])
    terminal.screen.resize(columns=size[0], lines=size[1])
    area.show(["narrow"])
    assert terminal.shown() == ["test_a ..", "narrow"]
    area.clear()
    assert terminal.shown() == ["test_a .."]


def test_a_line_that_is_too_long_after_all_is_cut() -> None:
    terminal = Terminal(columns=10)
    area = terminal.area()
    area.show(["0123456789 and more", "two"])
    area.write("printed\n")
    area.clear()
    assert terminal.shown() == ["printed"]


def test_where_a_line_is_just_full_the_block_waits_for_the_next() -> None:
    terminal = Terminal(columns=10)
    area = terminal.area()
    area.show(BLOCK)
    area.write("0123456789")
    assert terminal.shown() == ["0123456789"]
    area.write("ab")
    assert terminal.shown() == ["0123456789", "ab", "one", "two"]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        pytest.param("", 3, id="nothing"),
        pytest.param("abc", 6, id="goes on"),
        pytest.param("abc\n", 0, id="a line is over"),
        pytest.param("abc\nde", 2, id="in the next line"),
        pytest.param("abc\rde", 2, id="over what was there"),
        pytest.param("\x1b[32m.\x1b[0m", 4, id="colours have no width"),
        pytest.param("\x1b]0;title\x07.", 4, id="nor has a window's title"),
        pytest.param("日本", 7, id="wide characters have two"),
        pytest.param("\tab", 10, id="a tab"),
    ],
)
def test_where_the_cursor_is_after_a_text(text: str, column: int) -> None:
    assert column_after(3, text) == column


def test_a_stream_above_the_block_is_like_the_one_it_stands_for() -> None:
    terminal, replaced = Terminal(), io.StringIO()
    replaced.name = "stdout"
    area = terminal.area()
    area.show(BLOCK)
    stream: Any = Beneath(replaced, area)
    assert stream.write("a\n") == 2
    stream.writelines(["b\n", "c"])
    stream.flush()
    assert terminal.shown() == ["a", "b", "c", "one", "two"]
    assert (replaced.getvalue(), stream.name, stream.isatty()) == ("", "stdout", False)


class Recording(io.StringIO):
    """Keeps each write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)


def test_each_frame_is_one_write() -> None:
    stream = Recording()
    area = LiveArea(stream, lambda: (80, 24))
    area.show(BLOCK)
    area.write("a\n")
    assert len(stream.written) == 2
