"""Budgets: what must hold of a load test. Owns the grammar of ``budget(...)``; it measures nothing.

A budget is a statement on one figure: a latency percentile, a share of failures, a rate. Explicit
budgets are judged on the steady part of the run, counts (`iterations`, `dropped`, `max_count`,
`min_count`) on all of it; what nobody budgeted is not tolerated, anywhere in the run (`error_rate`,
`failure_rate`, `dropped` 0, `check_rate` 100 %). With a window, every piece of the judged part that is so
long must keep the budget; with `abort`, a load that has broken it for so long is stopped.
"""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from pytest_loadtest.core.units import (
    EXACT_DIGITS,
    NS_PER_S,
    UnitError,
    format_count,
    format_duration,
    format_rate,
    format_share,
    parse_count,
    parse_duration,
    parse_rate,
    parse_share,
)
from pytest_loadtest.core.wording import short_duration
from pytest_loadtest.errors import ConfigurationError

_PERCENTILE = re.compile(r"p(\d{1,2})(?:_(\d{1,4}))?")
_HIGHEST_RPS = 1e9  # one each nanosecond: above it is a slip, and so is infinity
# The built-in trend: how long iterations took, from their intended start where there is one.
ITERATION_DURATION = "iteration_duration"
# A percentile of less than a second is of few requests; a tenth is the finest slice.
SHORTEST_WINDOW_NS = NS_PER_S
WINDOW_STEP_NS = NS_PER_S // 10
_WINDOW_FORMS = 'a duration in tenths of a second, 1 s or longer, such as "10s" or "2.5s"'
_ABORT_FORMS = 'a duration above zero, such as "10s"'
_RPS_FORMS = 'a rate such as "50/s" or "3000/m", or requests per second as a number above zero'


class Scope(enum.StrEnum):
    """What part of the measurements a budget speaks of."""

    ALL = "all"
    REQUEST = "request"
    METRIC = "metric"
    CHECK = "check"


class Undecided(enum.StrEnum):
    """What becomes of a budget whose limit lies inside the interval of its figure: too close to call."""

    ESTIMATE = "estimate"  # the figure decides, and it is said that it is close
    PASS = "pass"
    FAIL = "fail"
    EXTEND = "extend"  # the run is made longer; if it then is still too close, as with ESTIMATE


class Format(Protocol):
    """A figure as people read it, rounded for the eye or to so many digits."""

    def __call__(self, value: float, /, digits: int = ...) -> str: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of budget: how its limit is written and shown, which way it bounds, where it may be used.

    A count is one of the whole run, so it has no windows.
    """

    parse: Callable[[object], float]
    format: Format
    upper: bool
    scopes: frozenset[Scope]
    is_count: bool = False


def _parse_rps(value: object) -> float:
    """``"50/s"``, or plain requests per second, as a number or as text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _HIGHEST_RPS:
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    try:
        return parse_rate(text if "/" in text else f"{text}/s")
    except UnitError:
        raise UnitError(value, _RPS_FORMS) from None


def _parse_count_or_zero(value: object) -> float:
    return parse_count(value, least=0)


_LATENCY = Rule(parse_duration, format_duration, True, frozenset({Scope.ALL, Scope.REQUEST, Scope.METRIC}))
RULES: Mapping[str, Rule] = {
    "mean": _LATENCY,
    "max": _LATENCY,
    "error_rate": Rule(parse_share, format_share, True, frozenset({Scope.ALL, Scope.REQUEST})),
    "failure_rate": Rule(parse_share, format_share, True, frozenset({Scope.ALL})),
    "dropped": Rule(_parse_count_or_zero, format_count, True, frozenset({Scope.ALL}), is_count=True),
    "check_rate": Rule(parse_share, format_share, False, frozenset({Scope.ALL, Scope.CHECK})),
    "rps": Rule(_parse_rps, format_rate, False, frozenset({Scope.ALL, Scope.REQUEST})),
    "iterations": Rule(parse_count, format_count, False, frozenset({Scope.ALL}), is_count=True),
    "max_rate": Rule(parse_share, format_share, True, frozenset({Scope.METRIC})),
    "min_rate": Rule(parse_share, format_share, False, frozenset({Scope.METRIC})),
    "max_count": Rule(_parse_count_or_zero, format_count, True, frozenset({Scope.METRIC}), is_count=True),
    "min_count": Rule(_parse_count_or_zero, format_count, False, frozenset({Scope.METRIC}), is_count=True),
}
_SUBJECTS = ("request", "metric", "check")
_MODIFIERS = (*_SUBJECTS, "window", "abort")
_COMMON_PERCENTILES = ("p50", "p75", "p90", "p95", "p99", "p99_9")
# What holds where nothing was said; see the module's docstring.
DEFAULT_LIMITS: Mapping[str, float] = {"error_rate": 0, "failure_rate": 0, "dropped": 0, "check_rate": 1}


