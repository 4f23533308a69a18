"""The documentation against the code: every example runs, every table names what there is.

A section of a page (what stands under one heading) is one project: its python blocks are files, named by
the comment on their first line; its toml block is the pyproject.toml. Its load tests run against a real
server, shortened by options. In a console block, commands must exist and tables must have the columns that
the section's run printed. `<!-- outcomes: failed=1 -->` says what a section's run gives if not all pass,
`<!-- plugins: a.b -->` which plugins it loads besides.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Self

import pytest
import scipy.special  # noqa: F401 - imported for the reason below
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

# An in-process run forgets what it imported; numpy and its like cannot be imported twice in one process.
import pytest_loadtest.plugin.hooks
import pytest_loadtest.plugin.running  # noqa: F401 - imported for the reason above
from pytest_loadtest import Environment
from pytest_loadtest.core import plan
from pytest_loadtest.core.budget import DEFAULT_LIMITS, RULES, Rule, Scope, rule_of
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.units import NS_PER_S, parse_size
from pytest_loadtest.core.validity import (
    FEW_MISSING,
    FEW_SECONDS,
    FEWEST_LOOKS,
    FULL_CPU,
    HIGH_CPU,
    IDLE_DELAY_NS,
    LATE_START,
    LATE_START_NS,
    MUCH_DELAY,
    MUCH_WAITING,
    SHORTEST_NS,
    SOME_DELAY,
    State,
)
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.failures import EXCEPTION_OF
from pytest_loadtest.http.response import Response
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.plugin.client_settings import client_settings
from pytest_loadtest.plugin.options import OPTIONS
from pytest_loadtest.plugin.settings import BUILT_IN_PROFILES, Settings
from pytest_loadtest.results.measured import MeasuredLoad

ROOT = Path(__file__).parent.parent
# Pages of which not only links and commands are checked, but the examples run too.
PAGES = ("README.md", *(f"docs/{name}.md" for name in (
    "writing-load-tests", "load-shapes", "budgets", "comparing-loads", "http-client", "httpx-client",
    "websocket", "tokens", "results", "coming-from-k6", "coming-from-locust", "configuration",
    "how-it-measures", "other-plugins", "ci",
)))  # fmt: skip
LINKED_PAGES = sorted({*PAGES, *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))})
ADDRESS_IN_EXAMPLES = "http://127.0.0.1:8000"
SHORT = ("--load-vus=4", "--load-duration=0.3", "--load-rate=40/s")
SHORT_RAMPS = ("--load-ramp-up=0.1", "--load-ramp-down=0.1")
# Loads are so short that a machine that stands still for half a second breaks the examples' budgets.
TRIES = 4
ONE_ITEM = re.compile(r"/api/items/(\d+)")


# -- pages --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """What stands under one heading of a page."""

    page: str
    title: str
    text: str

    def blocks(self, language: str) -> list[str]:
        """The contents of its fenced blocks of a language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)

    def notes(self, kind: str) -> list[str]:
        """What its comments of a kind say."""
        return " ".join(re.findall(rf"<!-- {kind}: (.*?) -->", self.text)).split()

    def rows(self, table_number: int = 0) -> list[list[str]]:
        """The cells of one of its tables, without the head."""
        table = re.findall(r"(?:^\|.*\n)+", self.text, re.MULTILINE)[table_number]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]

    def __str__(self) -> str:
        return f"{self.page}: {self.title}"


def sections_of(page: str) -> list[Section]:
    """A page's sections; a line of a fenced block is no heading."""
    found: list[Section] = []
    lines: list[str] = []
    title, is_code = "", False
    for line in (ROOT / page).read_text("utf-8").splitlines(keepends=True):
        is_code ^= line.startswith("```")
        if line.startswith("#") and not is_code:
            found.append(Section(page, title, "".join(lines)))
            title, lines = line.lstrip("#").strip(), []
        else:
            lines.append(line)
    return [*found, Section(page, title, "".join(lines))]


SECTIONS = [section for page in PAGES for section in sections_of(page)]


def section(page: str, title: str) -> Section:
    """The one with this title."""
    (found,) = (each for each in SECTIONS if (each.page, each.title) == (page, title))
    return found


def with_blocks(*languages: str) -> pytest.MarkDecorator:
    """A parametrization over the sections that have blocks of one of these languages."""
    chosen = [each for each in SECTIONS if any(each.blocks(language) for language in languages)]
    return pytest.mark.parametrize("section", chosen, ids=str)


def codes(cell: str) -> list[str]:
    """What a table's cell shows as code."""
    return re.findall(r"`([^`]+)`", cell)


# -- the target of the examples -----------------------------------------------------------------------


