"""Budgets in Markdown: what broke and by how much, in a table and in a sentence.

It knows the rows of a result, not the room there is for them.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_loadtest.core.confidence import confidence_text
from pytest_loadtest.core.units import NS_PER_S, format_count, format_duration, format_rate, format_share
from pytest_loadtest.report.markdown.blocks import table
from pytest_loadtest.report.markdown.escaping import NOTHING, cell, code, prose
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow

MOST_HEAD_BYTES = 3_000  # of the table of what broke, which stands in the open
# From here on "5.2 times" reads better than "+420%".
_MANY_TIMES = 3


def broken_table(result: LoadResult) -> str:
    """What did not hold."""
    titles = ("broken budget", "limit", "measured", "off by", _interval_title(result), "")
    return table(
        titles,
        result.broken,
        lambda row: (_label(row), *_figures(row), _remark(row)),
        texts={titles[0], ""},
        of="broken budgets",
        most_bytes=MOST_HEAD_BYTES,
    )


def budget_table(result: LoadResult) -> str:
    """All of them, the broken ones first; empty without any."""
    if not result.budgets:
        return ""
    titles = ("budget", "limit", "measured", "from the limit", _interval_title(result), "verdict")
    return table(
        titles,
        sorted(result.budgets, key=lambda row: row.passed),
        lambda row: (_label(row), *_figures(row), _budget_verdict(row)),
        texts={"budget", "verdict"},
        of="budgets",
    )


def _budget_verdict(row: BudgetRow) -> str:
    if row.invalid:
        return "invalid"
    return ("ok" if row.passed else "**broken**") + (", close" if row.is_close else "")


def in_a_sentence(result: LoadResult) -> str:
    """What is wrong with it: the reason, or the first of the broken budgets."""
    broken = result.broken
    if result.reason or not broken:
        return code(result.reason or result.state, 160)
    row = broken[0]
    what = f"{code(row.label, 80)} {prose(row.measured)}, limit {prose(row.limit)}"
    if row.invalid:
        what += " (invalid: the generator was the bottleneck)"
    more = len(broken) - 1
    return what + (f", and {more} more budget{'' if more == 1 else 's'}" if more else "")


def _interval_title(result: LoadResult) -> str:
    return f"{confidence_text(result.confidence)} interval"


def _label(row: BudgetRow) -> str:
    return cell(row.label) + (" (default)" if row.implicit else "")


def _figures(row: BudgetRow) -> tuple[str, ...]:
    return prose(row.limit), prose(row.measured), distance(row), prose(row.interval)


_AMOUNTS: dict[str, Callable[[float], str]] = {
    "s": lambda value: format_duration(value * NS_PER_S),
    "share": lambda value: format_share(value).replace("%", " points"),
    "/s": format_rate,
}


def distance(row: BudgetRow) -> str:
    """How far the figure is from its limit: ``+36.5 ms (+182%)``."""
    if row.endless:
        return "no end"
    if row.estimate is None or row.limit_value is None:
        return NOTHING
    over = row.estimate - row.limit_value
    if not over:
        return "0"
    sign = "+" if over > 0 else "-"
    amount = f"{sign}{_AMOUNTS.get(row.unit, format_count)(abs(over))}"
    if not row.limit_value:
        return amount
    if over > 0 and row.estimate / row.limit_value >= _MANY_TIMES:
        return f"{amount} ({row.estimate / row.limit_value:,.3g} times)"
    return f"{amount} ({sign}{format_share(abs(over) / row.limit_value, 0)})"


def _remark(row: BudgetRow) -> str:
    words = ["invalid" if row.invalid else "", "too close to call" if row.is_close else "", row.reason]
    return prose("; ".join(word for word in words if word), 300)