@dataclass(frozen=True, slots=True)
class Budget:
    """One statement: `key` of what `scope` and `pattern` name is at most, or at least, `limit`.

    `limit` is in ns, a share, per second or a count, as the key's rule says. `implicit` marks what
    holds although nobody wrote it; it leaves out what the patterns in `excluded` match. With a window of
    `window_ns` it speaks of every piece of that length; `abort_ns`: a load that breaks it for so long is
    stopped. Both are 0 for none.
    """

    key: str
    limit: float
    scope: Scope = Scope.ALL
    pattern: str = "*"
    implicit: bool = False
    excluded: tuple[str, ...] = ()
    window_ns: int = 0
    abort_ns: int = 0

    @property
    def rule(self) -> Rule:
        """The kind of budget this is."""
        return rule_of(self.key)

    @property
    def percentile(self) -> float | None:
        """0.95 for ``p95``; None for what is no percentile."""
        return percentile_of(self.key)

    @property
    def is_latency(self) -> bool:
        """Whether it limits a duration: a percentile, a mean or a largest value."""
        return self.rule is _LATENCY

    def holds(self, measured: float) -> bool:
        """Whether a measured value keeps the budget. Nothing measured (nan) never does."""
        return measured <= self.limit if self.rule.upper else measured >= self.limit

    @property
    def label(self) -> str:
        """``p95``, ``p95 of 'agent details' in every 10s``, ``error_rate of all but 'login'``."""
        key = self.key.replace("_", ".") if self.percentile else self.key
        if self.excluded:
            return f"{key} of all but {', '.join(repr(pattern) for pattern in self.excluded)}"
        subject = "" if self.scope is Scope.ALL else f" of {self.pattern!r}"
        return key + subject + (f" in every {short_duration(self.window_ns)}" if self.window_ns else "")

    @property
    def limit_text(self) -> str:
        """``<= 5 s``, ``>= 95%``; never rounded."""
        return f"{'<=' if self.rule.upper else '>='} {self.rule.format(self.limit, EXACT_DIGITS)}"

    def text_of(self, measured: float) -> str:
        """A measured figure in this budget's unit, with as many digits as tell it from the limit.

        Nobody understands that 5 s break a limit of 5 s; that 5.001 s do is clear.
        """
        text = self.rule.format(measured)
        for digits in range(4, EXACT_DIGITS + 1):
            if measured == self.limit or text != self.rule.format(self.limit):
                break
            text = self.rule.format(measured, digits)
        return text


def percentile_of(key: str) -> float | None:
    """``p95`` -> 0.95, ``p99_9`` -> 0.999; None for other words and for p0."""
    match = _PERCENTILE.fullmatch(key)
    if match is None:
        return None
    share = float(f"{match[1]}.{match[2] or 0}") / 100
    return round(share, 9) or None


def rule_of(key: str) -> Rule:
    """The rule of a key; KeyError for an unknown one."""
    return _LATENCY if percentile_of(key) else RULES[key]


