"""``python -m pytest_loadtest tokens``: makes tokens ahead, says what it did, and what is wrong."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from perf_tests.demo_platform import Platform, running_platform
from tests.plugin.conftest import SUBPROCESS_LIMIT_S, Project
from tests.plugin.results import KEEP_RESULTS, results_of


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with running_platform() as platform:
        yield platform


@pytest.fixture
def configured(project: Project, platform: Platform) -> Project:
    """A project whose environment DEV is the platform."""
    project.configure(table(platform))
    return project


def table(platform: Platform, more: str = "", *, password: str = "") -> str:
    return (
        "[tool.pytest-loadtest.environments.DEV]\n"
        f'api = "{platform.api}"\n'
        "[tool.pytest-loadtest.environments.DEV.tokens]\n"
        f'url = "{platform.supabase_url}"\nanon_key = "{platform.supabase_anon_key}"\n'
        f'users = "loadtest{{4..50}}@example.com"\n'
        f'password = "{password or platform.user_password}"\n{more}\n'
        "[tool.pytest-loadtest.environments.PROD]\nprotected = true\n"
        'api = "https://www.example.com"\n'
    )


def tokens(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, in the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", "pytest_loadtest", "tokens", *arguments],
        cwd=project.pytester.path,
        capture_output=True,
        text=True,
        timeout=SUBPROCESS_LIMIT_S,
        check=False,
    )


def test_it_makes_tokens_that_load_tests_find(configured: Project) -> None:
    made = tokens(configured, "--env", "DEV", "--count", "6", "--timeout", "20")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("6 tokens for DEV: 0 there already, 6 signed in with 6 attempts in ")
    again = tokens(configured, "--env", "DEV", "--count", "8")
    assert again.stdout.startswith("8 tokens for DEV: 6 there already, 2 signed in with 2 attempts in ")

    configured.write(KEEP_RESULTS, "conftest.py")
    configured.write(
        """
        @pytest.mark.load(vus=5, iterations_per_vu=1)
        async def test_library(signed_in_http):
            await signed_in_http.get("/api/library/agents")
        """
    )
    configured.run_subprocess("--load-env", "DEV").assert_outcomes(passed=1)
    authentication = results_of(configured)["test_library"].authentication
    assert authentication is not None
    assert (authentication.reused, authentication.attempts) == (5, 0)


def test_the_kept_tokens_are_for_their_owner_only_and_no_file_of_the_repository(configured: Project) -> None:
    tokens(configured, "--env", "DEV", "--count", "2")
    cache = configured.pytester.path / ".pytest_cache"
    assert (cache / ".gitignore").read_text().splitlines()[-1] == "*"
    kept = [path for path in (cache / "d" / "loadtest-tokens").iterdir() if path.suffix == ".json"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600]


def test_users_are_created_with_the_service_key(project: Project, platform: Platform) -> None:
    project.configure(table(platform, f'service_key_command = "echo {platform.supabase_service_key}"'))
    (project.pytester.path / "users.csv").write_text("new-one@example.com,pass-word-1\nnew-two@example.com\n")
    refused = tokens(project, "--env", "DEV", "--count", "2", "--users", "users.csv")
    assert refused.returncode == 1
    assert "new-one@example.com" in refused.stderr
    assert "tokens --env DEV --users users.csv --create makes users" in refused.stderr
    made = tokens(project, "--env", "DEV", "--count", "2", "--users", "users.csv", "--create")
    assert (made.returncode, made.stderr) == (0, "")
    assert ": 0 there already, 2 users created, 2 signed in with 2 attempts in " in made.stdout
    assert platform.supabase_service_key not in made.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--env", "PROD"], "'PROD' is protected: load on it needs --allow PROD", id="protected"),
        pytest.param(
            ["--env", "DVE"], "unknown environment 'DVE' (did you mean 'DEV'?)", id="no environment"
        ),
        pytest.param(["--env", "PROD", "--allow", "PROD"], "'PROD' has no tokens", id="no table"),
        pytest.param(["--env", "DEV", "--users", "nowhere.csv"], "nowhere.csv", id="no file"),
        pytest.param(["--env", "DEV", "--create"], "SUPABASE_SERVICE_KEY", id="no service key"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_sent(
    configured: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.delenv("SUPABASE_SERVICE_KEY", raising=False)
    refused = tokens(configured, *arguments)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "DEV", "--count", "none"], "--count"),
        (["--env", "DEV", "--timeout", "soon"], "--timeout"),
        (["--count", "5"], "--env"),
    ],
)
def test_a_wrong_option_is_named(configured: Project, arguments: list[str], message: str) -> None:
    refused = tokens(configured, *arguments)
    assert refused.returncode == 4
    assert message in refused.stderr


def test_a_users_file_that_does_not_parse_is_named_with_its_line(configured: Project) -> None:
    (configured.pytester.path / "users.csv").write_text("a@example.com\nno address\n")
    refused = tokens(configured, "--env", "DEV", "--users", "users.csv")
    assert refused.returncode == 4
    assert "users.csv:2" in refused.stderr


def test_a_wrong_password_names_the_user_and_never_the_password(project: Project, platform: Platform) -> None:
    project.configure(table(platform, password="not-the-password"))
    refused = tokens(project, "--env", "DEV", "--count", "2")
    assert refused.returncode == 1
    assert re.search(r"loadtest[45]@example\.com cannot sign in", refused.stderr)  # whoever is refused first
    assert "not-the-password" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_variable_of_the_service_key_is_needed_only_to_create_users(
    project: Project, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEY_OF_THIS_TEST", raising=False)
    project.configure(table(platform, 'service_key = "${KEY_OF_THIS_TEST}"'))
    assert tokens(project, "--env", "DEV", "--count", "1").returncode == 0
    refused = tokens(project, "--env", "DEV", "--count", "2", "--create")
    assert refused.returncode == 4
    assert "the environment variable KEY_OF_THIS_TEST is not set" in refused.stderr


def test_options_of_the_projects_own_plugins_are_in_nobodys_way(project: Project, platform: Platform) -> None:
    project.configure(
        table(platform),
        ini='addopts = "--option-of-a-plugin"\nrequired_plugins = "absent"\nfilterwarnings = ["error"]',
    )
    assert tokens(project, "--env", "DEV", "--count", "1").returncode == 0


def static(project: Project, *left_s: int) -> None:
    """Environment DEV has tokens of a list, which expire then."""
    tokens = ", ".join(
        f'{{token = "static-token-{n}", expires_at = {int(time.time()) + s}}}'
        for n, s in enumerate(left_s, 1)
    )
    project.configure(
        "[tool.pytest-loadtest.environments.DEV.tokens]\n" + f'source = "static"\ntokens = [{tokens}]'
    )


def test_tokens_of_a_list_are_tried(project: Project) -> None:
    static(project, 3600, 7200)
    tried = tokens(project, "--env", "DEV")
    assert (tried.returncode, tried.stderr) == (0, "")
    assert tried.stdout == "2 tokens for DEV: all can be used; none is kept\n"
    static(project, 3600, -60)
    tried = tokens(project, "--env", "DEV")
    assert (tried.returncode, tried.stdout) == (1, "")
    assert tried.stderr.startswith("tokens: number 2 (token 2) expired ")
    assert "static-token" not in tried.stderr


@pytest.mark.parametrize(
    ("table", "status", "message"),
    [
        pytest.param('tokens = "a-secret-text"', 4, "environments.DEV.tokens is not a table", id="a text"),
        pytest.param(
            'tokens = {count = "none"}', 4, "environments.DEV.tokens: ", id="half of what is needed"
        ),
        pytest.param(
            'tokens = {source = "signed", jwt_secret = "a-secret-text", users = ["ann"]}',
            4,
            "nothing to do ahead",
            id="tokens that are signed when they are needed",
        ),
    ],
)
def test_a_wrong_table_is_said_without_its_values(
    project: Project, table: str, status: int, message: str
) -> None:
    project.configure(f"[tool.pytest-loadtest.environments.DEV]\n{table}")
    refused = tokens(project, "--env", "DEV")
    assert (refused.returncode, refused.stdout) == (status, "")
    assert message in refused.stderr
    assert "a-secret-text" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_count_may_be_written_as_a_text(project: Project, platform: Platform) -> None:
    project.configure(table(platform, 'count = "2"'))
    made = tokens(project, "--env", "DEV")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("2 tokens for DEV: ")


def test_what_it_says_itself_is_not_taken_for_a_secret(project: Project) -> None:
    project.configure('[tool.pytest-loadtest.environments.DEV]\ntokens = {password = "${NOT_SET}"}')
    refused = tokens(project, "--env", "DEV")
    assert refused.returncode == 4
    assert "tokens.password: the environment variable NOT_SET is not set" in refused.stderr
