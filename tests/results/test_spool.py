"""Frames through files: all of them, in order, however the reader and the writer take turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_loadtest.results.spool import Frame, SpoolWriter, read_frames

FRAMES: list[Frame] = [(1, b"begin"), (2, b""), (3, bytes(range(256)) * 40), (254, b"end")]


def ended() -> bool:
    return False


@pytest.mark.parametrize("file_bytes", [1, 20, 1000, 1_000_000])
def test_what_was_written_is_read_and_its_files_are_deleted(tmp_path: Path, file_bytes: int) -> None:
    writer = SpoolWriter(tmp_path, file_bytes)
    for kind, content in FRAMES:
        writer.write(kind, content)
    writer.close()
    assert list(read_frames(tmp_path, ended)) == FRAMES
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file_bytes", [1, 1_000_000])
def test_a_reader_that_is_faster_waits_for_more(tmp_path: Path, file_bytes: int) -> None:
    writer = SpoolWriter(tmp_path, file_bytes)
    left = iter(FRAMES)

    def next_is_written() -> bool:
        for kind, content in left:
            writer.write(kind, content)
            return True
        return False

    assert list(read_frames(tmp_path, next_is_written)) == FRAMES
    writer.close()


def test_a_reader_waits_no_longer_when_the_writer_has_closed(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.write(1, b"all")
    writer.close()
    assert list(read_frames(tmp_path, pytest.fail)) == [(1, b"all")]


def test_what_was_written_just_before_the_writer_was_killed_is_read(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)

    def ends_now() -> bool:
        writer.write(1, b"the last words")
        return False

    assert list(read_frames(tmp_path, ends_now)) == [(1, b"the last words")]
    writer.close()


@pytest.mark.parametrize("missing", [1, 4, 9])
def test_a_frame_that_a_killed_writer_left_unfinished_is_left_out(tmp_path: Path, missing: int) -> None:
    writer = SpoolWriter(tmp_path)
    writer.write(1, b"whole")
    writer.write(2, b"part")
    (file,) = tmp_path.iterdir()
    written = file.read_bytes()
    writer.close()
    file.write_bytes(written[:-missing])
    assert list(read_frames(tmp_path, ended)) == [(1, b"whole")]


def test_a_frame_is_read_when_its_last_byte_has_come(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.write(1, b"a frame")
    writer.close()
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(b"")

    def one_byte_more() -> bool:
        length = file.stat().st_size
        with file.open("ab") as growing:
            growing.write(content[length : length + 1])
        return length < len(content)

    assert list(read_frames(tmp_path, one_byte_more)) == [(1, b"a frame")]


def test_no_more_stands_on_the_disk_than_the_reader_lags_behind(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, 1000)

    def writing() -> Iterator[bool]:
        for _ in range(50):
            writer.write(1, bytes(600))
            yield True
        while True:
            yield False

    most, more = 0, writing()
    for _ in read_frames(tmp_path, lambda: next(more)):
        most = max(most, sum(each.stat().st_size for each in tmp_path.iterdir()))
    writer.close()
    assert most < 3 * 1000
