"""`httpx_client`: a real client of httpx for each virtual user; SDKs that take one are tested with it."""

from __future__ import annotations

import sys

import httpcore  # noqa: F401 - httpx maps its exceptions once; an in-process run would forget these
import pytest

from tests.http.http2_server import AUTHORITY, http2_server
from tests.plugin.conftest import Project
from tests.plugin.results import KEEP_RESULTS, results_of
from tests.plugin.supabase_server import SupabaseHandler, supabase_server


def counts(project: Project, test: str) -> dict[str, tuple[int, int]]:
    """Requests by name: how many, and how many of them failed."""
    return {row.name: (row.count, row.failed) for row in results_of(project)[test].requests}


def run_and_count(project: Project, source: str, *, passed: int = 1) -> dict[str, tuple[int, int]]:
    project.write(KEEP_RESULTS, "conftest.py")
    project.write(source)
    project.run("-Werror").assert_outcomes(passed=passed)
    return counts(project, "test_load")


def test_it_is_a_real_client_on_the_connections_of_http(project: Project) -> None:
    assert run_and_count(
        project,
        """
        import httpx

        @pytest.mark.load(vus=3, iterations_per_vu=4)
        @pytest.mark.budget(error_rate="50%")
        async def test_load(http, httpx_client, vu):
            assert isinstance(httpx_client, httpx.AsyncClient)
            await http.get("/by-http")
            answer = await httpx_client.get("/items/7", params={"page": 1})
            assert type(answer.request) is httpx.Request and isinstance(answer, httpx.Response)
            assert answer.json() == {"ok": True}
            await httpx_client.get("/status/402", extensions={"name": "paid", "expect": {200, 402}})
            await httpx_client.get("/status/500", extensions={"name": "broken"})
        """,
    ) == {
        "GET /by-http": (12, 0),
        "GET /items/{id}": (12, 0),
        "paid": (12, 0),
        "broken": (12, 12),
    }
    assert project.target.connections == 3


def test_plain_functions_get_httpx_client_of_the_other_kind(project: Project) -> None:
    """A real httpx.Client; fixtures of both kinds see one another's header fields and cookies."""
    assert run_and_count(
        project,
        """
        import httpx

        @pytest.fixture
        async def signed_in(httpx_client):
            assert isinstance(httpx_client, httpx.AsyncClient)
            httpx_client.headers["Authorization"] = "Bearer t"
            httpx_client.cookies.set("a", "1")
            return httpx_client

        @pytest.mark.load(vus=5, iterations_per_vu=3)
        @pytest.mark.budget(error_rate="50%")
        def test_load(signed_in, httpx_client, vu):
            assert isinstance(httpx_client, httpx.Client) and signed_in is httpx_client
            sent = httpx_client.post("/echo", json={"vu": vu.id}).json()
            assert sent["headers"]["authorization"] == "Bearer t" and sent["headers"]["cookie"] == "a=1"
            assert sent["body"] == '{"vu":%d}' % vu.id
            with httpx_client.stream("GET", "/streamed") as answer:
                assert "".join(answer.iter_text()) == '{"ok": true}'
            httpx_client.event_hooks = {"response": [lambda answer: vu.count("hooked")]}
            httpx_client.get("/hooked")
            httpx_client.event_hooks = {}
            with pytest.raises(httpx.RemoteProtocolError):
                httpx_client.get("/close")

        def test_after():
            pass
        """,
        passed=2,
    ) == {
        "POST /echo": (15, 0),
        "GET /streamed": (15, 0),
        "GET /hooked": (15, 0),
        "GET /close": (15, 15),
    }
    assert results_of(project)["test_load"].counters == {"hooked": 15}


def test_options_are_those_of_httpx_over_the_environments(project: Project) -> None:
    project.configure(
        f'environments.TEST = {{api = "{project.target.url}", headers = {{X-Env = "e", X-Both = "e"}}}}'
    )
    run_and_count(
        project,
        """
        async def count_answer(answer):
            answer.extensions["seen"] = True

        @pytest.fixture
        def httpx_client_options(vu):
            return {
                "headers": {"X-Own": str(vu.id), "X-Both": "own"}, "auth": ("user", "password"),
                "params": {"key": "k"}, "event_hooks": {"response": [count_answer]}, "timeout": 5,
                "cookies": {"c": "1"},
            }

        @pytest.mark.load(vus=2, iterations_per_vu=2)
        async def test_load(httpx_client, vu):
            answer = await httpx_client.get("/echo", params={"a": 1})
            sent = answer.json()
            fields = sent["headers"]
            assert (fields["x-env"], fields["x-both"], fields["x-own"]) == ("e", "own", str(vu.id))
            assert fields["authorization"].startswith("Basic ") and fields["cookie"] == "c=1"
            assert fields["user-agent"].startswith("pytest-loadtest/")
            assert sent["target"] == "/echo?key=k&a=1"
            assert answer.extensions["seen"] and answer.request.extensions["timeout"]["read"] == 5
        """,
    )


