"""Frames from a process that must not wait to one that may lag behind: files in a folder, one by one.

The writer appends and tells that there is more; the reader deletes each file when it has read it, so that not
much more stands on the disk than it lags behind. Owns the frames, not what is in them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct("=BI")  # kind, length
_NEXT_FILE, _END = 0, 255  # of our own
# 200 full buffers of the recorder: large enough that files are rarely opened while load runs.
FILE_BYTES = 64 * 1024 * 1024

Frame = tuple[int, bytes]  # kind, from 1 to 254, and content


class SpoolWriter:
    """Appends frames. Errors of the disk are raised as OSError."""

    def __init__(self, folder: Path, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._number = 0
        self._file = self._opened()

    def write(self, kind: int, content: bytes | bytearray) -> None:
        """Append a frame; it is in the file when this returns."""
        self._file.write(_HEADER.pack(kind, len(content)))
        self._file.write(content)
        self._file.flush()
        if self._file.tell() >= self._file_bytes:
            self._turn()

    def close(self) -> None:
        """There will be no more."""
        with self._file:
            self._file.write(_HEADER.pack(_END, 0))

    def _turn(self) -> None:
        """The next file is there before the reader hears of it."""
        full, self._number = self._file, self._number + 1
        self._file = self._opened()
        with full:
            full.write(_HEADER.pack(_NEXT_FILE, 0))

    def _opened(self) -> BinaryIO:
        return _path(self._folder, self._number).open("wb")


def read_frames(folder: Path, wait: Callable[[], bool]) -> Iterator[Frame]:
    """All frames until the writer closed. At what is the end so far it calls `wait`, which says whether more
    may come: it will not from a writer that was killed.
    """
    number, kind = 0, _NEXT_FILE
    while kind == _NEXT_FILE:
        path = _path(folder, number)
        with path.open("rb") as file:
            kind = _END
            for kind, content in _frames_in(file, wait):
                if kind in (_NEXT_FILE, _END):
                    break
                yield kind, content
        path.unlink()
        number += 1


def _frames_in(file: BinaryIO, wait: Callable[[], bool]) -> Iterator[Frame]:
    may_grow = True
    while True:
        begin = file.tell()
        header = file.read(_HEADER.size)
        if len(header) == _HEADER.size:
            kind, length = _HEADER.unpack(header)
            if len(content := file.read(length)) == length:
                yield kind, content
                continue
        if not may_grow:
            return
        file.seek(begin)
        may_grow = wait()  # when nobody writes any more, what was written last is still to be read


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:06}"
