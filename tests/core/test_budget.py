"""What must hold: the grammar of budgets, and errors that say what is allowed."""

from __future__ import annotations

import math

import pytest

from pytest_loadtest.core.budget import (
    DEFAULT_LIMITS,
    RULES,
    Budget,
    Scope,
    parse_budget,
    parse_budgets,
    percentile_of,
    rule_of,
    with_defaults,
)
from pytest_loadtest.errors import ConfigurationError

S = 1_000_000_000
EVERYWHERE = [Scope.ALL, Scope.REQUEST, Scope.METRIC]

KEYS = [
    ("p50", "250ms", 250_000_000, "<= 250 ms", EVERYWHERE),
    ("p75", 0.3, 300_000_000, "<= 300 ms", EVERYWHERE),
    ("p95", "5s", 5 * S, "<= 5 s", EVERYWHERE),
    ("p99_9", "1m1.5s", 61_500_000_000, "<= 1m 1.5s", EVERYWHERE),
    ("mean", "5.0125s", 5_012_500_000, "<= 5.0125 s", EVERYWHERE),
    ("max", 60, 60 * S, "<= 1m", EVERYWHERE),
    ("error_rate", "5%", 0.05, "<= 5%", [Scope.ALL, Scope.REQUEST]),
    ("failure_rate", 0.001, 0.001, "<= 0.1%", [Scope.ALL]),
    ("dropped", 0, 0, "<= 0", [Scope.ALL]),
    ("check_rate", "99.9%", 0.999, ">= 99.9%", [Scope.ALL, Scope.CHECK]),
    ("rps", "3000/m", 50.0, ">= 50/s", [Scope.ALL, Scope.REQUEST]),
    ("iterations", "1000", 1000, ">= 1,000", [Scope.ALL]),
    ("max_rate", "1%", 0.01, "<= 1%", [Scope.METRIC]),
    ("min_rate", "1%", 0.01, ">= 1%", [Scope.METRIC]),
    ("max_count", 3, 3, "<= 3", [Scope.METRIC]),
    ("min_count", 3, 3, ">= 3", [Scope.METRIC]),
]


def test_the_table_below_has_every_key() -> None:
    assert {key for key, *_ in KEYS if percentile_of(key) is None} == set(RULES)


@pytest.mark.parametrize(("key", "value", "limit", "text", "scopes"), KEYS, ids=[key for key, *_ in KEYS])
def test_every_key_has_its_form_its_direction_and_its_scopes(
    key: str, value: object, limit: float, text: str, scopes: list[Scope]
) -> None:
    budget = parse_budget(key, value, scopes[0])
    assert (budget.limit, budget.limit_text) == (limit, text)
    assert rule_of(key).scopes == set(scopes)
    for scope in set(Scope) - set(scopes):
        with pytest.raises(ConfigurationError, match=f"budget '{key}' does not go with"):
            parse_budget(key, value, scope, "some name")


@pytest.mark.parametrize(
    ("value", "per_second"), [(50, 50.0), (0.5, 0.5), ("50", 50.0), (" 50/s ", 50.0), ("30/m", 0.5)]
)
def test_requests_per_second_may_be_a_plain_number(value: object, per_second: float) -> None:
    assert parse_budget("rps", value).limit == per_second


@pytest.mark.parametrize(
    ("key", "percentile"),
    [
        ("p50", 0.5),
        ("p5", 0.05),
        ("p99_9", 0.999),
        ("p99_99", 0.9999),
        ("p0", None),
        ("p100", None),
        ("p99_", None),
        ("p99.9", None),
        ("mean", None),
    ],
)
def test_which_words_are_percentiles(key: str, percentile: float | None) -> None:
    assert percentile_of(key) == percentile


# -- what is not allowed ----------------------------------------------------------------------------