def parse_budgets(values: Mapping[str, object]) -> list[Budget]:
    """The keywords of one budget marker -> its budgets. Raises ConfigurationError."""
    scope, pattern = _parse_scope(values)
    keys = [key for key in values if key not in _MODIFIERS]
    if not keys:
        raise ConfigurationError(f"a budget without a limit; allowed are {_allowed_keys()}")
    window_ns = _modifier_ns(values, "window", SHORTEST_WINDOW_NS, WINDOW_STEP_NS, _WINDOW_FORMS)
    abort_ns = _modifier_ns(values, "abort", 1, 1, _ABORT_FORMS)
    budgets = [parse_budget(key, values[key], scope, pattern) for key in keys]
    return [_modified(budget, window_ns, abort_ns) for budget in budgets]


def parse_budget(key: str, value: object, scope: Scope = Scope.ALL, pattern: str = "*") -> Budget:
    """One key and its limit -> a budget. Raises ConfigurationError."""
    try:
        rule = rule_of(key)
    except KeyError:
        raise ConfigurationError(
            f"unknown budget {key!r}{_nearest(key)}; allowed are {_allowed_keys()}"
        ) from None
    if scope not in rule.scopes:
        fitting = ", ".join(
            f"{scope}=" if scope is not Scope.ALL else "the whole test" for scope in sorted(rule.scopes)
        )
        where = "the whole test" if scope is Scope.ALL else f"{scope}="
        raise ConfigurationError(f"budget {key!r} does not go with {where}; it holds for {fitting}")
    try:
        return Budget(key, rule.parse(value), scope, pattern)
    except UnitError as error:
        raise ConfigurationError(f"budget {key}: {error}") from None


def _modified(budget: Budget, window_ns: int, abort_ns: int) -> Budget:
    """The budget with its modifiers, where they go with it."""
    rule, key = budget.rule, budget.key
    if window_ns and rule.is_count:
        raise ConfigurationError(f"budget {key!r} does not go with window=: it is a count of the whole run")
    if abort_ns and rule.is_count and not rule.upper:
        raise ConfigurationError(
            f"budget {key!r} does not go with abort=: only at the end is it known that too few came"
        )
    if abort_ns and key == "dropped":
        raise ConfigurationError("budget 'dropped' does not go with abort=: what waits is dropped at the end")
    return replace(budget, window_ns=window_ns, abort_ns=abort_ns)


def _modifier_ns(values: Mapping[str, object], word: str, least_ns: int, step_ns: int, forms: str) -> int:
    """A modifier's duration; 0 where it is not given."""
    if word not in values:
        return 0
    try:
        time_ns = parse_duration(values[word])
        if time_ns < least_ns or time_ns % step_ns:
            raise UnitError(values[word], forms)
    except UnitError as error:
        raise ConfigurationError(f"budget {word}=: {error}") from None
    return time_ns


def _parse_scope(values: Mapping[str, object]) -> tuple[Scope, str]:
    given = [word for word in _SUBJECTS if word in values]
    if len(given) > 1:
        raise ConfigurationError(
            f"{' and '.join(f'{word}=' for word in given)} in one budget; use one budget each"
        )
    if not given:
        return Scope.ALL, "*"
    pattern = values[given[0]]
    if not isinstance(pattern, str) or not pattern:
        raise ConfigurationError(
            f'budget {given[0]}={pattern!r} is not a name or a glob such as "GET /api/*"'
        )
    return Scope(given[0]), pattern


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, [*RULES, *_MODIFIERS, *_COMMON_PERCENTILES], n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _allowed_keys() -> str:
    return ", ".join(
        [" ".join(_COMMON_PERCENTILES) + " (any pN)", *RULES, *(f"{word}=" for word in _MODIFIERS)]
    )


def with_defaults(budgets: Iterable[Budget]) -> list[Budget]:
    """The budgets and, for each default key that is not limited for all, the default for the rest."""
    explicit = list(budgets)
    implied = []
    for key, limit in DEFAULT_LIMITS.items():
        same_key = [budget for budget in explicit if budget.key == key]
        if not any(budget.scope is Scope.ALL for budget in same_key):
            excluded = tuple(budget.pattern for budget in same_key)
            implied.append(Budget(key, limit, implicit=True, excluded=excluded))
    return explicit + implied
