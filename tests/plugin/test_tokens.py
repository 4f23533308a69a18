"""Tokens of virtual users: had before the load, one per user, renewed beside it, counted apart from it."""

from __future__ import annotations

import json
import time

import jwt
import pytest

from perf_tests.demo_platform import running_platform
from tests.plugin.conftest import Project
from tests.plugin.results import KEEP_RESULTS, results_of
from tests.plugin.target import Target

SIGN_KEY = "a-secret-that-signs-tokens-of-this-test"


def configure(project: Project, tokens: str, more: str = "") -> None:
    """One environment, whose table `tokens` has these lines."""
    project.configure(
        f'[tool.pytest-loadtest.environments.TEST]\napi = "{project.target.url}"\n{more}\n'
        f"[tool.pytest-loadtest.environments.TEST.tokens]\n{tokens}"
    )


def by_user(target: Target) -> dict[str, str]:
    """What each virtual user has sent as Authorization; its requests are to /<its number>."""
    return {seen.path.lstrip("/"): seen.headers.get("authorization", "") for seen in target.requests}


SIGNED_IN = """
    @pytest.mark.load(vus={vus}, iterations_per_vu=1)
    async def test_a(signed_in_http, vu):
        await signed_in_http.get(f"/{{vu.id}}", name="one")
"""


# -- who gets which token ------------------------------------------------------------------------------


