"""What tests of pages share: one Chromium, pages that tell what happens in them, and reports to open.

The reports are made by real runs, once: of pytest-html and of --load-html, against a target that answers
with markup. Without Chromium these tests fail: a page that nobody looked at is not tested.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pytest_loadtest.report.html.page import Page as ReportPage
from pytest_loadtest.results.run import Commit, Machine, Run
from tests.report.loads import broken_load, frozen_load, passed_load

HOW_TO_INSTALL = "these tests look at pages in Chromium: apt-get install -y chromium"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_RUN_LIMIT_S = 240
_PATIENCE_MS = 60_000
LENGTH_S = 60

HOSTILE = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"

_PROJECT = f"""
    import http.server
    import threading

    import pytest

    HOSTILE = {HOSTILE!r}


    class Target(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = HOSTILE.encode()
            self.send_response(500 if "fail" in self.path else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass


    @pytest.fixture(scope="session")
    def target():
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{{server.server_address[1]}}"
        server.shutdown()
        thread.join()
        server.server_close()


    def test_ordinary():
        pass


    @pytest.mark.load(vus=2, iterations=6)
    @pytest.mark.parametrize("what", [HOSTILE])
    def test_hostile(http, vu, target, what):
        http.get(target + "/fine", name=HOSTILE)
        http.get(target + "/fail", name="failing")
        vu.check(HOSTILE, False)


    @pytest.mark.load(vus=1, iterations=3)
    @pytest.mark.budget(p95="10s", failure_rate="100%")
    def test_kept(http, target):
        http.get(target + "/fine")


    def test_own(load, target):
        def visit(http):
            http.get(target + "/fine")

        for vus in (1, 2):
            load(visit, vus=vus, iterations=4)


    def test_last():
        pass
"""


@dataclass
class Opened:
    """A page, and what has happened in it beside being shown."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def note_events(self) -> None:
        page = self.page
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._note_dialog)

    def _note_dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def scroll_through(self, most: int = 99) -> None:
        """As a reader does: what comes into view is drawn."""
        count = self.page.locator("figure[data-chart]").count()
        for n in range(min(count, most)):
            figure = self.page.locator("figure[data-chart]").nth(n)
            figure.scroll_into_view_if_needed()
            figure.locator(".live svg").wait_for()


Open = Callable[..., Opened]


# Not of the session: between two calls, Playwright leaves its event loop as the thread's running one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(HOW_TO_INSTALL, pytrace=False)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium has no other way
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments, timeout=4 * _PATIENCE_MS)
        yield chromium
        chromium.close()


@contextmanager
def _opening(browser: Browser) -> Iterator[Open]:
    contexts = []

    def opened(path: Path, **words: Any) -> Opened:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **words})
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        found = Opened(context.new_page())
        found.note_events()
        found.page.goto(path.as_uri())
        return found

    try:
        yield opened
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a file; the words are those of Playwright's contexts."""
    with _opening(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept_page(browser: Browser) -> Iterator[Open]:
    """The same for pages that several tests look at, none of which changes them."""
    with _opening(browser) as opened:
        yield opened


@pytest.fixture(scope="package")
def made_up_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of three loads of a minute that were never run: with ramps, a slow end, a freeze."""
    run = Run(
        "run-1",
        "2026-11-22T20:15:00.250Z",
        environment="TEST",
        api="http://127.0.0.1:8000",
        options={"--load-vus": "157"},
        machine=Machine("a CPU of a rather long name @ 3 GHz", 2, 8 * 2**30, "Linux", "CPython 3.11"),
        versions={"pytest": "9.2", "pytest-loadtest": "0.1"},
        commit=Commit("0123456789abcdef0123456789abcdef01234567", "main", False),
        results=(passed_load(LENGTH_S), broken_load(LENGTH_S), frozen_load(LENGTH_S)),
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(ReportPage().html(run), "utf-8")
    return path


@pytest.fixture(scope="package")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run, with report.html of pytest-html and page.html of --load-html."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "test_load.py").write_text(textwrap.dedent(_PROJECT), "utf-8")
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\n[tool.pytest-loadtest.environments.TEST]\napi = "http://127.0.0.1"\n',
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-p", "pytest_loadtest.plugin", "-p", "pytest_html.plugin"]
    command += ["-p", "pytest_metadata.plugin", "--html=report.html", "--self-contained-html"]
    done = subprocess.run(
        [*command, "--load-html=page.html"],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=_RUN_LIMIT_S,
        check=False,
    )
    assert "1 failed, 4 passed" in done.stdout, done.stdout + done.stderr
    return folder
