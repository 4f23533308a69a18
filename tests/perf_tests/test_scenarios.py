"""What the suite collects: the twelve scenarios with the load that each is to be, and what markers select."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.profile import Profile
from pytest_loadtest.core.units import parse_duration
from tests.perf_tests.conftest import SUITE, Suite

LIBRARY = "Marketplace_Authenticated_Access_Max_Load"
# test, scenario, virtual users, duration, ramp up, ramp down
SCENARIOS = [
    ("test_marketplace_public_access", "Marketplace_Public_Access_Max_Load", 314, "3m", "30s", "30s"),
    ("test_marketplace_library_access", LIBRARY, 157, "3m", "30s", "30s"),
    ("test_core_api", "Core_API_Max_Load", 100, "5m", "1m", "1m"),
    ("test_graph_execution", "Graph_Execution_Max_Load", 100, "5m", "1m", "1m"),
    ("test_single_endpoint", "Credits_API_Max_Load", 100, "3m", "30s", "30s"),
    ("test_single_endpoint", "Graphs_API_Max_Load", 100, "3m", "30s", "30s"),
    ("test_single_endpoint", "Blocks_API_Max_Load", 100, "3m", "30s", "30s"),
    ("test_single_endpoint", "Executions_API_Max_Load", 100, "3m", "30s", "30s"),
    ("test_comprehensive_platform", "Comprehensive_Platform_Max_Load", 100, "3m", "30s", "30s"),
    ("test_marketplace_public_access", "Marketplace_Stress_Test", 500, "2m", "1m", "1m"),
    ("test_core_api", "Core_API_Stress_Test", 500, "2m", "1m", "1m"),
    ("test_core_api", "Long_Duration_Core_API_Test", 100, "10m", "1m", "1m"),
]
TWELVE = [f"{test}[{scenario}]" for test, scenario, *_ in SCENARIOS]
OTHERS = ["test_connectivity", "test_execution_updates"]
SINGLE = [name for name in TWELVE if name.startswith("test_single_endpoint")]
STRESS = ["test_core_api[Core_API_Stress_Test]", "test_marketplace_public_access[Marketplace_Stress_Test]"]


def named(*parts: str) -> list[str]:
    return [name for name in [*TWELVE, *OTHERS] if any(part in name for part in parts)]


def test_under_cloud_each_scenario_is_the_load_of_the_table(suite: Suite) -> None:
    suite.collect("--load-profile=cloud")
    assert sorted(suite.names) == sorted([*TWELVE, *OTHERS])
    profiles = {item.name: item.plan.load.shape.profile for item in suite.items}
    for name, (_, _, vus, *times) in zip(TWELVE, SCENARIOS, strict=True):
        duration, up, down = map(parse_duration, times)
        assert profiles[name] == Profile.plateau(vus, duration, up, down), name


def test_by_default_each_load_is_5_users_for_30_seconds(suite: Suite) -> None:
    suite.collect()
    expected = Profile.plateau(5, parse_duration("30s"))
    assert [item.plan.load.shape.profile for item in suite.items] == [expected] * len([*TWELVE, *OTHERS])


def test_every_test_has_budgets_of_its_own_on_errors_iterations_checks_and_latency(suite: Suite) -> None:
    suite.collect("--load-profile=cloud")
    for item in suite.items:
        written = {budget.key for budget in item.plan.budgets if not budget.implicit}
        assert {"p95", "error_rate", "failure_rate", "check_rate"} <= written, item.name


def test_markers(suite: Suite) -> None:
    suite.collect()
    marked = {
        "smoke": ["test_connectivity"],
        "basic": ["test_connectivity", *SINGLE],
        "core_api": named("test_core_api"),
        "graphs": named("test_graph_execution"),
        "marketplace": named("test_marketplace"),
        "journey": named("test_comprehensive"),
        "stress": STRESS,
        "endurance": named("Long_Duration"),
        "updates": named("updates"),
    }
    for marker, names in marked.items():
        found = [item.name for item in suite.items if item.get_closest_marker(marker)]
        assert sorted(found) == sorted(names), marker


def test_markers_select(suite: Suite) -> None:
    suite.collect("-m", "marketplace and not stress")
    assert sorted(suite.names) == sorted(set(named("test_marketplace")) - set(STRESS))


@pytest.mark.parametrize(
    ("options", "variable", "selected"),
    [
        ((), None, SINGLE),
        (("--endpoint=credits",), None, SINGLE[:1]),
        (("--endpoint", "blocks", "--endpoint", "graphs"), None, SINGLE[1:3]),
        ((), "executions credits", [SINGLE[0], SINGLE[3]]),
        (("--endpoint=graphs",), "credits", SINGLE[1:2]),
        ((), "", SINGLE),
    ],
)
def test_endpoint_leaves_the_tests_of_the_others_out(
    suite: Suite,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    variable: str | None,
    selected: list[str],
) -> None:
    if variable is not None:
        monkeypatch.setenv("ENDPOINT", variable)
    suite.collect(*options)
    assert sorted(suite.names) == sorted([*selected, *({*TWELVE, *OTHERS} - set(SINGLE))])


def test_one_test_alone_with_options(suite: Suite) -> None:
    path = f"{SUITE / 'test_graph_execution.py'}::test_graph_execution"
    suite.collect(
        "--requests-per-vu=3", "--load-vus=7", "--load-duration=1m", "--load-ramp-up=10s", path=path
    )
    (item,) = suite.items
    assert item.name == "test_graph_execution[Graph_Execution_Max_Load]"
    expected = Profile.plateau(7, parse_duration("1m"), parse_duration("10s"))
    assert item.plan.load.shape.profile == expected


def test_budgets_replaced_by_option(suite: Suite) -> None:
    suite.collect("-k", "Core_API_Max", "--load-budget", "p95=1s", "--load-budget", "check_rate=99%")
    (item,) = suite.items
    limits = {budget.label: budget.limit_text for budget in item.plan.budgets}
    assert (limits["p95"], limits["p99"], limits["check_rate"]) == ("<= 1 s", "<= 5 s", ">= 99%")
