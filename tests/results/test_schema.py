"""docs/run.schema.json: as the classes are, and a check that finds what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_loadtest.results import files
from tests.results.results import load_result, run
from tests.results.schema import PATH, schema


def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(PATH.read_text("utf-8")))


def document() -> Any:
    """A run's file as it is read by others."""
    plain = {"format": files.FORMAT, "schema_version": files.SCHEMA_VERSION, **run().to_plain()}
    return json.loads(json.dumps(plain))


def test_the_schema_is_a_right_one_and_that_of_the_classes() -> None:
    Draft202012Validator.check_schema(schema())
    assert json.loads(PATH.read_text("utf-8")) == schema(), "python -m tests.results.schema writes it again"


def test_a_run_with_something_in_every_field_keeps_it() -> None:
    assert [error.message for error in validator().iter_errors(document())] == []
    empty = run(results=(load_result(requests=(), authentication=None),), commit=None, exit_status=None)
    plain = {"format": files.FORMAT, "schema_version": files.SCHEMA_VERSION, **empty.to_plain()}
    assert [error.message for error in validator().iter_errors(plain)] == []


def test_what_a_newer_version_adds_is_no_error() -> None:
    newer = document()
    newer["added"] = newer["results"][0]["added"] = {"anything": 1}
    assert validator().is_valid(newer)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), "something else"),
        (("schema_version",), 2),
        (("began_at",), "yesterday"),
        (("commit",), {"sha": "HEAD", "branch": "main", "dirty": False}),
        (("machine", "cores"), "two"),
        (("results", 0, "requests", 0, "count"), -1),
        (("results", 0, "requests", 0, "latency", "p95"), None),
        (("results", 0, "requests", 0, "histogram"), "no base64!"),
        (("results", 0, "budgets", 0, "unit"), "ms"),
        (("results", 0, "steady_spans", 0), [1]),
        (("results", 0, "timeline", "vus", 0), 1.5),
    ],
)
def test_a_wrong_value_is_found(place: tuple[Any, ...], value: Any) -> None:
    wrong = document()
    target = wrong
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    assert [list(error.absolute_path) for error in validator().iter_errors(wrong)] == [list(place)]


@pytest.mark.parametrize("place", [("summary",), ("results", 0, "latency"), ("results", 0, "began_at")])
def test_a_missing_value_is_found(place: tuple[Any, ...]) -> None:
    wrong = document()
    target = wrong
    for step in place[:-1]:
        target = target[step]
    del target[place[-1]]
    (error,) = validator().iter_errors(wrong)
    assert error.message == f"'{place[-1]}' is a required property"
