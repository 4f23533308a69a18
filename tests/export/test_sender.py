"""The thread of an exporter: nothing waits for it, nothing is lost in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest

from pytest_loadtest.core.redaction import MASK
from pytest_loadtest.export.points import Batch
from pytest_loadtest.export.sender import MOST_APART, MOST_WAITING, Sender

PATIENCE_S = 30


def batch(n: int, load: str = "a", *, last: bool = False) -> Batch:
    return Batch((load,), 0, n, n + 1, (), last)


class Fake:
    """Fails in `begin`, `export` or `close` with what it is given; `gate` holds exports back while closed."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.batches: list[Batch] = []
        self.calls: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.is_busy = threading.Event()

    @property
    def came(self) -> list[int]:
        return [batch.since_ns for batch in self.batches]

    def begin(self) -> None:
        self._do("begin")

    def export(self, batch: Batch) -> None:
        self.is_busy.set()
        assert self.gate.wait(PATIENCE_S)
        self._do("export")
        self.batches.append(batch)

    def close(self) -> None:
        self._do("close")

    def _do(self, what: str) -> None:
        self.calls.append(what)
        if what in self.errors:
            raise self.errors[what]


def until(condition: Callable[[], object]) -> None:
    """Another thread makes it true."""
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline
        sleep(0.001)


def sent(fake: Fake, *batches: Batch) -> Sender:
    sender = Sender(fake, "fake")
    sender.start()
    for each in batches:
        sender.put(each)
    sender.finish()
    sender.wait(monotonic() + PATIENCE_S)
    return sender


def test_batches_come_in_order_and_all_of_them() -> None:
    fake = Fake()
    sender = sent(fake, *map(batch, range(MOST_APART)))
    assert fake.came == list(range(MOST_APART))
    assert fake.calls == ["begin", *["export"] * MOST_APART, "close"]
    assert sender.note == ""


def test_many_that_wait_become_one_of_each_load(held: Fake) -> None:
    sender = Sender(held, "fake")
    sender.start()
    sender.put(batch(0))
    assert held.is_busy.wait(PATIENCE_S)
    for each in (batch(1), batch(2), batch(3, last=True), batch(4), batch(5, "b"), batch(6, "b")):
        sender.put(each)
    held.gate.set()
    sender.finish()
    sender.wait(monotonic() + PATIENCE_S)
    spans = [(each.since_ns, each.at_ns, each.last) for each in held.batches]
    assert spans == [(0, 1, False), (1, 4, True), (4, 5, False), (5, 6, False), (6, 7, False)]
    assert sender.exported == 7
    assert sender.note == ""


def test_without_a_batch_it_is_only_closed() -> None:
    fake = Fake()
    assert sent(fake).note == ""
    assert fake.calls == ["close"]


def test_a_sender_that_was_never_started_is_finished() -> None:
    sender = Sender(Fake(), "fake")
    sender.finish()
    sender.wait(monotonic() + PATIENCE_S)
    assert sender.note == ""


@pytest.mark.parametrize(
    ("errors", "note"),
    [
        ({"export": OSError("refused")}, "--load-export fake: 1 of 1 exports failed: refused"),
        ({"begin": OSError("port taken")}, "--load-export fake: 1 of 1 exports failed: port taken"),
        ({"close": OSError("stuck")}, "--load-export fake: not closed: stuck"),
        ({"export": ValueError()}, "--load-export fake: 1 of 1 exports failed: ValueError"),
        (
            {"export": OSError("a\n\x1b[1m  b")},
            "--load-export fake: 1 of 1 exports failed: a \ufffd[1m b",
        ),
        ({"export": OSError("token=abc123")}, f"--load-export fake: 1 of 1 exports failed: token={MASK}"),
    ],
)
def test_what_goes_wrong_is_told_in_the_end(errors: dict[str, Exception], note: str) -> None:
    assert sent(Fake(**errors), batch(0)).note == note


def test_a_begin_that_fails_is_tried_again() -> None:
    fake = Fake(begin=OSError("port taken"))
    sender = Sender(fake, "fake")
    sender.start()
    fake.export = lambda _: fake.errors.clear()  # type: ignore[method-assign]  # it works again
    sender.put(batch(0))
    until(lambda: sender.lost)
    fake.errors.clear()
    sender.put(batch(1))
    sender.finish()
    sender.wait(monotonic() + PATIENCE_S)
    assert sender.note == "--load-export fake: 1 of 2 exports failed: port taken"


@pytest.fixture
def held() -> Iterator[Fake]:
    fake = Fake()
    fake.gate.clear()
    yield fake
    fake.gate.set()


def test_what_waits_is_bounded_and_the_oldest_are_lost(held: Fake) -> None:
    sender = Sender(held, "fake")
    sender.start()
    sender.put(batch(0))
    assert held.is_busy.wait(PATIENCE_S)
    for n in range(1, MOST_WAITING + 4):
        sender.put(batch(n))
    held.gate.set()
    sender.finish()
    sender.wait(monotonic() + PATIENCE_S)
    assert held.came == [0, 4], "the others as one"
    assert held.batches[-1].at_ns == MOST_WAITING + 4
    total = MOST_WAITING + 4
    assert sender.note == f"--load-export fake: 3 of {total} exports failed: the receiver is too slow"


def test_an_exporter_that_hangs_is_left_behind(held: Fake) -> None:
    sender = Sender(held, "fake")
    sender.start()
    sender.put(batch(0))
    assert held.is_busy.wait(PATIENCE_S)
    sender.put(batch(1))
    sender.finish()
    sender.wait(monotonic())
    assert sender.note == "--load-export fake: 2 of 2 exports failed: the receiver does not answer"


def test_where_nothing_arrives_only_the_last_is_tried_in_the_end(held: Fake) -> None:
    held.errors["export"] = OSError("refused")
    sender = Sender(held, "fake")
    held.gate.set()
    sender.start()
    sender.put(batch(0))
    until(lambda: sender.lost)
    held.gate.clear()
    held.is_busy.clear()
    sender.put(batch(1))
    assert held.is_busy.wait(PATIENCE_S)
    for n in range(2, 9):
        sender.put(batch(n))
    sender.finish()
    held.gate.set()
    sender.wait(monotonic() + PATIENCE_S)
    assert held.calls.count("export") == 3
    assert sender.note == "--load-export fake: 9 of 9 exports failed: refused"
