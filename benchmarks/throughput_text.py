"""The throughput benchmark's results in words and tables, for the terminal and the page.

Must not know how a figure was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console

from benchmarks.generators import Generator
from benchmarks.measurement import Summary
from benchmarks.requirements import Verdict
from benchmarks.runs import Results
from benchmarks.table import markdown_facts, markdown_table, print_table
from benchmarks.workloads import WORKLOADS_BY_NAME

HEADER = (
    "generator",
    "requests/s",
    "slowest - fastest",
    "ours / it",
    "CPU us/request",
    "with start-up",
    "of its core",
)
VERDICT_HEADER = ("requirement", "workload", "ratio", "verdict")


def show(
    console: Console,
    generators: Sequence[Generator],
    results: Mapping[str, Results],
    verdicts: Sequence[Verdict],
) -> None:
    for workload, measured in results.items():
        title = f"{WORKLOADS_BY_NAME[workload].title} (medians over the rounds)"
        print_table(console, title, HEADER, rows(generators, workload, measured))
        for line in remarks(measured):
            console.print(line, markup=False, highlight=False)
    print_table(console, "Requirements", VERDICT_HEADER, verdict_rows(verdicts))


def as_markdown(
    facts: Mapping[str, str],
    generators: Sequence[Generator],
    results: Mapping[str, Results],
    verdicts: Sequence[Verdict],
) -> str:
    parts = [
        markdown_facts(facts),
        *(
            part
            for workload, measured in results.items()
            for part in _workload_parts(generators, workload, measured)
        ),
        "#### Requirements",
        markdown_table(VERDICT_HEADER, verdict_rows(verdicts)),
        markdown_facts({f"`{generator.name}`": generator.how for generator in generators}),
    ]
    return "\n\n".join(part for part in parts if part)


def _workload_parts(generators: Sequence[Generator], workload: str, measured: Results) -> list[str]:
    described = WORKLOADS_BY_NAME[workload]
    return [
        f"#### `{workload}`: {described.title}",
        f"{described.what[0].upper()}{described.what[1:]}.",
        markdown_table(HEADER, rows(generators, workload, measured)),
        "\n".join(f"- {indented(remark)}" for remark in remarks(measured)),
    ]


def rows(generators: Sequence[Generator], workload: str, results: Results) -> list[tuple[str, ...]]:
    """One for each generator that can run the workload at all."""
    summaries, ratios = results.summaries(), results.ratios_of_ours()
    return [
        _row(each.name, summaries.get(each.name), ratios.get(each.name), results)
        for each in generators
        if workload in each.workloads
    ]


def _row(
    name: str, summary: Summary | None, ratios: tuple[float, ...] | None, results: Results
) -> tuple[str, ...]:
    if summary is None:
        return (name, results.absent.get(name, "failed"), *[""] * (len(HEADER) - 2))
    return (
        name,
        f"{summary.requests_per_second:.0f}",
        f"{summary.slowest:.0f} - {summary.fastest:.0f}",
        f"{median(ratios):.2f}" if ratios else "",
        f"{summary.cpu_us_per_request:.1f}",
        f"{summary.whole_cpu_us_per_request:.1f}",
        f"{summary.core_share:.0%}",
    )


def remarks(results: Results) -> list[str]:
    """Where figures disagree, and why a generator has none."""
    summaries = results.summaries()
    said = [f"{name}: {remark}" for name, summary in summaries.items() for remark in summary.remarks]
    return [*said, *(f"{name} failed: {reason}" for name, reason in results.failures.items())]


def verdict_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    return [
        (each.requirement.text, each.requirement.workload, _measured(each), each.state.value)
        for each in verdicts
    ]


def _measured(verdict: Verdict) -> str:
    """The median of the rounds' ratios, and from which to which they went."""
    if verdict.ratio is None:
        return verdict.reason
    return f"{verdict.ratio:.2f} ({min(verdict.ratios):.2f} - {max(verdict.ratios):.2f})"


def indented(text: str) -> str:
    """Its further lines belong to the same list item."""
    return text.replace("\n", "\n  ")
