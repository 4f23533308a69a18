"""The Markdown of a whole run: the verdict, all load tests in one table, what broke, details.

It stays below what GitHub takes for a comment, whatever the run: what does not fit is left out as a whole,
and the text says so. Who writes it where is the plugin's affair.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from pytest_loadtest.core.units import format_rate, format_share
from pytest_loadtest.report.markdown.blocks import Section, fit, size, table
from pytest_loadtest.report.markdown.budgets import in_a_sentence
from pytest_loadtest.report.markdown.escaping import NOTHING, cell, code, prose
from pytest_loadtest.report.markdown.load import LONGEST_NAME, section_of, times, verdict
from pytest_loadtest.report.ranking import rank_of
from pytest_loadtest.report.session import WHOLE_RUN, remark_on_session, was_interrupted
from pytest_loadtest.report.tables import short_name
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.run import Run

# A comment on GitHub has at most 65,536 characters; a marker and links are often put around this.
MOST_BYTES = 60_000
MOST_OVERVIEW_BYTES = 20_000
MOST_IN_A_SENTENCE = 3

_SECONDS = 16  # of "2026-11-22T20:15": the minute suffices
_SHORT_SHA = 12
_FEWEST_MINUTES = 0.1  # of virtual users, that are worth a word


def markdown_of(run: Run, most_bytes: int = MOST_BYTES) -> str:
    """The run for a pull request."""
    results = sorted(run.results, key=lambda result: rank_of(result.state))
    opening = "\n\n".join(_opening(run, results))
    sections = [section_of(result) for result in results]
    fit(sections, most_bytes - size(opening) - _MOST_CLOSING_BYTES)
    shown = [section.text for section in sections if section.is_shown]
    return "\n\n".join([opening, *shown, *_closing(sections)]) + "\n"


def _opening(run: Run, results: list[LoadResult]) -> Iterator[str]:
    yield f"## {_title(results, is_whole=not was_interrupted(run))}"
    if failed := [result for result in results if not result.has_passed]:
        yield _what_failed(failed, _names(results))
    if remark := remark_on_session(run):
        yield remark
    if results:
        yield _overview(results)
        yield WHOLE_RUN
    yield _facts(run)


def _title(results: list[LoadResult], *, is_whole: bool) -> str:
    counts = Counter(result.state for result in results)
    passed, total = counts.pop("passed", 0), len(results)
    if not results:
        return f"{verdict('none')} of the load tests was run"
    if passed == total and not is_whole:
        return f"{verdict('interrupted')}: {total} load test{'' if total == 1 else 's'} passed until then"
    if passed == total:
        return f"{verdict('passed')}: {'the load test' if total == 1 else f'all {total} load tests'}"
    worst = min(counts, key=rank_of)
    others = "".join(f", {count} {prose(state)}" for state, count in counts.items() if state != worst)
    tests = "load test" if total == 1 else "load tests"
    return f"{verdict(worst)}: {counts[worst]} of {total} {tests}{others}"


def _what_failed(failed: list[LoadResult], names: dict[str, str]) -> str:
    """In a sentence."""
    told = [
        f"{code(names[result.test], LONGEST_NAME)}: {in_a_sentence(result)}"
        for result in failed[:MOST_IN_A_SENTENCE]
    ]
    if more := len(failed) - len(told):
        told.append(f"and {more} more load test{'' if more == 1 else 's'}")
    return "; ".join(told) + "."


def _overview(results: list[LoadResult]) -> str:
    texts = ("verdict", "load test", "generator")
    figures = ("VUs", "requests", "rate", "p50", "p95", "p99", "errors", "checks")
    names = _names(results)
    return table(
        (*texts[:2], *figures, texts[2]),
        results,
        lambda each: (verdict(each.state), cell(names[each.test], LONGEST_NAME), *_figures(each)),
        texts=texts,
        of="load tests",
        most_bytes=MOST_OVERVIEW_BYTES,
    )


def _figures(result: LoadResult) -> tuple[str, ...]:
    return (
        f"{result.most_vus:,}",
        f"{result.count:,}",
        format_rate(result.per_second),
        *times(result.latency),
        format_share(result.failed_requests / result.count) if result.count else NOTHING,
        NOTHING if math.isnan(result.check_share) else format_share(result.check_share),
        prose(result.generator.state, 40),
    )


def _names(results: list[LoadResult]) -> dict[str, str]:
    """Without the file where that is no loss."""
    short = Counter(short_name(result.test) for result in results)
    return {
        result.test: name if short[name := short_name(result.test)] == 1 else result.test
        for result in results
    }


def _facts(run: Run) -> str:
    """Where, what and when it was."""
    machine, commit = run.machine, run.commit
    facts = [
        f"environment {code(run.environment, 60)}" if run.environment else "",
        code(run.api, 120) if run.api else "",
        f"profile {code(run.profile, 60)}" if run.profile else "",
        f"commit {code(commit.sha[:_SHORT_SHA])}" if commit else "",
        f"on {code(commit.branch, 80)}" if commit and commit.branch else "",
        "with changed files" if commit and commit.dirty else "",
        f"{machine.cores} cores" if machine.cores else "",
        code(machine.cpu, 80) if machine.cpu else "",
        f"began {prose(run.began_at[:_SECONDS].replace('T', ' '))} UTC",
        f"{minutes:,.1f} VU-minutes" if (minutes := run.summary.vu_minutes) >= _FEWEST_MINUTES else "",
        f"run {code(run.run_id, 60)}" if run.run_id else "",
    ]
    return ", ".join(fact for fact in facts if fact)


_MOST_CLOSING_BYTES = 200


def _closing(sections: list[Section]) -> Iterator[str]:
    """What is left out is said."""
    missing = sum(bool(section.pieces) and not section.shown for section in sections)
    if missing:
        yield (
            f"Left out for want of room: the details of {missing} of {len(sections)} load tests. "
            "`--load-html` and `--load-json` have all of them."
        )
