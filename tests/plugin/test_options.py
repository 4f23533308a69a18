"""Options, environment variables and ini keys: which one wins, what the header shows, what each does."""

from __future__ import annotations

import time

import pytest

from pytest_loadtest.plugin.options import OPTIONS
from tests.plugin.conftest import Project
from tests.plugin.target import Target

ONE = """
    @pytest.mark.load(vus=3, iterations_per_vu=1)
    async def test_a(http):
        await http.get("/a")
"""
CLOSED = """
    @pytest.mark.load(vus=314, duration="3m", ramp_up="30s", ramp_down="30s")
    @pytest.mark.budget(p95="5s")
    async def test_a(http):
        await http.get("/a")
"""


def header(project: Project, *args: str, source: str = CLOSED) -> list[str]:
    """What a run would do, as its header says; nothing is run."""
    project.write(source)
    result = project.run("--setup-plan", *args)
    lines = result.stdout.lines
    first = next(n for n, line in enumerate(lines) if line.startswith("load tests: "))
    return [line for line in lines[first:] if line.startswith(("load tests: ", "  test_"))]


def refused(project: Project, *args: str) -> str:
    """What a usage error says."""
    project.write(ONE)
    result = project.run(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert project.target.connections == 0
    return result.stderr.str()


def test_the_header_says_what_is_sent_where(project: Project, target: Target) -> None:
    assert header(project) == [
        f"load tests: 1, environment TEST ({target.url}), no profile",
        "  test_a: 314 VUs, 3m, ramps 30s up and 30s down",
    ]


def test_q_leaves_the_header_out(project: Project) -> None:
    project.write(ONE)
    assert "load tests: 1" not in project.run("-q").stdout.str()


def test_every_option_is_an_environment_variable_and_an_ini_key_of_the_same_name(project: Project) -> None:
    shown = project.run("--help").stdout.str()
    assert len(OPTIONS) == 18
    for option in OPTIONS:
        assert f"  {option.flag_text}" in shown
        assert f"  {option.key} " in shown
        assert option.flag_text.removeprefix("--").replace("-", "_").upper() == option.variable


OVERRIDES = {
    "vus": ("7", "314 VUs", "7 VUs"),
    "duration": ("9s", "3m,", "9s,"),
    "ramp-up": ("1s", "ramps 30s up", "ramps 1s up"),
    "ramp-down": ("2s", "30s down", "2s down"),
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_a_shape_option_overrides_the_marker(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    value, before, after = OVERRIDES[name]
    word = name.replace("-", "_")
    shape = "314 VUs, 3m, ramps 30s up and 30s down".replace(before, after)
    assert f"  test_a: {shape} [{word} " in header(project, f"--load-{name}", value)[1]
    assert f"-> {value} (--load-{name})]" in header(project, f"--load-{name}", value)[1]
    monkeypatch.setenv(f"LOAD_{word.upper()}", value)
    assert f"-> {value} (environment variable LOAD_{word.upper()})]" in header(project)[1]


def test_the_rate_of_open_models_can_be_overridden(project: Project) -> None:
    source = """
    @pytest.mark.load(rate="50/s", duration="1m", max_vus=20)
    def test_open(http): pass

    @pytest.mark.load(vus=3, duration="1m")
    def test_closed(http): pass
    """
    assert header(project, "--load-rate", "5/s", source=source)[1:] == [
        "  test_open: 5/s, at most 20 VUs, 1m [rate 50/s -> 5/s (--load-rate)]",
        "  test_closed: 3 VUs, 1m",
    ]


def test_command_line_over_environment_variable_over_profile_over_marker_over_ini_key(
    project: Project, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vus() -> str:
        return header(project, *args, source=source)[1].split(": ")[1].split(" VU")[0]

    args: tuple[str, ...] = ()
    source = "\n    @pytest.mark.load(duration='1m')\n    def test_a(http): pass\n"
    assert vus() == "1"  # the default
    settings = f'environments.TEST = {{api = "{target.url}"}}\nprofiles.mine = {{vus = 4}}'
    project.configure(settings, ini="load_vus = '2'")
    assert vus() == "2"  # the ini key
    source = source.replace("load(", "load(vus=3, ")
    assert vus() == "3"  # the marker
    project.configure(settings, ini="load_vus = '2'\nload_profile = 'mine'")
    assert vus() == "4"  # the profile
    monkeypatch.setenv("LOAD_VUS", "5")
    assert vus() == "5"  # the environment variable
    args = ("--load-vus", "6")
    assert header(project, *args, source=source)[1] == "  test_a: 6 VUs, 1m [vus 3 -> 6 (--load-vus)]"


def test_the_built_in_profile_local_makes_314_users_into_5_for_30_seconds(project: Project) -> None:
    assert header(project, "--load-profile", "local") == [
        f"load tests: 1, environment TEST ({project.target.url}), profile local",
        (
            "  test_a: 5 VUs, 30s [vus 314 -> 5 (profile local); duration 3m -> 30s (profile local); "
            "ramp_up 30s -> 0 (profile local); ramp_down 30s -> 0 (profile local)]"
        ),
    ]


def test_the_built_in_profile_cloud_leaves_the_marker_as_it_is(project: Project) -> None:
    assert header(project, "--load-profile=cloud")[1] == "  test_a: 314 VUs, 3m, ramps 30s up and 30s down"


def test_a_project_can_change_a_built_in_profile_and_use_variables_in_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_VUS", "2")
    project.configure('profiles.local = {vus = "${LOCAL_VUS}"}')
    assert "[vus 314 -> 2 (profile local)]" in header(project, "--load-profile", "local")[1]
    monkeypatch.delenv("LOCAL_VUS")
    assert (
        "[tool.pytest-loadtest] profiles.local.vus: the environment variable LOCAL_VUS is not set"
    ) in refused(project, "--load-profile", "local")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(
            ("--load-vus", "0"), "ERROR: --load-vus: vus: '0' is not a whole number, 1 or more", id="VUs"
        ),
        pytest.param(("--load-vus=-1",), "--load-vus: vus: '-1' is not a whole number", id="negative VUs"),
        pytest.param(
            ("--load-duration", "soon"), "--load-duration: duration: 'soon' is not a dur", id="time"
        ),
        pytest.param(("--load-duration", "0s"), "'0s' is not a duration above zero", id="no time"),
        pytest.param(("--load-ramp-up", "x"), "--load-ramp-up: ramp_up: 'x' is not a duration", id="ramp up"),
        pytest.param(("--load-ramp-down", "x"), "--load-ramp-down: ramp_down: 'x' is not", id="ramp down"),
        pytest.param(("--load-rate", "50"), "--load-rate: rate: '50' is not a rate such as", id="rate"),
        pytest.param(("--load-pause", "a bit"), "--load-pause: 'a bit' is not a duration", id="pause"),
        pytest.param(("--load-budget", "p95"), "--load-budget: 'p95' is not KEY=VALUE", id="half a budget"),
        pytest.param(("--load-budget", "p95=x"), "--load-budget: budget p95: 'x' is not a", id="limit"),
        pytest.param(
            ("--load-budget", "p95s=1s"), "unknown budget 'p95s' (did you mean 'p95'?)", id="unknown budget"
        ),
        pytest.param(
            ("--load-env", "TETS"),
            "unknown environment 'TETS' (did you mean 'TEST'?); [tool.pytest-loadtest] has TEST",
            id="an unknown environment",
        ),
        pytest.param(
            ("--load-profile", "claud"),
            "unknown profile 'claud' (did you mean 'cloud'?); [tool.pytest-loadtest] has local, cloud",
            id="an unknown profile",
        ),
    ],
)
def test_a_wrong_option_is_a_usage_error_said_once(
    project: Project, args: tuple[str, ...], message: str
) -> None:
    project.write(ONE, "test_other.py")
    said = refused(project, *args)
    assert message in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        pytest.param("LOAD_VUS", "environment variable LOAD_VUS: vus: 'x' is not a whole number", id="VUs"),
        pytest.param("LOAD_BUDGET", "environment variable LOAD_BUDGET: 'x' is not KEY=VALUE", id="budget"),
        pytest.param("LOAD_ONCE", "environment variable LOAD_ONCE: 'x' is neither of 1, true,", id="once"),
        pytest.param("LOAD_SKIP", "environment variable LOAD_SKIP: 'x' is neither of 1, true,", id="skip"),
        pytest.param("LOAD_ENV", "unknown environment 'x'", id="environment"),
    ],
)
def test_a_wrong_environment_variable_is_a_usage_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, variable: str, message: str
) -> None:
    monkeypatch.setenv(variable, "x")
    assert message in refused(project)


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        pytest.param("load_vus = '0'", "ini file: vus: '0' is not a whole number", id="VUs"),
        pytest.param("load_once = 'maybe'", "ini file: load_once: 'maybe' is neither of 1, true,", id="once"),
        pytest.param("load_budget = ['p95']", "ini file: 'p95' is not KEY=VALUE", id="budget"),
        pytest.param("load_profile = 'x'", "unknown profile 'x'", id="profile"),
    ],
)
def test_a_wrong_ini_key_is_a_usage_error(project: Project, ini: str, message: str) -> None:
    project.configure(ini=ini)
    assert message in refused(project)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param("enviroments = {}", "unknown key 'enviroments'; allowed are environments,", id="a key"),
        pytest.param("environments = 3", "environments is 3, not a table of values", id="environments"),
        pytest.param("environments.DEV = 'x'", "environments.DEV is 'x', not a table of", id="environment"),
        pytest.param(
            "environments.DEV = {get = 1}", "environments.DEV: 'get' means something else", id="get"
        ),
        pytest.param(
            "profiles.p = {users = 3}",
            "profiles.p: unknown 'users'; allowed are vus, duration,",
            id="profile",
        ),
        pytest.param("profiles.local = 5", "profiles.local is 5, not a table of values", id="no profile"),
        pytest.param(
            "environments.DEV = {api = 'localhost:8006'}",
            "environment 'DEV': api: 'localhost:8006' is not a URL such as http://localhost:8006",
            id="a URL without a scheme",
        ),
        pytest.param(
            "environments.DEV = {timeout = 'long'}",
            "environment 'DEV': timeout: 'long' is not a",
            id="timeout",
        ),
        pytest.param(
            "environments.DEV = {headers = {a = 1}}", "headers: not a table of names and texts", id="headers"
        ),
        pytest.param(
            "environments.DEV = {verify = 3}", "verify: 3 is neither true nor false nor a path", id="verify"
        ),
        pytest.param(
            "environments.DEV = {cert = ['/nowhere.pem', '/nowhere.key']}",
            "environment 'DEV': cert: the client certificate's file '/nowhere.pem': "
            "No such file or directory",
            id="cert",
        ),
        pytest.param(
            "environments.DEV = {proxy = 'socks5://127.0.0.1:1080'}",
            "environment 'DEV': proxy: socks5:// proxies are not supported",
            id="proxy",
        ),
        pytest.param(
            "environments.DEV = {follow_redirects = 'yes'}",
            "follow_redirects: 'yes' is neither true nor false",
            id="follow_redirects",
        ),
        pytest.param("environments = [", "pyproject.toml: ", id="no TOML"),
    ],
)
def test_a_wrong_configuration_is_a_usage_error(project: Project, settings: str, message: str) -> None:
    project.pytester.makeini("[pytest]\n")  # so that pytest itself does not read pyproject.toml
    project.configure(settings)
    assert message in refused(project)