WRONG_OPTIONS = [
    ("a transport", '{"transport": None}', "*'transport' is not possible here: the requests go out on*"),
    ("a proxy", '{"proxy": "http://p"}', "*'proxy' is not possible here: it belongs to the environment's*"),
    (
        "an unknown argument",
        '{"colour": 1}',
        "*httpx.AsyncClient has no argument 'colour'; possible are auth,*",
    ),
    ("no dict", "[1]", "*a dict of arguments of httpx.AsyncClient is needed, not list*"),
    ("no protocol", '{"http1": False}', "*without http1 there must be http2*"),
]


@pytest.mark.parametrize(
    ("sentence", "options", "message"), WRONG_OPTIONS, ids=[row[0] for row in WRONG_OPTIONS]
)
def test_wrong_options_are_said_before_any_load(
    sentence: str, options: str, message: str, project: Project
) -> None:
    project.write(
        f"""
        @pytest.fixture
        def httpx_client_options():
            return {options}

        @pytest.mark.load(vus=2, iterations=2)
        async def test_load(httpx_client):
            await httpx_client.get("/")
        """
    )
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    assert project.target.requests == []


def test_http2_without_h2_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)
    project.configure(f'environments.TEST = {{api = "{project.target.url}", http2 = true}}')
    project.write(
        """
        @pytest.mark.load(vus=2, iterations=2)
        async def test_load(httpx_client):
            await httpx_client.get("/")
        """
    )
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'pytest-loadtest?http2?'*"])
    assert project.target.requests == []


def test_http2_works_in_both_kinds_of_functions(project: Project) -> None:
    authority = project.pytester.path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(authority)
    with http2_server(project.pytester.path) as url:
        project.configure(
            f'environments.TEST = {{api = "{url}", http2 = true, verify = "{authority}", timeout = "30s"}}'
        )
        project.write(KEEP_RESULTS, "conftest.py")
        project.write(
            """
            import asyncio

            def parts():
                yield b"one"
                yield b"two"

            @pytest.mark.load(vus=3, iterations_per_vu=2)
            async def test_async(httpx_client):
                answers = await asyncio.gather(*(httpx_client.get(f"/items/{n}") for n in range(4)))
                assert {answer.http_version for answer in answers} == {"HTTP/2"}

            @pytest.mark.load(vus=3, iterations_per_vu=2)
            def test_plain(httpx_client):
                sent = httpx_client.post("/items", content=parts()).json()
                assert (sent["version"], sent["body"]) == ("2", "onetwo")
                with httpx_client.stream("GET", "/parts", extensions={"name": "parts"}) as answer:
                    assert list(answer.iter_lines()) == ["part0", "part1", "part2"]
            """
        )
        project.run("-Werror").assert_outcomes(passed=2)
    assert counts(project, "test_async") == {"GET /items/{id}": (24, 0)}
    assert counts(project, "test_plain") == {"POST /items": (6, 0), "parts": (6, 0)}
    (row,) = results_of(project)["test_async"].requests
    assert {"connecting", "TLS"} <= row.phases.keys()
    assert row.phases["TLS"].n == 3