SOME_KEYS = "p50 p75 p90 p95 p99 p99_9 (any pN), mean, max, error_rate"


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        pytest.param({}, ["a budget without a limit", SOME_KEYS, "request="], id="nothing at all"),
        pytest.param({"request": "a"}, ["a budget without a limit", SOME_KEYS], id="a request, but no limit"),
        pytest.param({"eror_rate": 0}, ["'eror_rate' (did you mean 'error_rate'?)", SOME_KEYS], id="a slip"),
        pytest.param({"p9g": 1}, ["'p9g' (did you mean 'p99'?)"], id="a slip in a percentile"),
        pytest.param({"requests": "a", "p95": 1}, ["did you mean 'request'?"], id="a slip in a modifier"),
        pytest.param({"zzz": 1}, ["unknown budget 'zzz'; allowed are", SOME_KEYS], id="nothing like it"),
        pytest.param({"p100": 1}, ["unknown budget 'p100'"], id="the 100th percentile is called max"),
        pytest.param({"p95": "fast"}, ["budget p95: 'fast' is not a duration such as"], id="no duration"),
        pytest.param({"error_rate": 5}, ["budget error_rate: 5 is not a share such as"], id="a forgotten %"),
        pytest.param({"dropped": -1}, ["budget dropped: -1 is not a whole number, 0 or more"], id="negative"),
        pytest.param(
            {"iterations": 0}, ["is not a whole number, 1 or more"], id="no iterations is no budget"
        ),
        pytest.param(
            {"rps": 0}, ["budget rps: 0 is not a rate", "as a number"], id="no requests is no budget"
        ),
        pytest.param({"rps": True}, ["budget rps: True is not a rate"], id="a bool is no rate"),
        pytest.param({"rps": math.inf}, ["budget rps: inf is not a rate"], id="an infinite rate"),
        pytest.param({"rps": "fast"}, ["budget rps: 'fast' is not a rate"], id="a word is no rate"),
        pytest.param(
            {"request": 5, "p95": 1}, ["budget request=5 is not a name", "GET /api/*"], id="no name"
        ),
        pytest.param({"check": "", "check_rate": 1}, ["budget check='' is not a name"], id="an empty name"),
        pytest.param(
            {"request": "a", "metric": "b", "p95": 1},
            ["request= and metric= in one budget; use one budget each"],
            id="two subjects",
        ),
        pytest.param(
            {"request": "a", "dropped": 1},
            ["budget 'dropped' does not go with request=; it holds for the whole test"],
            id="a subject that the key does not have",
        ),
        pytest.param(
            {"p95": 1, "window": "999ms"},
            ["budget window=: '999ms' is not a duration in tenths of a second, 1 s or longer"],
            id="a window of few requests",
        ),
        pytest.param(
            {"p95": 1, "window": "1.25s"},
            ["budget window=: '1.25s' is not a duration in tenths of a second"],
            id="a window that is not made of slices",
        ),
        pytest.param(
            {"p95": 1, "window": "wide"}, ["budget window=: 'wide' is not a dur"], id="a wide window"
        ),
        pytest.param(
            {"p95": 1, "abort": 0}, ["budget abort=: 0 is not a duration above zero"], id="an abort at once"
        ),
        pytest.param(
            {"p95": 1, "abort": True}, ["budget abort=: True is not a dur"], id="abort is no switch"
        ),
        pytest.param({"window": "10s"}, ["a budget without a limit", SOME_KEYS], id="a window of nothing"),
        *(
            pytest.param(
                {key: 1, "window": "10s"} | ({"metric": "n"} if "count" in key else {}),
                [f"budget '{key}' does not go with window=: it is a count of the whole run"],
                id=f"{key} is counted over the whole run",
            )
            for key in ("iterations", "dropped", "max_count", "min_count")
        ),
        *(
            pytest.param(
                {key: 1, "abort": "10s"} | ({"metric": "n"} if "count" in key else {}),
                [f"budget '{key}' does not go with abort=: only at the end is it known that too few came"],
                id=f"{key} can only be kept at the end",
            )
            for key in ("iterations", "min_count")
        ),
        pytest.param(
            {"max_count": 1},
            ["budget 'max_count' does not go with the whole test; it holds for metric="],
            id="a key that needs a subject",
        ),
    ],
)
def test_what_is_no_budget_is_refused_with_what_is_one(values: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_budgets(values)
    for part in parts:
        assert part in str(caught.value)


# -- a marker's words -------------------------------------------------------------------------------


def test_a_marker_makes_one_budget_for_each_of_its_limits() -> None:
    budgets = parse_budgets({"p95": "5s", "request": "agent *", "error_rate": "5%"})
    assert budgets == [
        Budget("p95", 5 * S, Scope.REQUEST, "agent *"),
        Budget("error_rate", 0.05, Scope.REQUEST, "agent *"),
    ]


def test_a_markers_modifiers_hold_for_all_its_limits_and_go_together() -> None:
    values = {"p95": 1, "error_rate": 0.1, "request": "a", "window": "2.5s", "abort": 10}
    assert parse_budgets(values) == [
        Budget("p95", S, Scope.REQUEST, "a", window_ns=5 * S // 2, abort_ns=10 * S),
        Budget("error_rate", 0.1, Scope.REQUEST, "a", window_ns=5 * S // 2, abort_ns=10 * S),
    ]
    assert [(b.window_ns, b.abort_ns) for b in parse_budgets({"rps": 9, "abort": "1s"})] == [(0, S)]


@pytest.mark.parametrize(
    ("budget", "label"),
    [
        (Budget("p95", S), "p95"),
        (Budget("p99_9", S), "p99.9"),
        (Budget("p95", S, Scope.REQUEST, "agent details"), "p95 of 'agent details'"),
        (Budget("check_rate", 1, Scope.CHECK, "agents are listed"), "check_rate of 'agents are listed'"),
        (Budget("p95", S, window_ns=10 * S), "p95 in every 10s"),
        (Budget("p95", S, abort_ns=10 * S), "p95"),
        (
            Budget("p95", S, Scope.REQUEST, "agent details", window_ns=90 * S),
            "p95 of 'agent details' in every 1m30s",
        ),
        (Budget("error_rate", 0, implicit=True, excluded=("a", "b*")), "error_rate of all but 'a', 'b*'"),
    ],
)
def test_the_label_says_what_of_what(budget: Budget, label: str) -> None:
    assert budget.label == label


@pytest.mark.parametrize(
    ("budget", "measured", "holds"),
    [
        pytest.param(Budget("p95", S), S, True, id="an upper bound may be reached"),
        pytest.param(Budget("p95", S), S + 1, False, id="an upper bound may not be passed"),
        pytest.param(Budget("p95", S), math.inf, False, id="never is above every bound"),
        pytest.param(Budget("check_rate", 0.999), 999 / 1000, True, id="a lower bound may be reached"),
        pytest.param(Budget("check_rate", 0.999), 998 / 1000, False, id="a lower bound may not be missed"),
        pytest.param(Budget("p95", S), math.nan, False, id="nothing measured keeps no upper bound"),
        pytest.param(Budget("rps", 1), math.nan, False, id="nothing measured keeps no lower bound"),
    ],
)
def test_when_a_budget_holds(budget: Budget, measured: float, holds: bool) -> None:
    assert budget.holds(measured) is holds


@pytest.mark.parametrize(
    ("budget", "measured", "text"),
    [
        pytest.param(Budget("p95", 5 * S), 4.1 * S, "4.1 s", id="three digits as a rule"),
        pytest.param(
            Budget("p95", 5 * S), 5_000_400_000, "5.0004 s", id="more when the limit reads the same"
        ),
        pytest.param(Budget("p95", 5 * S), 5 * S, "5 s", id="the limit itself"),
        pytest.param(Budget("p95", 200 * S), 200.3 * S, "3m 20.3s", id="minutes too"),
        pytest.param(Budget("error_rate", 0.05), 0.050004, "5.0004%", id="shares too"),
        pytest.param(Budget("rps", 500), 499.96, "499.96/s", id="rates too"),
        pytest.param(Budget("p95", 5 * S), math.inf, "no end", id="no end"),
        pytest.param(Budget("p95", 5 * S), math.nan, "-", id="nothing measured"),
    ],
)
def test_a_figure_never_reads_like_a_limit_that_it_is_not(budget: Budget, measured: float, text: str) -> None:
    assert budget.text_of(measured) == text


# -- what nobody said -------------------------------------------------------------------------------


def test_what_is_not_budgeted_is_not_tolerated() -> None:
    implied = with_defaults([])
    assert {budget.key: budget.limit for budget in implied} == DEFAULT_LIMITS
    assert DEFAULT_LIMITS == {"error_rate": 0, "failure_rate": 0, "dropped": 0, "check_rate": 1}
    assert all(budget.implicit and budget.scope is Scope.ALL for budget in implied)


def test_a_limit_for_all_replaces_the_default() -> None:
    explicit = parse_budgets({"error_rate": "5%", "check_rate": "95%"})
    budgets = with_defaults(explicit)
    assert budgets[:2] == explicit
    assert [budget.key for budget in budgets[2:]] == ["failure_rate", "dropped"]


def test_a_limit_for_every_window_replaces_the_default() -> None:
    """Who tolerates 5 % in every minute tolerates some in the whole run."""
    budgets = with_defaults(parse_budgets({"error_rate": "5%", "window": "1m"}))
    assert [budget.key for budget in budgets if budget.implicit] == ["failure_rate", "dropped", "check_rate"]


def test_a_limit_for_some_leaves_the_default_for_the_rest() -> None:
    explicit = parse_budgets({"error_rate": "5%", "request": "login"})
    explicit += parse_budgets({"error_rate": "1%", "request": "agent *"})
    rest = next(
        budget for budget in with_defaults(explicit) if budget.implicit and budget.key == "error_rate"
    )
    assert (rest.limit, rest.excluded) == (0, ("login", "agent *"))