def test_a_session_without_load_tests_does_not_read_the_configuration(project: Project) -> None:
    project.configure("nonsense = 1")
    project.write("def test_a(): pass")
    project.run("--load-vus=0").assert_outcomes(passed=1)


# -- environments --------------------------------------------------------------------------------------


TWO = """
    environments.ONE = {{api = "{url}", supabase_url = "http://one"}}
    environments.TWO = {{api = "{url}/two"}}
"""


def test_the_environment_is_chosen_by_name_and_read_as_load_env(project: Project, target: Target) -> None:
    project.configure(TWO.format(url=target.url))
    project.write(
        """
        @pytest.mark.load(iterations=1)
        async def test_a(http, load_env):
            assert load_env.name == "TWO"
            await http.get("/a")

        def test_ordinary(load_env):
            assert load_env.api.endswith("/two")
        """
    )
    result = project.run("--load-env", "TWO")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"load tests: 1, environment TWO ({target.url}/two), no profile"])
    assert target.paths() == ["/two/a"]


def test_one_of_several_environments_must_be_chosen(project: Project, target: Target) -> None:
    project.configure(TWO.format(url=target.url))
    assert "which environment? choose one with --load-env: ONE, TWO" in refused(project)


def test_a_project_without_environments_uses_whole_urls(project: Project, target: Target) -> None:
    project.configure("environments = {}")
    project.write(ONE.replace('"/a"', f'"{target.url}/whole"'))
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["load tests: 1, environment none, no profile"])
    assert target.paths() == ["/whole"] * 3