def test_the_supabase_client_is_load_tested(project: Project) -> None:
    """Each user signs in once; two clients of one user share its connections and nothing else."""
    with supabase_server() as url:
        project.configure(f'environments.TEST = {{api = "{project.target.url}", supabase_url = "{url}"}}')
        requests = run_and_count(
            project,
            """
            from supabase import AsyncClientOptions, AuthApiError, PostgrestAPIError, acreate_client

            async def client_of(httpx_client, load_env):
                options = AsyncClientOptions(httpx_client=httpx_client, auto_refresh_token=False)
                return await acreate_client(load_env.supabase_url, "anon-key", options)

            @pytest.fixture
            async def supabase(httpx_client, load_env, vu):
                client = await client_of(httpx_client, load_env)
                user = {"email": f"u{vu.id}@example.com", "password": "right"}
                await client.auth.sign_in_with_password(user)
                return client

            @pytest.fixture
            async def anonymous(httpx_client, load_env):
                return await client_of(httpx_client, load_env)

            @pytest.mark.load(vus=4, iterations_per_vu=3)
            @pytest.mark.budget(error_rate="100%", request="POST */token")
            @pytest.mark.budget(error_rate="100%", request="GET */nothing")
            async def test_load(supabase, anonymous, httpx_client, vu):
                before = httpx_client.headers.raw, httpx_client.base_url
                token = (await supabase.auth.get_session()).access_token
                n = vu.iteration + 1
                rows = (await supabase.table("agents").select("id, name").limit(n).execute()).data
                assert rows == [{"id": 1, "columns": "id,name", "limit": str(n), "asked_by": token}]
                rows = (await anonymous.table("agents").select("id").limit(1).execute()).data
                assert rows[0]["asked_by"] == "anon-key"
                assert (await supabase.rpc("add", {"a": 2, "b": 3}).execute()).data == 5
                with pytest.raises(PostgrestAPIError, match="no such relation"):
                    await supabase.table("nothing").select("id").execute()
                with pytest.raises(AuthApiError, match="Invalid login credentials"):
                    wrong = {"email": "x@example.com", "password": "wrong"}
                    await anonymous.auth.sign_in_with_password(wrong)
                assert (httpx_client.headers.raw, httpx_client.base_url) == before
            """,
        )
    origin = url
    assert requests == {
        f"GET {origin}/rest/v1/agents": (24, 0),
        f"POST {origin}/rest/v1/rpc/add": (12, 0),
        f"GET {origin}/rest/v1/nothing": (12, 12),
        f"POST {origin}/auth/v1/token": (12, 12),
    }
    assert [path for path, _ in SupabaseHandler.seen].count("POST /auth/v1/token") == 16  # 4 in set-up


def test_an_sdk_that_builds_its_requests_and_streams_events_is_load_tested(project: Project) -> None:
    """As openai's client does: build_request and send(stream=True), options of its own, lines of events."""
    requests = run_and_count(
        project,
        """
        import httpx, json

        class Completions:
            def __init__(self, base_url, http_client):
                self.base_url, self.http_client = httpx.URL(base_url), http_client
                self.timeout = httpx.Timeout(timeout=30, connect=5.0)

            def request(self, path, body, **options):
                url = self.base_url.copy_with(raw_path=self.base_url.raw_path + path.encode())
                return self.http_client.build_request(
                    "POST", url, json=body,
                    headers=httpx.Headers({"Authorization": "Bearer k", "Content-Type": "application/json"}),
                    timeout=self.timeout, **options,
                )

            async def create(self, prompt):
                answer = await self.http_client.send(self.request("/completions", {"prompt": prompt}))
                answer.raise_for_status()
                return answer.json()

            async def stream(self, prompt):
                request = self.request("/events", {"prompt": prompt}, extensions={"name": "events"})
                answer = await self.http_client.send(request, stream=True)
                try:
                    async for line in answer.aiter_lines():
                        if line.startswith("data: ") and line != "data: [DONE]":
                            yield json.loads(line.removeprefix("data: "))
                finally:
                    await answer.aclose()

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        async def test_load(httpx_client, load_env):
            sdk = Completions(load_env.api + "/v1", httpx_client)
            assert (await sdk.create("hello")) == {"ok": True}
            assert [event["n"] async for event in sdk.stream("hello")] == [0, 1, 2]
            assert "authorization" not in httpx_client.headers
        """,
    )
    assert requests == {"POST /v1/completions": (6, 0), "events": (6, 0)}


def test_hooks_of_either_kind_are_called_in_either_kind_of_test(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        def httpx_client_options(vu):
            async def awaited(response):
                vu.check("awaited", True)

            def plain(response):
                vu.check("plain", True)

            return {"event_hooks": {"request": [awaited, plain], "response": [plain, awaited]}}

        @pytest.mark.load(vus=2, iterations=4)
        @pytest.mark.budget(check_rate="100%", check="awaited")
        @pytest.mark.budget(check_rate="100%", check="plain")
        async def test_async(httpx_client):
            await httpx_client.get("/async")

        @pytest.mark.load(vus=2, iterations=4)
        @pytest.mark.budget(check_rate="100%", check="awaited")
        @pytest.mark.budget(check_rate="100%", check="plain")
        def test_plain(httpx_client):
            httpx_client.get("/plain")
        """
    )
    project.run("-Werror").assert_outcomes(passed=2)
