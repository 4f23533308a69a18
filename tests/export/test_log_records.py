"""What libraries log in an exporter's thread."""

from __future__ import annotations

import logging
import threading

import pytest

from pytest_loadtest.export.log_records import Overheard


def test_records_of_this_thread_are_kept_from_handlers_and_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    library, other = logging.getLogger("some.library"), logging.getLogger("some.other")
    with Overheard(["some.library"]) as overheard:
        library.warning("attempt %d", 1)
        library.error("gave up")
        other.warning("not ours")
        thread = threading.Thread(target=library.warning, args=("another thread",))
        thread.start()
        thread.join()
    library.warning("afterwards")
    assert overheard.first == "attempt 1"
    assert caplog.messages == ["not ours", "another thread", "afterwards"]
    assert not library.filters


def test_what_the_library_would_keep_from_its_log_is_overheard_all_the_same() -> None:
    library = logging.getLogger("some.library.that.repeats.nothing")
    library.filters[:] = [logging.Filter("nobody")]
    with Overheard([library.name]) as overheard:
        library.error("gave up")
    assert overheard.first == "gave up"
    assert [type(each) for each in library.filters] == [logging.Filter]