def test_a_project_without_a_configuration_file_can_run_load_tests(project: Project, target: Target) -> None:
    (project.pytester.path / "pyproject.toml").unlink()
    project.write(ONE.replace('"/a"', f'"{target.url}/whole"'))
    project.run().assert_outcomes(passed=1)


def test_a_protected_environment_needs_to_be_allowed_by_name(
    project: Project, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.configure(f'environments.PROD = {{api = "{target.url}", protected = true}}')
    needs = "environment 'PROD' is protected: load on it needs --load-allow PROD"
    assert needs in refused(project)
    assert needs in refused(project, "--load-allow", "DEV")
    assert needs in refused(project, "--load-once")
    project.run("--load-allow", "DEV", "--load-allow", "PROD").assert_outcomes(passed=1)
    monkeypatch.setenv("LOAD_ALLOW", "PROD")
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["session", "function"])
def test_an_ordinary_test_gets_no_protected_environment(project: Project, target: Target, scope: str) -> None:
    project.configure(f'environments.PROD = {{api = "{target.url}", protected = true}}')
    project.write(
        f"""
        import httpx

        @pytest.fixture(scope={scope!r})
        def health(load_env):
            return httpx.get(load_env.api + "/a").status_code

        def test_a(health):
            assert health == 200
        """
    )
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["environment 'PROD' is protected: load on it needs --load-allow PROD"])
    assert "pytest_loadtest/" not in result.stdout.str().replace(str(project.pytester.path), "")
    assert target.connections == 0
    project.run("--load-allow", "PROD").assert_outcomes(passed=1)


