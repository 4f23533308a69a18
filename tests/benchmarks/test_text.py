"""Tables, the page's sections, and what is read from nginx and /proc."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import accuracy, arrivals, memory, soak, throughput, validity_cost
from benchmarks.generators import REPOSITORY
from benchmarks.machine import parse_processor
from benchmarks.page import replace_section, write_section
from benchmarks.processes import parse_cpu_ticks, parse_resident_bytes
from benchmarks.table import markdown_table
from benchmarks.target import TargetError, parse_stub_status

PAGE = "# Title\n<!-- speed: begin -->\nold\n<!-- speed: end -->\ntail\n"


def test_a_markdown_table_escapes_what_would_break_its_cells() -> None:
    assert markdown_table(("name", "rate"), [("a|b", "1\n2")]) == (
        "| name | rate |\n|---|---:|\n| a\\|b | 1 2 |"
    )


def test_a_section_is_replaced_and_the_rest_stays() -> None:
    replaced = replace_section(PAGE, "speed", "new\n")
    assert replaced == "# Title\n<!-- speed: begin -->\n\nnew\n\n<!-- speed: end -->\ntail\n"


def test_replacing_a_section_twice_is_replacing_it_once() -> None:
    once = replace_section(PAGE, "speed", "new")
    assert replace_section(once, "speed", "new") == once


@pytest.mark.parametrize(
    "page",
    ["", "<!-- speed: begin -->", "<!-- speed: end --><!-- speed: begin -->", PAGE.replace("speed", "x")],
)
def test_a_page_without_the_section_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="no section"):
        replace_section(page, "speed", "new")


def test_a_page_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    write_section(tmp_path / "page.md", "speed", "new")
    write_section(tmp_path / "page.md", "speed", "newer")
    assert (tmp_path / "page.md").read_text() == "<!-- speed: begin -->\n\nnewer\n\n<!-- speed: end -->\n"


@pytest.mark.parametrize("benchmark", [accuracy, arrivals, memory, soak, throughput, validity_cost])
def test_the_page_has_a_section_and_a_command_for_every_benchmark(benchmark: ModuleType) -> None:
    page = (REPOSITORY / "docs" / "benchmarks.md").read_text()
    replace_section(page, benchmark.SECTION, "new")
    assert f"python -m {benchmark.__name__} --markdown docs/benchmarks.md" in page


def test_the_servers_counters_are_read() -> None:
    page = (
        "Active connections: 65 \nserver accepts handled requests\n 70 70 12345 \n"
        "Reading: 0 Writing: 1 Waiting: 64 \n"
    )
    assert parse_stub_status(page) == (65, 12345)


def test_another_page_is_not_taken_for_the_counters() -> None:
    with pytest.raises(TargetError, match="not a stub_status page"):
        parse_stub_status("<html>404</html>")


def test_the_cpu_time_of_a_process_with_brackets_in_its_name() -> None:
    before_times = "S 1 2 3 4 5 6 7 8 9 10"
    assert parse_cpu_ticks(f"42 (a) b (c) {before_times} 100 20 3 4 20 0 1 0") == 127


def test_resident_memory_and_its_absence() -> None:
    assert parse_resident_bytes("Name:\tpython\nVmRSS:\t   1024 kB\n") == 1024 * 1024
    assert parse_resident_bytes("Name:\tpython\nState:\tZ (zombie)\n") == 0


def test_the_processors_name_and_its_absence() -> None:
    assert parse_processor("processor\t: 0\nmodel name\t: A CPU @ 2: GHz\n") == "A CPU @ 2: GHz"
    assert parse_processor("processor\t: 0\n") == ""
