"""The table of metrics: what each system calls them, and that the documentation has them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_loadtest.export.names import BOUNDS_S, COMMON_LABELS, METRICS, Kind, Metric, identifier

DOCUMENT = Path(__file__).parents[2] / "docs" / "exporters.md"


def test_names_are_different_and_of_the_form_that_all_systems_allow() -> None:
    for spelling in ("name", "prometheus", "underscored"):
        spelled = [getattr(metric, spelling) for metric in METRICS]
        assert len(set(spelled)) == len(METRICS)
    assert all(re.fullmatch(r"loadtest(\.[a-z][a-z_]*)+", metric.name) for metric in METRICS)
    labels = {label for metric in METRICS for label in metric.labels} | set(COMMON_LABELS)
    assert all(re.fullmatch(r"[a-z]+", label) for label in labels)


@pytest.mark.parametrize(
    ("metric", "prometheus"),
    [
        (Metric("a.b", Kind.HISTOGRAM, "s", ""), "a_b_seconds"),
        (Metric("a.b", Kind.COUNTER, "By", ""), "a_b_bytes"),
        (Metric("a.b", Kind.GAUGE, "1", ""), "a_b_ratio"),
        (Metric("a.b", Kind.GAUGE, "", ""), "a_b"),
    ],
)
def test_prometheus_names_have_the_unit(metric: Metric, prometheus: str) -> None:
    assert metric.prometheus == prometheus


def test_bounds_ascend() -> None:
    assert list(BOUNDS_S) == sorted(set(BOUNDS_S))


@pytest.mark.parametrize(("text", "plain"), [("a b/c", "a_b_c"), ("ü", "_"), ("", "_"), ("a_1", "a_1")])
def test_an_identifier_has_letters_digits_and_underscores_only(text: str, plain: str) -> None:
    assert identifier(text) == plain


def test_the_document_has_every_metric_and_no_other() -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `loadtest.")]
    assert rows == [_row(metric) for metric in METRICS]


def _row(metric: Metric) -> str:
    """As it stands in the documentation."""
    total = "_total" if metric.kind is Kind.COUNTER else ""
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    k6 = {"": "", "{metric}": "its own name"}.get(metric.k6, f"`{metric.k6}`")
    cells = (f"`{metric.name}`", f"`{metric.prometheus}{total}`", metric.kind.value, labels, metric.help, k6)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")