def test_load_on_a_protected_environment_can_be_skipped(project: Project, target: Target) -> None:
    project.configure(f'environments.PROD = {{api = "{target.url}", protected = true}}')
    project.write(ONE)
    project.run("--load-skip").assert_outcomes(skipped=1)


def test_values_of_an_environment_come_from_variables_and_are_not_shown(
    project: Project, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.configure(
        'environments.DEV = {api = "${API_URL}/echo/v${API_VERSION}", headers = {X-Key = "${KEY}"}}'
    )
    project.write(
        """
        @pytest.mark.load(iterations=1)
        async def test_a(http, load_env):
            assert (await http.get("/a")).json()["headers"]["x-key"] .startswith("s3" + "cr3t")
            assert "s3" + "cr3t" not in repr(load_env) + repr(http)
        """
    )
    for name, value in (("API_URL", target.url), ("API_VERSION", "2"), ("KEY", "s3cr3t-value")):
        monkeypatch.setenv(name, value)
    result = project.run("-vv")
    result.assert_outcomes(passed=1)
    assert target.paths() == ["/echo/v2/a"]
    assert "s3cr3t" not in result.stdout.str()


def test_a_missing_variable_is_named_where_it_is_needed(project: Project) -> None:
    project.configure('environments.DEV = {api = "http://x", headers = {X-Key = "${NOT_SET_ANYWHERE}"}}')
    message = "environments.DEV.headers.X-Key: the environment variable NOT_SET_ANYWHERE is not set"
    assert message in refused(project)


# -- budgets -------------------------------------------------------------------------------------------


def broken(project: Project, *args: str) -> str:
    """The first line of the failure, or 'passed'."""
    result = project.run(*args)
    failed = [line for line in result.stdout.lines if line.startswith("FAILED ")]
    return failed[0].split(" - ")[1] if failed else "passed"


def test_a_budget_option_replaces_the_markers_budget(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(iterations=4)
        @pytest.mark.budget(iterations=4, p95="9s")
        async def test_a(http):
            await http.get("/a")
        """
    )
    assert broken(project) == "passed"
    assert broken(project, "--load-budget", "iterations=5") == "1 of 4 budgets broken: iterations 4 < 5"
    result = project.run("--load-budget", "iterations=3", "--load-budget", "max=8s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["  test_a: 1 VU, 4 iterations [[]budget iterations >= 4 -> >= 3 (--load-budget); budget max <= *"]
    )


def test_a_budget_option_replaces_a_default(project: Project) -> None:
    project.write(ONE.replace("/a", "/status/500"))
    assert broken(project) == "1 of 2 budgets broken: error_rate 100% > 0%"
    assert broken(project, "--load-budget", "error_rate=100%") == "passed"


def test_budgets_of_command_line_over_variable_over_marker_over_ini_key(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.configure(ini="load_budget = ['iterations=9']")
    project.write("\n    @pytest.mark.load(iterations=4)\n    def test_a(): pass\n")
    assert broken(project) == "1 of 2 budgets broken: iterations 4 < 9"
    project.write(
        """
        @pytest.mark.load(iterations=4)
        @pytest.mark.budget(iterations=8)
        def test_a(): pass
        """
    )
    assert broken(project) == "1 of 2 budgets broken: iterations 4 < 8"
    monkeypatch.setenv("LOAD_BUDGET", "iterations=7 failure_rate=5%")
    assert broken(project) == "1 of 2 budgets broken: iterations 4 < 7"
    assert broken(project, "--load-budget", "iterations=6") == "1 of 2 budgets broken: iterations 4 < 6"


def test_a_budget_of_dropped_iterations_for_all_tests_leaves_closed_models_alone(project: Project) -> None:
    project.write(ONE)
    assert broken(project, "--load-budget", "dropped=3") == "passed"


def test_a_broken_budget_of_the_environment_variable_is_shown_in_the_header(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_BUDGET", "p95=2s")
    assert "[budget p95 <= 5 s -> <= 2 s (environment variable LOAD_BUDGET)]" in header(project)[1]


# -- once, skip, pause ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["option", "variable", "ini key"])
def test_once_is_one_iteration_of_one_user_without_budgets(
    project: Project, target: Target, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    project.write(CLOSED.replace('"/a"', '"/status/500"'))
    if how == "variable":
        monkeypatch.setenv("LOAD_ONCE", "1")
    if how == "ini key":
        project.configure(ini="load_once = true")
    result = project.run(*(["--load-once"] if how == "option" else []))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["  test_a: 1 VU, 1 iteration [[]1 VU, 1 iteration, no budgets (--load-once)]"]
    )
    assert target.paths() == ["/status/500"]


def test_once_shows_the_traceback_of_what_the_body_raised(project: Project) -> None:
    project.write(
        """
        @pytest.mark.load(vus=9, duration="1m")
        async def test_a(http):
            status = (await http.get("/status/404", expect={404})).status_code
            assert status == 200
        """
    )
    result = project.run("--load-once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">       assert status == 200", "E       assert 404 == 200"])


def test_once_refuses_what_would_be_refused_without_it(project: Project) -> None:
    project.write(ONE.replace("iterations_per_vu=1)", "iterations=1)\n    @pytest.mark.budget(p95='x')"))
    result = project.run("--load-once")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "test_load.py::test_a: budget p95: 'x' is not a duration" in result.stderr.str()


@pytest.mark.parametrize(
    ("ini", "variable", "args", "skipped"),
    [
        pytest.param("", "", ("--load-skip",), True, id="the option"),
        pytest.param("", "yes", (), True, id="the variable"),
        pytest.param("load_skip = true", "", (), True, id="the ini key"),
        pytest.param("load_skip = true", "0", (), False, id="the variable over the ini key"),
        pytest.param("", "0", ("--load-skip",), True, id="the option over the variable"),
    ],
)
def test_skip_skips_load_tests_and_nothing_else(
    project: Project,
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
    ini: str,
    variable: str,
    args: tuple[str, ...],
    skipped: bool,
) -> None:
    project.configure(ini=ini)
    monkeypatch.setenv("LOAD_SKIP", variable)
    project.write(ONE + "\n    def test_ordinary(): pass\n")
    result = project.run(*args, "-rs")
    result.assert_outcomes(skipped=int(skipped), passed=2 - int(skipped))
    assert ("--load-skip" in result.stdout.str()) == skipped
    assert bool(target.requests) != skipped


def test_pause_is_between_load_tests_that_ran(
    project: Project, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[tuple[float, int]] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: pauses.append((seconds, len(target.requests))))
    project.write(
        """
        @pytest.mark.load(iterations=1)
        @pytest.mark.parametrize("n", [1, 2, 3])
        async def test_a(http, n):
            await http.get(f"/{n}")

        @pytest.mark.load(iterations=1)
        @pytest.mark.skip
        async def test_skipped(http): pass

        @pytest.mark.load(iterations=1)
        async def test_b(http): pass

        def test_ordinary(): pass
        """
    )
    project.run("--load-pause", "1m30s").assert_outcomes(passed=5, skipped=1)
    assert [pause for pause in pauses if pause[0]] == [(90, 1), (90, 2), (90, 3)]


def test_no_pause_unless_asked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    project.write(ONE + ONE.replace("test_a", "test_b"))
    project.run().assert_outcomes(passed=2)
    assert not any(pauses)