def test_each_user_has_the_token_of_its_place(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\ntokens = ["first-token", "second-token"]')
    project.write(SIGNED_IN.format(vus=2))
    project.run().assert_outcomes(passed=1)
    assert by_user(target) == {"1": "Bearer first-token", "2": "Bearer second-token"}


def test_users_share_tokens_when_there_are_fewer_and_that_is_said(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\ntokens = ["first-token", "second-token"]')
    project.write(SIGNED_IN.format(vus=5))
    result = project.run()
    result.assert_outcomes(passed=1)
    first, second = "Bearer first-token", "Bearer second-token"
    assert by_user(target) == {"1": first, "2": second, "3": first, "4": second, "5": first}
    assert "5 virtual users" in result.stdout.str()
    assert "2 tokens" in result.stdout.str()


def test_with_unique_tokens_too_few_are_an_error_before_any_load(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\nunique = true\ntokens = ["first-token", "second-token"]')
    project.write(SIGNED_IN.format(vus=3))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*3 virtual users and 2 tokens*"])
    assert target.requests == []


def test_workers_of_xdist_assign_the_same_tokens(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\ntokens = ["first-token", "second-token", "third-token"]')
    project.write(
        """
        @pytest.mark.parametrize("test", ["a", "b"])
        @pytest.mark.load(vus=3, iterations_per_vu=1)
        async def test_it(signed_in_http, vu, test):
            await signed_in_http.get(f"/{test}{vu.id}", name="one")
        """
    )
    project.run_subprocess("-n2", "--dist", "each", plugins=("xdist",)).assert_outcomes(passed=4)
    expected = {1: "Bearer first-token", 2: "Bearer second-token", 3: "Bearer third-token"}
    assert by_user(target) == {f"{test}{n}": expected[n] for test in "ab" for n in expected}
    assert len(target.requests) == 12


def test_loads_that_a_test_runs_by_itself_have_tokens_too(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\ntokens = ["first-token", "second-token"]')
    project.write(
        """
        async def visit(signed_in_http, vu):
            await signed_in_http.get(f"/{vu.id}", name="one")

        def test_a(load):
            load(visit, vus=2, iterations_per_vu=1)
        """
    )
    project.run().assert_outcomes(passed=1)
    assert by_user(target) == {"1": "Bearer first-token", "2": "Bearer second-token"}


def test_a_pool_of_a_conftest_is_used_through_any_fixture(project: Project, target: Target) -> None:
    project.write(
        f"""
        from pytest_loadtest import SignedTokens

        @pytest.fixture(scope="session")
        def token_pool():
            return SignedTokens(jwt_secret={SIGN_KEY!r}, users=["ann", "bob"])

        @pytest.fixture
        def header(vu, token_pool):
            return {{"Authorization": "Bearer " + token_pool.token(vu.id).access_token}}
        """,
        "conftest.py",
    )
    project.write(
        """
        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_a(http, vu, header):
            await http.get(f"/{vu.id}", name="one", headers=header)
        """
    )
    project.run().assert_outcomes(passed=1)
    claims = {
        user: jwt.decode(sent.removeprefix("Bearer "), SIGN_KEY, ["HS256"], audience="authenticated")
        for user, sent in by_user(target).items()
    }
    assert [claims[user]["email"] for user in ("1", "2")] == ["ann", "bob"]


def test_a_plain_function_has_a_signed_in_client_too(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\ntokens = ["first-token"]')
    project.write(
        """
        @pytest.mark.load(vus=1, iterations_per_vu=1)
        def test_a(signed_in_http, vu):
            signed_in_http.get(f"/{vu.id}", name="one")
        """
    )
    project.run().assert_outcomes(passed=1)
    assert by_user(target) == {"1": "Bearer first-token"}


# -- renewal -------------------------------------------------------------------------------------------


def test_a_token_is_renewed_while_the_load_runs(project: Project, target: Target) -> None:
    configure(project, f'source = "signed"\njwt_secret = "{SIGN_KEY}"\nusers = ["ann"]\nlifetime = "2s"')
    project.write(
        """
        @pytest.mark.load(vus=1, duration="2.5s")
        async def test_a(signed_in_http, vu):
            await signed_in_http.get("/a")
            await vu.think("20ms")
        """
    )
    project.write(KEEP_RESULTS, "conftest.py")
    project.run().assert_outcomes(passed=1)
    sent = {seen.headers["authorization"].removeprefix("Bearer ") for seen in target.requests}
    assert len(sent) > 1
    authentication = results_of(project)["test_a"].authentication
    assert authentication is not None
    assert authentication.renewals >= len(sent) - 1  # the last may have come at the very end


# -- what is wrong -------------------------------------------------------------------------------------


def test_an_expired_token_fails_the_test_and_names_the_command(project: Project, target: Target) -> None:
    expired = jwt.encode({"sub": "ann", "exp": int(time.time()) - 60}, SIGN_KEY)
    configure(project, f'source = "static"\ntokens = ["{expired}"]')
    project.write(SIGNED_IN.format(vus=1))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*python -m pytest_loadtest tokens --env TEST*"])
    assert expired not in result.stdout.str()
    assert target.requests == []


@pytest.mark.parametrize(
    ("load", "option"),
    [
        pytest.param("vus=1, iterations=1", "-q", id="so many iterations, however long they take"),
        pytest.param("vus=50, duration='3h'", "--load-once", id="one iteration"),
    ],
)
def test_a_load_that_may_be_over_soon_takes_tokens_that_are_valid_now(
    project: Project, load: str, option: str
) -> None:
    soon = jwt.encode({"sub": "ann", "exp": int(time.time()) + 120}, SIGN_KEY)
    configure(project, f'source = "static"\ntokens = ["{soon}"]')
    project.write(SIGNED_IN.format(vus=1).replace("vus=1, iterations_per_vu=1", load))
    project.run(option).assert_outcomes(passed=1)


def test_refused_tokens_that_were_kept_are_explained(project: Project) -> None:
    with running_platform() as platform:
        project.configure(
            "[tool.pytest-loadtest.environments.DEV]\n"
            f'api = "{project.target.url}"\n'
            "[tool.pytest-loadtest.environments.DEV.tokens]\n"
            f'url = "{platform.supabase_url}"\nanon_key = "{platform.supabase_anon_key}"\n'
            f'users = "loadtest{{4..50}}@example.com"\npassword = "{platform.user_password}"\n'
        )
        project.write(
            """
            @pytest.mark.load(vus=2, iterations=4)
            async def test_a(signed_in_http):
                await signed_in_http.get("/status/401")
            """
        )
        advice = "*4 requests were refused with 401; 2 of the tokens were kept*pytest --cache-clear*"
        assert "--cache-clear" not in project.run_subprocess().stdout.str()
        project.run_subprocess().stdout.fnmatch_lines([advice])


def test_without_tokens_in_the_environment_the_error_says_where_to_put_them(
    project: Project, target: Target
) -> None:
    project.write(SIGNED_IN.format(vus=1))
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*environment 'TEST' has no tokens: say in [[]tool.pytest-loadtest.environments.TEST.tokens]*"]
    )
    assert target.requests == []


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        pytest.param('source = "magic"', "environments.TEST.tokens", id="a source there is none of"),
        pytest.param('source = "static"\nfile = "nowhere.txt"', "nowhere.txt", id="a file that is not there"),
        pytest.param('password = "${NOT_SET}"', "environment variable NOT_SET is not set", id="a variable"),
        pytest.param('url = "http://localhost"', "environments.TEST.tokens", id="half of what is needed"),
        pytest.param('passwort = "x"', "passwort", id="a key there is none of"),
    ],
)
def test_a_wrong_table_is_a_usage_error_before_anything_is_sent(
    project: Project, target: Target, tokens: str, message: str
) -> None:
    configure(project, tokens)
    project.write(SIGNED_IN.format(vus=1))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert target.connections == 0


def test_a_wrong_table_does_not_matter_to_tests_without_tokens(project: Project, target: Target) -> None:
    configure(project, 'password = "${NOT_SET}"')
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=1)
        async def test_a(http):
            await http.get("/a")
        """
    )
    project.run().assert_outcomes(passed=1)
    assert target.paths() == ["/a"]


def test_a_sign_in_at_a_foreign_host_is_refused_and_nothing_is_sent(project: Project) -> None:
    project.write(
        """
        from pytest_loadtest import SupabaseTokens

        @pytest.fixture(scope="session")
        def token_pool():
            return SupabaseTokens("https://foreign.invalid", "anon-key", ["a@b.c"], "secret-word")
        """,
        "conftest.py",
    )
    project.write(SIGNED_IN.format(vus=1))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'foreign.invalid' is in no configured environment*"])


UNUSED = 'source = "static"\ntokens = [{token = "first-token"}, {token = "second-token", expires_at = 5}]'


def test_a_token_that_nobody_uses_may_have_expired(project: Project, target: Target) -> None:
    configure(project, UNUSED)
    project.write(SIGNED_IN.format(vus=1))
    project.run().assert_outcomes(passed=1)
    assert by_user(target) == {"1": "Bearer first-token"}


def test_a_load_of_a_test_without_tokens_ends_at_the_line_that_asked_for_it(
    project: Project, target: Target
) -> None:
    configure(project, UNUSED)
    project.write(
        """
        async def visit(signed_in_http):
            await signed_in_http.get("/a")

        def test_a(load):
            load(visit, vus=2, iterations_per_vu=1)
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *TokenError: tokens: number 2 (token 2) expired *"])
    assert "load_loop.py" not in result.stdout.str()
    assert "def _make" not in result.stdout.str()
    assert target.requests == []


# -- what is told --------------------------------------------------------------------------------------


def test_authentication_is_counted_apart_from_the_load(project: Project) -> None:
    configure(project, f'source = "signed"\njwt_secret = "{SIGN_KEY}"\nusers = ["ann", "bob"]')
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(SIGNED_IN.format(vus=2))
    result = project.run("-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["authentication: *"])
    kept = results_of(project)["test_a"]
    assert kept.authentication is not None
    assert kept.count == 2


def test_a_test_without_tokens_says_nothing_of_authentication(project: Project) -> None:
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(
        """
        @pytest.mark.load(vus=1, iterations=1)
        async def test_a(http):
            await http.get("/a")
        """
    )
    result = project.run("-v")
    assert "authentication:" not in result.stdout.str()
    assert results_of(project)["test_a"].authentication is None


def test_requests_say_which_run_user_and_virtual_user_they_are_of(project: Project, target: Target) -> None:
    configure(
        project, f'source = "signed"\njwt_secret = "{SIGN_KEY}"\nusers = ["ann", "bob"]', "run_headers = true"
    )
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(SIGNED_IN.format(vus=2))
    project.run().assert_outcomes(passed=1)
    run_id = results_of(project)["test_a"].run_id
    assert run_id
    names = ("x-load-test-session", "x-load-test-vu", "x-load-test-user")
    sent = sorted(tuple(seen.headers[name] for name in names) for seen in target.requests)
    assert sent == [(run_id, "1", "ann"), (run_id, "2", "bob")]


def test_workers_of_xdist_are_one_run(project: Project, target: Target) -> None:
    project.configure(f'environments.TEST = {{api = "{target.url}", run_headers = true}}')
    project.write(
        """
        @pytest.mark.parametrize("test", ["a", "b"])
        @pytest.mark.load(vus=1, iterations=1)
        async def test_it(http, test):
            await http.get("/a")
        """
    )
    project.run_subprocess("-n2", plugins=("xdist",)).assert_outcomes(passed=2)
    assert len({seen.headers["x-load-test-session"] for seen in target.requests}) == 1


def test_run_headers_are_not_sent_unless_asked_for(project: Project, target: Target) -> None:
    configure(project, 'source = "static"\ntokens = ["first-token"]')
    project.write(SIGNED_IN.format(vus=1))
    project.run().assert_outcomes(passed=1)
    assert [name for name in target.requests[0].headers if name.startswith("x-load-test")] == []


# -- secrets -------------------------------------------------------------------------------------------

LEAKS = """
    import logging

    @pytest.mark.load(vus=2, iterations_per_vu=2)
    @pytest.mark.budget(p95="0.01ms")
    async def test_fails(signed_in_http, token, token_pool, load_env, vu):
        print("printed:", token.access_token, load_env.tokens)
        logging.getLogger("test").warning("logged: %s", token.access_token)
        answer = await signed_in_http.get("/status/500", params={"q": token.access_token})
        held = signed_in_http.headers["Authorization"]
        assert answer.status_code == 200, f"{held} {token!r} {token_pool!r}"

    def test_ordinary(load_env, token_pool):
        held = load_env.tokens
        assert not held, held

    @pytest.fixture
    def broken(token):
        raise RuntimeError(f"no such user: {token.access_token}")

    @pytest.mark.load(vus=1, iterations=1)
    async def test_errs(broken):
        pass

    def test_own(load):
        async def visit(http, token):
            await http.get("/close", headers={"X-Token": token.access_token})
            raise ValueError(token.access_token)
        load(visit, vus=1, iterations=1)
"""


def test_no_token_and_no_secret_is_in_anything_that_is_written(project: Project, target: Target) -> None:
    signed = jwt.encode({"sub": "ann", "exp": int(time.time()) + 7200}, SIGN_KEY)
    secrets = ["opaque-token-of-the-first", signed]
    file = project.pytester.path / "tokens.txt"
    file.write_text("\n".join(secrets))
    file.chmod(0o600)
    configure(project, 'source = "static"\nfile = "tokens.txt"')
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(LEAKS)
    result = project.run("-vv", "--showlocals", "--tb=long", "--junitxml=junit.xml", "-rA")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=4)
    assert {seen.headers.get("authorization") for seen in target.requests} >= {f"Bearer {s}" for s in secrets}
    written = [result.stdout.str(), result.stderr.str()]
    written += [
        path.read_text("utf-8", "replace")
        for path in project.pytester.path.rglob("*")
        if path.is_file() and path.name not in ("tokens.txt", "pyproject.toml") and path.suffix != ".pyc"
    ]
    for secret in secrets:
        for text in written:
            assert secret not in text


UNUSUAL_LEAKS = """
    import logging
    import warnings

    @pytest.mark.load(vus=2, iterations_per_vu=1)
    async def test_names(signed_in_http, token, vu):
        text = token.access_token
        logging.getLogger("test").warning("logged: %s", text)
        warnings.warn(f"warned: {text}")
        vu.check(f"check {text}", True)
        vu.count(f"count {text}")
        vu.trend(f"trend {text}", 1)
        vu.rate(f"rate {text}", True)
        await signed_in_http.get(f"/{vu.id}", name=f"name {text}")
        await signed_in_http.get(f"/of/{text}")

    @pytest.mark.load(vus=1, iterations=1)
    async def test_abort(token, vu):
        vu.abort(f"aborted: {token.access_token}")

    @pytest.mark.load(vus=1, iterations=1)
    async def test_expected(token):
        pytest.xfail(token.access_token)

    def test_own(load, record_property, token_pool):
        load(test_visit, vus=1, iterations=1)
        record_property("token", token_pool.token(1).access_token)
        warnings.warn(f"warned: {token_pool.token(1).access_token}")

    async def test_visit(token): ...
    test_visit.__test__ = False
"""


def test_no_token_is_in_names_logs_warnings_and_properties(project: Project, target: Target) -> None:
    secrets = ["opaque-token-of-the-first", "opaque-token-of-the-second"]
    configure(project, f'source = "static"\ntokens = {json.dumps(secrets)}')
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(UNUSUAL_LEAKS)
    logging = ("--log-cli-level=DEBUG", "--log-file=log.txt", "--log-file-level=DEBUG")
    result = project.run("-vv", "-rA", "--junitxml=junit.xml", "-Wdefault", *logging)
    outcomes = result.parseoutcomes()
    assert [outcomes[name] for name in ("failed", "passed", "xfailed")] == [1, 2, 1]
    shown = ["name [[]redacted] *", "GET /of/[[]redacted] *", "count [[]redacted] *"]
    shown += ["*logged: [[]redacted]", "*UserWarning: warned: [[]redacted]", "XFAIL * - [[]redacted]"]
    result.stdout.fnmatch_lines_random(shown)
    written = [result.stdout.str(), result.stderr.str()]
    written += [
        path.read_text("utf-8", "replace")
        for path in project.pytester.path.rglob("*")
        if path.is_file() and path.name != "pyproject.toml" and path.suffix != ".pyc"
    ]
    assert any("logged: [redacted]" in text for text in written[2:]), "the log file is among them"
    assert [secret for secret in secrets for text in written if secret in text] == []


def test_results_hold_no_secret(project: Project) -> None:
    configure(project, f'source = "signed"\njwt_secret = "{SIGN_KEY}"\nusers = ["ann"]')
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(SIGNED_IN.format(vus=1))
    project.run().assert_outcomes(passed=1)
    kept = json.dumps(results_of(project)["test_a"].to_plain())
    assert SIGN_KEY not in kept
    assert "Bearer" not in kept
