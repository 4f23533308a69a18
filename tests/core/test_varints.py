"""Whole numbers as few bytes, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_loadtest.core.varints import from_varints, to_varints

numbers = st.lists(st.one_of(st.integers(0, 200), st.integers(0, 2**63 - 1)), max_size=20)


@given(numbers)
@settings(derandomize=True, max_examples=50, deadline=None, database=None)
def test_numbers_come_back(values: list[int]) -> None:
    assert from_varints(to_varints(np.array(values, dtype=np.int64))).tolist() == values


@pytest.mark.parametrize(
    ("value", "data"),
    [
        pytest.param(0, b"\x00", id="nothing is one byte"),
        pytest.param(127, b"\x7f", id="the largest number of one byte"),
        pytest.param(128, b"\x80\x01", id="the smallest of two, its low bits first"),
        pytest.param(300, b"\xac\x02", id="300"),
        pytest.param(2**63 - 1, b"\xff" * 8 + b"\x7f", id="the largest there is takes nine"),
    ],
)
def test_the_form_is_leb128(value: int, data: bytes) -> None:
    assert to_varints(np.array([value], dtype=np.int64)) == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"\x80", "cut off", id="the only number has no end"),
        pytest.param(b"\x01\xac", "cut off", id="the second number has no end"),
        pytest.param(b"\x80" * 9 + b"\x01", "more than 63 bits", id="a number of ten bytes"),
    ],
)
def test_other_bytes_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_varints(data)
