"""What a failed load test says: budgets, errors with a sample each, no traceback of ours, no secrets."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tests.plugin.conftest import Project

SECRETS = {
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "OPAQUE": "oPaQuE4f7a9c2e81d3b6507192",
    "COOKIE": "c00kie5f4dcc3b5aa765d61d83",
    "API_KEY": "apik3y8c6976e5b5410415bde9",
    "PASSWORD": "passw0rd-correct-horse-9",
}


def test_it_says_which_budgets_broke_where_the_time_went_and_groups_the_errors(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=6)
        @pytest.mark.budget(p95="1ms", error_rate="10%")
        @pytest.mark.budget(request="details", p50="1us")
        async def test_browse(http, vu):
            await http.get("/delay/0.02", name="search")
            await http.get("/agents/7", name="details")
            await http.get("/status/503" if vu.iteration % 2 else "/status/404", name="buy")
            vu.check("is cheap", vu.iteration < 2)
            if vu.iteration == 3:
                await http.get("/close")
        """
    )
    result = project.run("-W", "error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "5 of 5 budgets broken: p50 of 'details' * > 1 us; p95 * > 1 ms; error_rate 36.84% > 10%; *",
            "budget * limit *measured *95 % interval",
            "p50 of 'details' * <= 1 us * BROKEN*",
            "p95 * <= 1 ms *s *BROKEN*",
            "error_rate * <= 10% * 36.84% *BROKEN*",
            "failure_rate (default) * <= 0% * 16.67% * BROKEN*",
            "check_rate (default) * >= 100% * 33.33% * BROKEN*",
            "Requests, the slowest first (service time, whole run):",
            "search * 6 *",
            "Failed requests (7):",
            "  3 x buy: status 404",
            "      404 Reason: GET http://127.0.0.1:*/status/404: *ok*",
            "  3 x buy: status 503",
            "  1 x GET /close: closed before the whole answer",
            "Failed iterations (1 of 6):",
            "  1 x httpx.RemoteProtocolError at test_load.py:12",
            "Checks that did not hold:",
            "is cheap * 2 * 6 *33.33%",
            "1 VU, 6 iterations: 6 iterations, 19 requests",
            "*- first failures -*",
            "test_load.py:12: in test_browse",
            '    await http.get("/close")',
            "E   httpx.RemoteProtocolError: *",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_loadtest*")
    result.stdout.no_fnmatch_line("*running.py*")


def test_a_failure_shows_the_users_lines_only_and_as_they_are(project: Project, refusing_url: str) -> None:
    project.write(
        f"""
        async def ask(http):
            await http.get("{refusing_url}/a", **min({{}}, {{}}, key=len))

        @pytest.mark.load(vus=1, iterations=1)
        async def test_browse(http):
            await ask(http)
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "1 x httpx.ConnectError at test_load.py:4; the first:",
            "test_load.py:8: in test_browse",
            "    await ask(http)",
            "test_load.py:4: in ask",
            f'    await http.get("{refusing_url}/a", [*][*]min(*, key=len))',
            "E   httpx.ConnectError: connection refused: *",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("*direct cause of the following exception*")


def test_a_cause_that_came_through_the_users_code_is_shown(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=1)
        async def test_browse(http):
            try:
                (await http.get("/a")).json()["items"]
            except Exception as error:
                raise RuntimeError("no items") from error
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "test_load.py:6: in test_browse",
            "*The above exception was the direct cause of the following exception:*",
            "E   RuntimeError: no items",
        ]
    )


def test_a_budget_without_anything_to_judge_says_why(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=1)
        @pytest.mark.budget(request="shop *", p95="1s")
        @pytest.mark.budget(check="is open", check_rate="90%")
        @pytest.mark.budget(metric="buying", p95="1s")
        async def test_browse(http, vu):
            await http.get("/", name="market")
            vu.check("is closed", True)
            with vu.measure("selling"):
                pass
        """
    )
    project.run().stdout.fnmatch_lines(
        [
            "3 of * budgets broken: *not measured*",
            "p95 of 'buying': no trend * is named 'buying'; there were: 'iteration_duration', 'selling'",
            "check_rate of 'is open': no check is named 'is open'; there were: 'is closed'",
            "p95 of 'shop *': no request is named 'shop *'; there were: 'market'",
        ]
    )


def test_junit_and_the_short_summary_have_the_first_line_and_the_place_of_the_test(project: Project) -> None:
    project.write(
        """


        @pytest.mark.load(vus=1, iterations=2)
        @pytest.mark.budget(p95=1e-6)
        async def test_slow(http):
            await http.get("/")
        """
    )
    result = project.run("--junitxml=junit.xml", "--tb=line")
    failure = ET.parse(project.pytester.path / "junit.xml").find(".//failure")
    assert failure is not None
    assert re.fullmatch(r"1 of 3 budgets broken: p95 .* > 1 us", failure.get("message", ""))
    assert "GET /" in (failure.text or "")
    result.stdout.fnmatch_lines(["FAILED test_load.py::test_slow - 1 of 3 budgets broken: p95 *"])


# where a secret could get out, and how
LEAKS = {
    "headers, cookies, parameters and URLs of requests that fail": """
async def test_load(http, vu):
    http.cookies.set("session", COOKIE)
    http.headers["X-API-Key"] = API_KEY
    bearer = {"Authorization": f"Bearer {OPAQUE}"}
    await http.get("/status/403", params={"access_token": OPAQUE}, headers=bearer)
    await http.get(f"/status/404?api_key={API_KEY}")
    await http.post("/status/500", json={"password": PASSWORD})
""",
    "bodies of errors that repeat what was sent": """
async def test_load(http, vu):
    secrets = {"Authorization": f"Bearer {OPAQUE}", "Cookie": f"session={COOKIE}", "X-API-Key": API_KEY}
    await http.get("/echo", headers=secrets, expect=404)
    await http.post("/echo", json={"password": PASSWORD, "token": JWT}, expect=404)
""",
    "requests that get no answer": """
async def test_load(http, vu):
    bearer = {"Authorization": f"Bearer {JWT}"}
    await http.get("/close", params={"apikey": API_KEY, "jwt": JWT}, headers=bearer)
""",
    "assert messages and what asserts compare": """
async def test_load(http, vu):
    answer = await http.get("/echo", headers={"Authorization": f"Bearer {OPAQUE}", "Cookie": f"sid={COOKIE}"})
    headers = answer.json()["headers"]
    assert headers == {}, f"wrong headers: {headers} for token {JWT} and password={PASSWORD}"
""",
    "messages of exceptions in bodies": """
def test_load(http, vu, token):
    if vu.iteration:
        raise ValueError(f"Authorization: Bearer {OPAQUE} was refused; token={JWT}")
""",
    "the reason of an abort": """
async def test_load(http, vu):
    vu.abort(f"refused: Bearer {OPAQUE}, password={PASSWORD}")
""",
    "arguments of a user's fixture that fails": """
@pytest.fixture
async def signed_in(vu, token, password):
    raise ValueError(f"password={password} is wrong")

async def test_load(http, signed_in):
    pass
""",
    "arguments of a shared fixture that fails": """
@pytest.fixture
async def signed_in(token, password):
    raise ValueError(f"Bearer {token} is wrong")

async def test_load(http, signed_in):
    pass
""",
    "a user's tear-down that fails": """
@pytest.fixture
def signed_in(vu, token):
    yield
    raise ValueError(f"cannot revoke token={OPAQUE}")

async def test_load(http, signed_in):
    await http.get("/")
""",
    "pytest.fail()": """
async def test_load(http):
    pytest.fail(f"token {JWT} has expired; Cookie: session={COOKIE}")
""",
    "pytest.skip()": """
async def test_load(http):
    pytest.skip(f"no access with password={PASSWORD}")
""",
}


@pytest.mark.parametrize("source", LEAKS.values(), ids=LEAKS.keys())
@pytest.mark.parametrize("options", [[], ["-vv", "--tb=long", "--showlocals"]], ids=["plain", "verbose"])
def test_secrets_are_shown_nowhere(project: Project, source: str, options: list[str]) -> None:
    project.write("".join(f"{name} = {value!r}\n" for name, value in SECRETS.items()), "private.py")
    project.write(
        """
        from private import JWT, PASSWORD

        @pytest.fixture
        def token():
            return JWT

        @pytest.fixture
        def password():
            return PASSWORD
        """,
        "conftest.py",
    )
    project.write(
        f"from private import {', '.join(SECRETS)}\n\n"
        f"pytestmark = pytest.mark.load(vus=2, iterations_per_vu=2)\n{source}"
    )
    result = project.run("--junitxml=junit.xml", "-rA", *options)
    assert result.parseoutcomes().get("passed", 0) == 0
    shown = f"{result.stdout}{result.stderr}{(project.pytester.path / 'junit.xml').read_text()}"
    assert [name for name, value in SECRETS.items() if value in shown] == []