class Shop(BaseHTTPRequestHandler):
    """A small shop. `answered` counts requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is one small write
    wbufsize = -1
    answered: ClassVar[list[str]] = []
    items: ClassVar = [{"id": n, "name": f"item {n}", "price": 10 * n} for n in range(1, 21)]

    def do_GET(self) -> None:
        """Answers every method."""
        if self.headers.get("upgrade") == "websocket":
            self.answered.append(self.path)
            self._echo_messages()
            return
        self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        self.answered.append(path)
        status, content = self._content(path)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

    def _echo_messages(self) -> None:
        """A WebSocket that says what it hears."""
        protocol = ServerProtocol()
        protocol.receive_data(Request(self.path, Headers(self.headers.items())).serialize())
        while protocol.close_sent is None:
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
                elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    protocol.send_text(bytes(event.data))
            self.connection.sendall(b"".join(protocol.data_to_send()))
            received = self.connection.recv(65536)
            if not received:
                break
            protocol.receive_data(received)
        self.connection.sendall(b"".join(protocol.data_to_send()))
        self.close_connection = True

    def _content(self, path: str) -> tuple[int, object]:
        if path == "/api/items":
            return (201, {"id": 21}) if self.command == "POST" else (200, {"items": self.items})
        if item := ONE_ITEM.fullmatch(path):
            number = int(item[1])
            return (200, {"id": number}) if number <= 21 else (404, {"detail": "no such item"})
        if path == "/api/me":
            return (200, {"name": "ann"}) if "authorization" in self.headers else (401, {})
        if path in ("/api/report", "/api/slow"):
            time.sleep({"/api/report": 0.03, "/api/slow": 0.2}[path])  # what these paths are for
            return 200, {}
        known = {"/api/orders": (201, {}), "/api/login": (200, {"token": "abc"}), "/api/logout": (200, {})}
        return known.get(path, (200, {"items": []}) if path == "/api/search" else (404, {}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the argument's name there
        """Say nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The address of a running shop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# -- examples run -------------------------------------------------------------------------------------


@dataclass
class Project:
    """A section's files in a folder, and pytest runs in it."""

    pytester: pytest.Pytester
    address: str

    def write(self, section: Section) -> Self:
        """The files. Without a toml block, the one environment is the shop."""
        (toml,) = section.blocks("toml") or [
            f'[tool.pytest-loadtest]\nenvironments.LOCAL.api = "{self.address}"'
        ]
        self._write("pyproject.toml", toml.replace(ADDRESS_IN_EXAMPLES, self.address))
        for source in section.blocks("python"):
            name = re.match(r"# (\w+\.py)\n", source)
            assert name, f"the first line of a python block names its file: {source.splitlines()[0]}"
            self._write(name[1], source)
        return self

    def _write(self, name: str, text: str) -> None:
        (self.pytester.path / name).write_text(text, "utf-8")

    def run(self, section: Section) -> pytest.RunResult:
        """pytest on all of it; any warning is an error."""
        plugins = ("pytest_loadtest.plugin", *section.notes("plugins"))
        loaded = [argument for plugin in plugins for argument in ("-p", plugin)]
        ramps = SHORT_RAMPS if "ramp_" in section.text else ()
        return self.pytester.runpytest_inprocess(*loaded, "-Werror", *SHORT, *ramps)


