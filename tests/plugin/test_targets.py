"""Where load may go: this machine and configured environments. All else is refused, and nothing is sent."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project
from tests.plugin.target import Target

# Names that no look-up finds: what is allowed fails there, what is refused does not get so far.
ENVIRONMENTS = """
    environments.TEST.api = "{url}"
    environments.TEST.assets = "https://assets.invalid/v1"
    environments.TEST.allowed_hosts = ["*.cdn.invalid"]
    environments.OTHER = {{api = "https://other.invalid"}}
    environments.PROD.api = "https://prod.invalid"
    environments.PROD.protected = true
"""
LOOKED_UP = "*name not resolved*"


@pytest.fixture
def three(project: Project, target: Target) -> Project:
    project.configure(ENVIRONMENTS.format(url=target.url))
    return project


def get(url: str, body: str = "") -> str:
    return f"""
        @pytest.mark.load(vus=2, duration="20s")
        async def test_a(http):
            {body or f"await http.get({url!r})"}
    """


REFUSALS = {
    "a host that nobody has configured": (
        "https://foreign.invalid/a",
        (
            "'foreign.invalid' is in no configured environment; if load may go there, "
            "give environment 'TEST' allowed_hosts = [\"foreign.invalid\"]"
        ),
    ),
    "a host of a protected environment": (
        "https://prod.invalid/a",
        (
            "'prod.invalid' belongs to environment 'PROD', which is protected: "
            "load on it needs --load-allow PROD"
        ),
    ),
    "a name that only ends like an allowed one": (
        "https://notassets.invalid/",
        "'notassets.invalid' is in no configured environment",
    ),
}


@pytest.mark.parametrize(("url", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_load_is_refused_and_the_test_fails_at_once_with_the_reason(
    three: Project, target: Target, url: str, reason: str
) -> None:
    three.write(get(url))
    result = three.run("--load-env", "TEST")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    output = result.stdout.str()
    assert reason in output
    assert "Traceback" not in output
    assert "pytest_loadtest/" not in output.replace(str(three.pytester.path), "")
    assert result.duration < 15
    assert target.connections == 0


def test_a_test_cannot_swallow_the_refusal(three: Project) -> None:
    three.write(
        """
        @pytest.mark.load(vus=2, duration="20s")
        async def test_a(http):
            try:
                await http.get("https://foreign.invalid/")
            except Exception:
                pass
        """
    )
    result = three.run("--load-env", "TEST")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'foreign.invalid' is in no configured environment*"])
    assert result.duration < 15


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://assets.invalid/a", id="another value of the environment"),
        pytest.param("https://eu.cdn.invalid/a", id="a pattern"),
        pytest.param("https://other.invalid/a", id="an environment that is not protected"),
    ],
)
def test_configured_hosts_are_allowed(three: Project, url: str) -> None:
    three.write(get(url))
    result = three.run("--load-env", "TEST")
    result.stdout.fnmatch_lines([LOOKED_UP])


def test_a_protected_environment_is_allowed_by_name(three: Project) -> None:
    three.write(get("https://prod.invalid/a"))
    three.run("--load-env", "TEST", "--load-allow", "PROD").stdout.fnmatch_lines([LOOKED_UP])


def test_a_protected_host_in_a_variable_is_protected_from_patterns(
    three: Project, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROD_TOKENS", "https://prod.cdn.invalid")
    three.configure(
        ENVIRONMENTS.format(url=target.url)
        + 'environments.PROD.tokens = {url = "${PROD_TOKENS}", anon_key = "${NOT_SET}"}'
    )
    three.write(get("https://prod.cdn.invalid/a"))
    result = three.run("--load-env", "TEST")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'prod.cdn.invalid' belongs to environment 'PROD', which is protected*"])


def test_an_environment_made_by_a_fixture_is_bound_to_the_same_hosts(three: Project, target: Target) -> None:
    three.write(
        """
        @pytest.fixture(scope="session")
        def load_env(load_env):
            return load_env.replace(api="https://prod.invalid")
        """,
        "conftest.py",
    )
    three.write(get("/a"))
    result = three.run("--load-env", "TEST")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'prod.invalid' belongs to environment 'PROD', which is protected*"])


def test_httpx_client_and_websockets_are_bound_too(three: Project) -> None:
    three.write(
        """
        @pytest.mark.load(vus=1, duration="20s")
        async def test_httpx(httpx_client):
            await httpx_client.get("https://foreign.invalid/")

        @pytest.mark.load(vus=1, duration="20s")
        async def test_socket(http):
            async with http.websocket("wss://foreign.invalid/ws"):
                pass

        @pytest.mark.load(vus=1, duration="20s")
        def test_plain(http):
            http.get("https://foreign.invalid/")
        """
    )
    result = three.run("--load-env", "TEST")
    result.assert_outcomes(failed=3)
    assert result.stdout.str().count("FAILED test_load.py::") == 3
    assert "name not resolved" not in result.stdout.str()


def test_a_load_of_a_tests_own_is_refused_too(three: Project) -> None:
    three.write(
        """
        async def visit(http):
            await http.get("https://foreign.invalid/")

        def test_a(load):
            load(visit, vus=2, duration="20s")
        """
    )
    result = three.run("--load-env", "TEST")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'foreign.invalid' is in no configured environment*"])


def test_without_environments_the_advice_is_to_configure_one(project: Project) -> None:
    project.configure("environments = {}")
    project.write(get("https://foreign.invalid/"))
    project.run().stdout.fnmatch_lines(["*configure one: [[]tool.pytest-loadtest.environments.NAME]*"])


def test_a_wrong_list_of_allowed_hosts_is_a_usage_error(project: Project, target: Target) -> None:
    project.configure(f'environments.TEST = {{api = "{target.url}", allowed_hosts = ["https://x.example/"]}}')
    project.write(get("/a"))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "allowed_hosts: 'https://x.example/' is not a host" in result.stderr.str()
    assert target.connections == 0
