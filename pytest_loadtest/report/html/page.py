"""The page of a run: an index of all load tests, and each one's part beneath, in one file.

A content security policy allows the page's own scripts and styles, by their hashes, and nothing else: no
request leaves it, and no script that slipped into it runs. Vega's expressions are interpreted, so that not
even `eval` is needed.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from markupsafe import Markup

from pytest_loadtest.report.charts.svg import can_draw
from pytest_loadtest.report.html.engine import rendered, source_of
from pytest_loadtest.report.html.index import COLUMNS, anchor_of, index_of
from pytest_loadtest.report.html.part import Part, part_of
from pytest_loadtest.report.html.style import page_style
from pytest_loadtest.report.ranking import rank_of
from pytest_loadtest.report.session import WHOLE_RUN, remark_on_session, was_interrupted
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.run import Run

_SCRIPT_OF_BUNDLE = "window.vegaEmbed = vegaEmbed;"
_BYTES_PER_GIB = 2**30
_SHOWN_SHA = 12


class Page:
    """The page of one session, which is made anew after each load test; parts are made once."""

    def __init__(self) -> None:
        self._parts: list[tuple[LoadResult, Part]] = []

    def html(self, run: Run) -> str:
        """The whole page."""
        self._parts = [(result, self._part(n, result)) for n, result in enumerate(run.results)]
        return _page(run, [part for _, part in self._parts])

    def _part(self, n: int, result: LoadResult) -> Part:
        """A rerun's result stands where the earlier one stood."""
        if n < len(self._parts):
            known, part = self._parts[n]
            if known is result or known == result:
                return part
        return part_of(result)


def _page(run: Run, parts: Sequence[Part]) -> str:
    style = Markup(page_style())
    scripts = [Markup(script) for script in _scripts(any(part.pictures for part in parts))]
    return rendered(
        "page.html.jinja",
        policy=policy_of(style, scripts),
        title=_title(run),
        style=style,
        scripts=scripts,
        subtitle=_subtitle(run),
        summary=list(_summary(run)),
        columns=COLUMNS,
        rows=index_of(run.results),
        about=WHOLE_RUN,
        facts=list(_facts(run)),
        sections=[
            {
                "anchor": anchor_of(number),
                "title": result.test,
                "html": part.html,
                "chart_data": part.chart_data if part.pictures else None,
            }
            for number, (result, part) in enumerate(zip(run.results, parts, strict=True), start=1)
        ],
    )


def policy_of(style: str, scripts: Sequence[str]) -> str:
    """What the page may do: show itself."""
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _scripts(has_pictures: bool) -> list[str]:
    return [*([_bundle()] if has_pictures and can_draw() else []), source_of("page.js")]


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and vega-embed: 0.9 MB, which take 2 s to put together."""
    import vl_convert

    script = vl_convert.javascript_bundle(_SCRIPT_OF_BUNDLE)
    # What would end the element that it stands in; within its strings and patterns, the same.
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--").replace("\r", "")


def _title(run: Run) -> str:
    summary = run.summary
    end = ", then interrupted" if was_interrupted(run) else ""
    return f"Load tests: {summary.passed} of {summary.loads} passed{end}"


def _subtitle(run: Run) -> str:
    where = f" on {run.environment}" if run.environment else ""
    address = f" ({run.api})" if run.api else ""
    return f"Began {_moment(run.began_at)}{where}{address}" if run.began_at else f"{where}{address}".strip()


def _moment(text: str) -> str:
    """``2026-11-22T20:15:00.250Z`` as people write it."""
    return f"{text[:10]} {text[11:19]} UTC"


def _summary(run: Run) -> Iterator[tuple[str, str]]:
    summary = run.summary
    if was_interrupted(run):
        yield "session interrupted", "page-bad"
    states = Counter(result.state for result in sorted(run.results, key=lambda each: rank_of(each.state)))
    for state, count in states.items():
        yield f"{count} {state}", "page-good" if state == "passed" else "page-bad"
    yield f"{summary.requests:,} requests", ""
    yield f"{summary.vu_minutes:,.1f} VU minutes", ""
    yield f"at most {summary.peak_vus:,} virtual users", ""


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    """What it ran on and with; what is unknown is left out."""
    machine, commit = run.machine, run.commit
    yield from _known("run", run.run_id)
    yield from _known("profile", run.profile)
    yield from _known("options", ", ".join(f"{name} {value}".strip() for name, value in run.options.items()))
    if commit is not None:
        changed = " with changes" if commit.dirty else ""
        branch = f" on {commit.branch}" if commit.branch else ""
        yield "commit", f"{commit.sha[:_SHOWN_SHA]}{branch}{changed}"
    cores = f"{machine.cores} cores" if machine.cores else ""
    memory = f"{machine.memory_bytes / _BYTES_PER_GIB:.0f} GiB" if machine.memory_bytes else ""
    yield from _known("machine", ", ".join(filter(None, [machine.cpu, cores, memory, machine.system])))
    yield from _known("versions", ", ".join(f"{name} {version}" for name, version in run.versions.items()))
    yield from _known("python", machine.python)
    yield from _known("state", remark_on_session(run))


def _known(name: str, value: str) -> Iterator[tuple[str, str]]:
    if value:
        yield name, value
