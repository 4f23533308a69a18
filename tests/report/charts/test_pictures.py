from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pytest_loadtest.report.charts.interactive import interactive
from pytest_loadtest.report.charts.picture import Picture, Spec
from pytest_loadtest.report.charts.pictures import MOST_SCOPED, pictures_of
from pytest_loadtest.report.charts.svg import svg_of
from pytest_loadtest.results.timeline import Timeline
from tests.report.loads import (
    broken_load,
    frozen_load,
    latency_budget,
    long_load,
    passed_load,
    request_timeline,
    steady,
    with_timeline,
)
from tests.report.samples import load_result


def by_key(pictures: list[Picture]) -> dict[str, Picture]:
    return {picture.key: picture for picture in pictures}


def texts(picture: Picture) -> str:
    return json.dumps(picture.spec)


def test_a_load_that_never_ran_has_no_picture() -> None:
    assert pictures_of(load_result(timeline=Timeline())) == []


def test_a_closed_load_has_latency_traffic_and_distribution() -> None:
    assert list(by_key(pictures_of(passed_load(12)))) == ["latency", "traffic", "distribution"]


def test_an_open_load_in_which_arrivals_waited_has_a_picture_of_them() -> None:
    picture = by_key(pictures_of(frozen_load(12)))["queue"]
    assert "240 iterations waited" in picture.description
    assert "37 were dropped" in picture.description


def test_budgets_are_drawn_in() -> None:
    pictures = by_key(pictures_of(broken_load(12)))
    for key in ("latency", "distribution"):
        assert "p95 \\u2264 250 ms" in texts(pictures[key])
        assert "p95 ≤ 250 ms, broken" in pictures[key].description


def test_a_budget_far_above_is_named_beneath_the_title() -> None:
    assert "p99 ≤ 2 s" in by_key(pictures_of(passed_load(12)))["latency"].note


def test_requests_with_budgets_of_their_own_have_their_own_picture() -> None:
    picture = by_key(pictures_of(broken_load(12)))["latency-request-0"]
    assert picture.title == "Latency over time: GET /api/credits"
    assert "p95 \\u2264 100 ms" in texts(picture)


def test_only_some_of_many_requests_with_budgets_have_one() -> None:
    budgets = tuple(
        latency_budget("p95", 1, 0.1, scope="request", pattern=f"*{letter}*") for letter in "agentsco"
    )
    result = replace(passed_load(6), budgets=budgets)
    assert sum(key.startswith("latency-") for key in by_key(pictures_of(result))) == MOST_SCOPED


def test_a_pattern_that_no_request_had_has_none() -> None:
    budgets = (latency_budget("p95", 1, 0.1, scope="request", pattern="never"),)
    assert len(pictures_of(replace(passed_load(6), budgets=budgets))) == 3


def test_what_was_judged_is_tinted() -> None:
    spans = by_key(pictures_of(passed_load(12)))["latency"].spec["layer"][0]
    assert spans["data"]["values"] == [{"t": 2000, "end": 10000}]


def test_a_thinned_picture_says_so() -> None:
    result = long_load(seconds=612, names=1)
    pictures = by_key(pictures_of(result))
    assert "Each point is the worst second of 3." in pictures["latency"].note
    assert "mean of requests" in pictures["traffic"].note


def test_every_picture_has_its_main_figures_in_words() -> None:
    for picture in pictures_of(broken_load(12)):
        assert any(character.isdigit() for character in picture.description)
        assert picture.description.endswith(".")


def test_names_are_data_and_never_expressions() -> None:
    """A name that closes a string of Vega's expressions changes nothing in the specification."""
    result = passed_load(12)
    hostile = "'] || alert(1) || datum['"
    requests = (replace(result.timeline.requests[0], name=hostile), *result.timeline.requests[1:])
    changed = replace(result, timeline=replace(result.timeline, requests=requests))
    for picture in pictures_of(changed):
        for spec in (picture.spec, interactive(picture)):
            assert all("alert" not in expression for expression in expressions_of(spec))


def expressions_of(spec: object) -> list[str]:
    """Every text that Vega would run."""
    if isinstance(spec, dict):
        own = [str(spec[key]) for key in ("labelExpr", "calculate", "test", "expr", "filter") if key in spec]
        return own + [found for value in spec.values() for found in expressions_of(value)]
    return [found for each in spec for found in expressions_of(each)] if isinstance(spec, list) else []


class TestInteractive:
    def test_the_still_picture_stays_as_it_was(self) -> None:
        (picture, *_) = pictures_of(passed_load(6))
        before = json.dumps(picture.spec)
        interactive(picture)
        assert json.dumps(picture.spec) == before

    def test_it_is_as_wide_as_its_place_and_answers_to_a_pointer(self) -> None:
        for picture in pictures_of(passed_load(6)):
            spec = interactive(picture)
            assert spec["width"] == "container"
            assert [each["name"] for each in spec["layer"][-1]["params"]] == ["hovered", "zoom"]

    def test_the_wheel_alone_scrolls_the_page(self) -> None:
        (picture, *_) = pictures_of(passed_load(6))
        zoom = interactive(picture)["layer"][-1]["params"][1]["select"]["zoom"]
        assert "ctrlKey" in zoom


@pytest.mark.parametrize("vus", [(1,), (1, 3, 3, 2)])
def test_virtual_users_are_drawn_to_the_end_of_the_last_second(vus: tuple[int, ...]) -> None:
    timeline = request_timeline("GET /", len(vus), 9, 10, steady, 0)
    for picture in pictures_of(with_timeline(load_result(), [timeline], vus))[:2]:
        area = picture.spec["layer"][1]
        assert area["mark"]["type"] == "area"
        changes = [(step["t"], step["vus"]) for step in area["data"]["values"]]
        assert (
            changes
            == {
                1: [(0, 1), (1000, 1)],
                4: [(0, 1), (1000, 3), (3000, 2), (4000, 2)],
            }[len(vus)]
        )


@pytest.mark.parametrize(("seconds", "has_points"), [(1, True), (60, False)])
def test_a_load_of_a_second_has_points_where_there_is_no_line(seconds: int, *, has_points: bool) -> None:
    timeline = request_timeline("GET /", seconds, 9, 10, steady, 0)
    result = with_timeline(load_result(), [timeline], (3,) * seconds)
    for picture in pictures_of(result)[:2]:
        drawn = [layer for layer in marks_of(picture.spec["layer"]) if layer["type"] == "line"]
        assert [("point" in mark) for mark in drawn] == [has_points]


def marks_of(layers: list[Spec]) -> list[Spec]:
    return [
        mark
        for layer in layers
        for mark in (marks_of(layer["layer"]) if "layer" in layer else [layer["mark"]])
    ]


@pytest.mark.parametrize("seconds", [1, 3, 6])
def test_a_short_axis_has_no_second_twice(seconds: int) -> None:
    timeline = request_timeline("GET /", seconds, 9, 10, steady, 0)
    picture = pictures_of(with_timeline(load_result(), [timeline], (3,) * seconds))[0]
    texts = re.findall(r">(\d:\d\d)<", svg_of(picture))
    assert texts == [f"0:0{second}" for second in range(seconds + 1)]