@pytest.fixture
def project(pytester: pytest.Pytester, shop: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in [name for name in os.environ if name.startswith("LOAD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "80")
    return Project(pytester, shop)


def titles_of(lines: list[str]) -> list[list[str]]:
    """The column titles of the tables in an output: what stands above a rule."""
    return [above.split() for above, line in pairwise(lines) if line.startswith("────")]


def fixed_lines(lines: list[str]) -> list[str]:
    """What is the same in every run: no command, no figure, and no table, whose widths follow its figures."""
    return [
        line.strip()
        for line, below in pairwise([*lines, ""])
        if not line.startswith("$ ") and not re.search(r"\d|──", line) and not below.startswith("────")
    ]


@with_blocks("python")
def test_a_sections_examples_run_and_print_what_it_shows(section: Section, project: Project) -> None:
    sent_before = len(Shop.answered)
    project.write(section)
    for _ in range(TRIES):
        problems = problems_of(project.run(section), section)
        if not problems:
            break
    assert problems == []
    assert len(Shop.answered) > sent_before


def problems_of(result: pytest.RunResult, section: Section) -> list[object]:
    """What a run gave and printed otherwise than its section says."""
    problems: list[object] = []
    expected = {kind: int(n) for kind, n in (part.split("=") for part in section.notes("outcomes"))}
    outcomes = result.parseoutcomes()
    if outcomes != expected if expected else outcomes.keys() != {"passed"}:
        problems.append(outcomes)
    shown = [line for block in section.blocks("console") for line in block.splitlines()]
    problems += [title for title in titles_of(shown) if title not in titles_of(result.outlines)]
    printed = {line.strip() for line in result.outlines}
    return problems + [line for line in fixed_lines(shown) if line not in printed]


def test_the_readme_shows_a_program_its_settings_and_its_summary() -> None:
    (first,) = (each for each in sections_of("README.md") if each.title == "pytest-loadtest")
    assert (len(first.blocks("python")), len(first.blocks("toml"))) == (1, 1)
    (title,) = titles_of(first.blocks("console")[0].splitlines())
    assert title[:2] == ["load", "test"]


@with_blocks("toml")
def test_toml_blocks_are_accepted(section: Section) -> None:
    known = {option.key for option in OPTIONS}
    for block in section.blocks("toml"):
        tool = tomllib.loads(block)["tool"]
        settings = Settings.checked(tool.get("pytest-loadtest", {}))
        for name, values in settings.environments.items():
            client_settings(Environment(name, values))
        for name, values in settings.profiles.items():
            for marker in ({"vus": 1, "duration": 1}, {"rate": "1/s", "duration": 1}):
                plan.plan_load(marker, [plan.Layer(name, values)])
        ini = tool.get("pytest", {}).get("ini_options", {})
        assert {key for key in ini if key.startswith("load_")} <= known


# -- commands and links -------------------------------------------------------------------------------


def commands() -> Iterator[list[str]]:
    """Each command of the console blocks."""
    for section in SECTIONS:
        for block in section.blocks("console"):
            for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
                yield shlex.split(line, comments=True)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_commands_exist(words: list[str]) -> None:
    variables = [word.partition("=")[0] for word in words if re.match(r"[A-Z_]+=", word)]
    assert set(variables) <= {option.variable for option in OPTIONS}
    program, *arguments = words[len(variables) :]
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    elif program == "pip":
        assert arguments[-1] == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    elif program == "python":
        assert arguments[:1] == ["-m"]
        assert find_spec(arguments[1]) is not None
    else:
        assert program == "pytest"
        check_options(arguments)


@pytest.mark.parametrize("page", PAGES)
def test_options_named_in_text_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for words in re.findall(r"`((?:pytest )?-[^`]*)`", text):
        check_options(shlex.split(words.replace("\n", " ")))


def check_options(arguments: list[str]) -> None:
    """Those of ours are in the table."""
    ours = {word.partition("=")[0] for word in arguments if word.startswith("--load")}
    assert ours <= {option.flag_text for option in OPTIONS}


@pytest.mark.parametrize("page", LINKED_PAGES)
def test_links_between_pages_resolve(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_the_readme_links_every_page() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [page for page in LINKED_PAGES if page != "README.md" and f"]({page})" not in readme] == []


# -- reference tables ---------------------------------------------------------------------------------


def test_the_table_of_options_is_complete() -> None:
    rows = section("docs/configuration.md", "Options").rows()
    shown = [(codes(flag)[0], *codes(variable), *codes(key)) for flag, variable, key, _ in rows]
    flags = [f"{option.flag_text} {option.metavar}".rstrip() for option in OPTIONS]
    assert shown == [(flag, option.variable, option.key) for flag, option in zip(flags, OPTIONS, strict=True)]


def test_the_words_of_profiles_and_the_built_in_profiles_are_complete() -> None:
    profiles = section("docs/configuration.md", "Profiles: how much load")
    (sentence,) = re.findall(r"A profile may set (.*?)\.", profiles.text, re.DOTALL)
    assert tuple(codes(sentence)) == plan.OVERRIDABLE
    shown = {codes(name)[0]: values for name, *values in profiles.rows()}
    words = ("vus", "duration", "ramp_up", "ramp_down")
    assert shown == {
        name: [str(values.get(word, "")) for word in words] for name, values in BUILT_IN_PROFILES.items()
    }


def test_the_keys_of_an_environment_have_the_clients_defaults() -> None:
    shown = {
        codes(key)[0]: default
        for key, _, default in section("docs/configuration.md", "Environments: where the load goes").rows()
    }
    settings = ClientSettings()
    assert shown.keys() == {
        "api",
        "headers",
        "timeout",
        "connect_timeout",
        "follow_redirects",
        "max_redirects",
        "max_connections_per_host",
        "max_body",
        "dns_ttl",
        "verify",
        "cert",
        "proxy",
        "no_proxy",
        "unix_socket",
        "http2",
        "run_headers",
        "allowed_hosts",
        "protected",
        "tokens",
    }
    assert shown["timeout"] == f"{(settings.timeout_ns or 0) // NS_PER_S} s"
    assert shown["connect_timeout"] == f"{(settings.connect_timeout_ns or 0) // NS_PER_S} s"
    assert shown["dns_ttl"] == f"{settings.dns_ttl_ns // NS_PER_S} s"
    assert shown["max_redirects"] == str(settings.max_redirects)
    assert shown["max_connections_per_host"] == str(settings.max_connections_per_host)
    assert parse_size(shown["max_body"]) == settings.max_body_bytes
    assert codes(shown["follow_redirects"]) == [json.dumps(settings.follow_redirects)]
    assert codes(shown["http2"]) == [json.dumps(settings.http2)]
    assert codes(shown["verify"]) == [json.dumps(settings.verify)]


def test_the_attributes_of_a_measured_load_are_complete() -> None:
    cells = [codes(cell) for cell, _ in section("docs/comparing-loads.md", "What a result has").rows()]
    shown = {re.match(r"\w+", code)[0] for row in cells for code in row}  # type: ignore[index]  # they are names
    assert shown == {name for name in dir(MeasuredLoad) if not name.startswith("_")} - {"of"}


def test_the_table_of_budgets_is_complete() -> None:
    percentiles, *others = section("docs/budgets.md", "What can be limited").rows()
    assert all(rule_of(key) == RULES["mean"] for key in codes(percentiles[0])[:-1])
    assert percentiles[2:4] == how(RULES["mean"])
    assert {codes(key)[0]: [bound, scopes] for key, _, bound, scopes, _ in others} == {
        key: how(rule) for key, rule in RULES.items()
    }


def how(rule: Rule) -> list[str]:
    """A rule's bound and scopes, as the table has them."""
    scopes = ["all" if scope is Scope.ALL else f"`{scope}=`" for scope in Scope if scope in rule.scopes]
    return ["at most" if rule.upper else "at least", ", ".join(scopes)]


def test_the_default_limits_are_complete() -> None:
    shown = {
        codes(key)[0]: limit for key, limit in section("docs/budgets.md", "What holds by default").rows()
    }
    assert shown == {key: RULES[key].format(limit) for key, limit in DEFAULT_LIMITS.items()}


def test_the_keywords_of_the_load_marker_are_complete() -> None:
    rows = section("docs/load-shapes.md", "Load shapes").rows()
    assert [codes(keyword)[0] for keyword, *_ in rows] == list(plan._PARSERS)


def test_the_outcomes_of_requests_are_complete() -> None:
    rows = section("docs/how-it-measures.md", "What becomes of a request").rows()
    yes = {True: "yes", False: "no"}
    assert rows == [[each.label, yes[each.is_error], yes[each.has_latency]] for each in Outcome]


def test_the_states_of_the_generator_and_their_limits_are_those_of_the_code() -> None:
    rows = section("docs/how-it-measures.md", "Is the generator the bottleneck?").rows(1)
    ranked = [State.OK, State.DEGRADED, State.LIMITED, State.UNKNOWN]
    assert [state for state, _ in rows] == [state.label for state in ranked]
    degraded, limited, unknown = (re.findall(r"[\d.]+", when) for _, when in rows[1:])
    percent = [f"{100 * share:g}" for share in (HIGH_CPU, FEW_SECONDS, SOME_DELAY)]
    assert [figure for figure in degraded if figure != "99"] == percent
    shares = (FULL_CPU, FEW_SECONDS, MUCH_DELAY, MUCH_WAITING)
    late = [f"{LATE_START_NS / 1e6:g}", f"{100 * LATE_START:g}"]
    percent = [f"{100 * share:g}" for share in shares]
    percent.insert(3, f"{IDLE_DELAY_NS / 1e6:g}")
    missing = [f"{100 * share:g}" for share in (FEW_MISSING, FULL_CPU)]
    assert [figure for figure in limited if figure != "99"] == [*percent, *late, *missing]
    assert unknown == [f"{SHORTEST_NS / NS_PER_S:g}", str(FEWEST_LOOKS)]


def test_the_exceptions_of_the_client_are_those_of_the_code() -> None:
    shown = {
        label: codes(exception)[0].removeprefix("httpx.")
        for labels, exception in section("docs/http-client.md", "When there is no answer").rows()
        for label in labels.split(", ")
    }
    named = {each.label: error.__name__ for each, error in EXCEPTION_OF.items() if each.label in shown}
    assert len(named) >= 9
    assert named.items() <= shown.items()


@pytest.mark.parametrize(("title", "described"), [("Requests", Client), ("Responses", Response)])
def test_what_the_client_page_names_exists(title: str, described: type) -> None:
    first, *_ = section("docs/http-client.md", title).text.strip().split("\n\n")
    names = [name.partition("(")[0] for name in codes(first) if re.fullmatch(r"[a-z_]+(\(.*\))?", name)]
    known = {*dir(described), *Client.request.__code__.co_varnames, "status_code"}
    assert [name for name in names if name not in known] == []
