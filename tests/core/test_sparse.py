"""The histogram of one slice: merging, packing, and its journey as text."""

from __future__ import annotations

import base64
import string
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_loadtest.core.histogram import HIGHEST_NS, LOWEST_NS, SLOTS, Histogram, slot_of
from pytest_loadtest.core.sparse import SparseHistogram, exact_of

bounded = settings(
    derandomize=True,
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
# From below the buckets to above them, with many in few buckets, so that counts take more than a byte.
value = st.one_of(
    st.integers(-5, LOWEST_NS), st.integers(10**6, 10**6 + 9), st.integers(10**6, 10**9), st.just(HIGHEST_NS)
)
values = st.lists(st.tuples(value, st.integers(1, 300)), max_size=12).map(
    lambda pairs: [each for each, times in pairs for _ in range(times)]
)


def sparse_of(latencies: list[int]) -> SparseHistogram:
    used, counts = np.unique(slot_of(np.array(latencies, dtype=np.int64)), return_counts=True)
    return SparseHistogram(
        used.astype(np.uint16),
        counts.astype(np.uint32),
        len(latencies),
        sum(latencies),
        min(latencies, default=0),
        max(latencies, default=0),
    )


def dense(*parts: SparseHistogram) -> tuple[object, ...]:
    histogram = Histogram()
    for part in parts:
        if part.n:
            histogram.merge_sparse(part)
    return figures(histogram)


def figures(histogram: Histogram) -> tuple[object, ...]:
    return histogram.counts.tobytes(), histogram.n, histogram.sum, histogram.min, histogram.max


@given(values)
@bounded
def test_nothing_is_lost_by_packing_and_by_the_journey_as_text(latencies: list[int]) -> None:
    sparse = sparse_of(latencies)
    for again in (SparseHistogram.unpack(sparse.pack()), SparseHistogram.decode(sparse.encode())):
        assert (again.slots.tolist(), again.counts.tolist()) == (
            sparse.slots.tolist(),
            sparse.counts.tolist(),
        )
        assert (again.n, again.sum, again.min, again.max) == (sparse.n, sparse.sum, sparse.min, sparse.max)
        assert (again.slots.dtype, again.counts.dtype) == (sparse.slots.dtype, sparse.counts.dtype)


@given(values, values)
@bounded
def test_merging_after_the_journey_equals_merging_dense_histograms(one: list[int], other: list[int]) -> None:
    merged = SparseHistogram.decode(sparse_of(one).encode())
    merged.merge(SparseHistogram.decode(sparse_of(other).encode()))
    assert dense(merged) == figures(Histogram.of(one + other))


def test_merging_leaves_the_other_as_it_was() -> None:
    other = sparse_of([1000, 5000])
    before = other.encode()
    empty, filled = sparse_of([]), sparse_of([900])
    empty.merge(other)
    filled.merge(other)
    filled.merge(other)
    empty.merge(sparse_of([7000]))
    assert other.encode() == before
    assert (empty.n, filled.n) == (3, 5)


def test_number_sum_and_extremes_are_read_without_unpacking() -> None:
    packed = [sparse_of(latencies).pack() for latencies in ([1000, 2000, 9000], [7])]
    exact = exact_of(packed)
    assert exact[["n", "sum", "min", "max"]].tolist() == [(3, 12_000, 1000, 9000), (1, 7, 7, 7)]


def test_a_second_of_5000_requests_takes_less_than_half_a_kilobyte() -> None:
    rng = np.random.default_rng(1)
    latencies: list[int] = rng.lognormal(np.log(5e6), 0.6, 5000).astype(np.int64).tolist()
    assert 300 < len(sparse_of(latencies).pack()) < 500


# -- damage -----------------------------------------------------------------------------------------


@given(values.filter(len), st.data())
@bounded
def test_one_changed_character_is_found(latencies: list[int], data: st.DataObject) -> None:
    text = sparse_of(latencies).encode()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([each for each in string.printable if each != text[place]]))
    with pytest.raises(ValueError, match="damaged histogram"):
        SparseHistogram.decode(text[:place] + other + text[place + 1 :])


@given(values.filter(len), st.data())
@bounded
def test_a_text_that_was_cut_is_found(latencies: list[int], data: st.DataObject) -> None:
    text = sparse_of(latencies).encode()
    with pytest.raises(ValueError, match="damaged histogram"):
        SparseHistogram.decode(text[: data.draw(st.integers(0, len(text) - 1))])


def with_checksum(packed: bytes) -> str:
    return base64.b64encode(zlib.crc32(packed).to_bytes(4, "little") + packed).decode("ascii")


GOOD = sparse_of([1000, 1000, 5000])


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(GOOD.pack()[:-2], id="its end is missing"),
        pytest.param(GOOD.pack() + b"x", id="something follows"),
        pytest.param(GOOD.pack()[:20], id="not even its head is whole"),
        pytest.param(b"\x07" + GOOD.pack()[1:], id="its counts are not those of its values"),
        pytest.param(
            replace(GOOD, slots=np.array([5, SLOTS], dtype=np.uint16)).pack(), id="there is no such slot"
        ),
        pytest.param(
            replace(GOOD, slots=np.array([5, 5], dtype=np.uint16)).pack(), id="one slot comes twice"
        ),
        pytest.param(
            replace(GOOD, counts=np.array([0, 3], dtype=np.uint32)).pack(), id="a slot without values"
        ),
        pytest.param(
            replace(GOOD, slots=np.array([5], dtype=np.uint16)).pack(), id="a count without its slot"
        ),
        pytest.param(
            replace(
                GOOD, slots=np.arange(60_000, dtype=np.uint16), counts=np.ones(60_000, dtype=np.uint32)
            ).pack(),
            id="far more slots than there are",
        ),
    ],
)
def test_what_no_values_make_is_refused_though_its_checksum_is_right(packed: bytes) -> None:
    with pytest.raises(ValueError, match="damaged histogram"):
        SparseHistogram.decode(with_checksum(packed))
    assert SparseHistogram.decode(with_checksum(GOOD.pack())).n == 3
