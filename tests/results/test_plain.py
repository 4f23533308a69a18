"""Dataclasses as plain values and back: the same, or an error that says where."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_loadtest.errors import ResultError
from pytest_loadtest.results.plain import from_plain, to_plain, with_texts


@dataclass(frozen=True)
class Inner:
    name: str
    share: float | None = None


@dataclass(frozen=True)
class Outer:
    n: int
    is_on: bool
    inner: Inner
    mean: float = 0
    several: tuple[Inner, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    named: dict[str, Inner] = field(default_factory=dict)
    maybe: Inner | None = None
    anything: dict[str, Any] = field(default_factory=dict)


FULL = Outer(
    3,
    True,
    Inner("a", 0.5),
    1.5,
    (Inner("b"), Inner("c", 1)),
    ((0, 1), (2, 3)),
    {"d": Inner("e")},
    Inner("f"),
    {"stages": [[1.0, 2]], "seed": None},
)


@pytest.mark.parametrize("value", [FULL, replace(FULL, maybe=None), Outer(0, False, Inner(""))])
def test_a_value_is_the_same_after_a_journey_as_json(value: Outer) -> None:
    assert from_plain(Outer, json.loads(json.dumps(to_plain(value)))) == value


def test_a_number_that_json_does_not_have_is_none() -> None:
    plain = to_plain(replace(FULL, inner=Inner("a", math.inf), anything={"x": [math.nan]}))
    assert plain["inner"] == {"name": "a", "share": None}
    assert plain["anything"] == {"x": [None]}


def test_what_a_newer_version_has_added_is_ignored_and_what_an_older_one_lacks_has_its_default() -> None:
    plain = {"n": 1, "is_on": False, "inner": {"name": "a", "colour": "red"}, "added": 7}
    assert from_plain(Outer, plain) == Outer(1, False, Inner("a"))


WRONG = [
    # what, at which place, and what is said
    (("n",), "three", "n: 'three' is not a whole number"),
    (("n",), 1.5, "n: 1.5 is not a whole number"),
    (("n",), True, "n: True is not a whole number"),
    (("is_on",), 1, "is_on: 1 is not true or false"),
    (("mean",), None, "mean: None is not a number"),
    (("inner",), [], "inner: [] is not an object"),
    (("inner", "name"), 7, "inner.name: 7 is not a text"),
    (("inner", "share"), "x" * 99, f"inner.share: '{'x' * 39}... is not a number"),
    (("several",), "ab", "several: 'ab' is not a list"),
    (("several", 1, "name"), None, "several[1].name: None is not a text"),
    (("spans", 1), [1], "spans[1]: [1] is not a list of 2"),
    (("named",), [1], "named: [1] is not an object"),
    (("named", "d"), 1, "named['d']: 1 is not an object"),
]


@pytest.mark.parametrize(("place", "value", "said"), WRONG, ids=lambda each: str(each)[:30])
def test_what_is_wrong_is_said_with_its_place(place: tuple[Any, ...], value: Any, said: str) -> None:
    plain = to_plain(FULL)
    target = plain
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    with pytest.raises(ResultError) as raised:
        from_plain(Outer, plain)
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"n": 1, "is_on": True}, "'inner' is missing"),
        ({"n": 1, "is_on": True, "inner": {}}, "inner: 'name' is missing"),
        ([1], "[1] is not an object"),
    ],
)
def test_what_is_missing_is_said_with_its_place(plain: Any, said: str) -> None:
    with pytest.raises(ResultError) as raised:
        from_plain(Outer, plain)
    assert str(raised.value) == said


def test_texts_and_keys_are_changed_wherever_they_are_but_for_the_untouched_fields() -> None:
    plain = {"a": ["ab", ("ba", 1)], "latencies": ["aa"], "b": {"ab": None}}
    changed = with_texts(plain, lambda text: text.replace("a", "-"), ("latencies",))
    assert changed == {"-": ["-b", ["b-", 1]], "l-tencies": ["aa"], "b": {"-b": None}}
