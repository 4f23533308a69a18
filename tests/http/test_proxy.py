"""Through a proxy: what it is told and what the target is told, and what can be configured."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
import trustme

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from pytest_loadtest.http.wire.origin import Origins
from pytest_loadtest.http.wire.proxy import Proxy, ProxyRules
from tests.http.conftest import Run, client_for
from tests.http.proxy_server import proxying
from tests.http.servers import Seen, answer, answering, serving
from tests.http.tls_contexts import tls_target, trusting

USERINFO = "tester:pa%20ss-w0rd-of-proxy"
TOKEN = base64.b64encode(b"tester:pa ss-w0rd-of-proxy").decode()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def fields(seen: Seen) -> list[tuple[str, str]]:
    """Sorted, without what differs between the clients on purpose."""
    return sorted((name, value) for name, value in seen.headers if name != "User-Agent")


# -- what is said -------------------------------------------------------------------------------------


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/a/b", {}),
    ("GET", "/a?x=1", {"params": {"q": "å b"}}),
    ("GET", "/", {"headers": {"X-A": "1"}}),
    ("GET", "/own", {"headers": {"Proxy-Authorization": "Custom own"}}),
    ("POST", "/json", {"json": {"a": 1}}),
    ("POST", "/form", {"data": {"a": "1"}, "cookies": {"c": "1"}}),
    ("PUT", "/bytes", {"content": b"abc"}),
    ("HEAD", "/head", {}),
]


@pytest.mark.parametrize("userinfo", ["", USERINFO], ids=["open", "with a password"])
@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
def test_a_forwarded_request_is_what_httpx_sends(userinfo: str, run: Run) -> None:
    """The proxy sees the same from both clients, and so does the target, which never sees the password."""

    async def scenario() -> None:
        seen: list[Seen] = []
        answers = answering(lambda request: answer(b"" if request.method == "HEAD" else b"ok"), seen)
        async with serving(answers) as server, proxying(token=TOKEN if userinfo else None) as proxy:
            url = proxy.with_password(userinfo) if userinfo else proxy.url
            for method, path, options in CALLS:
                proxy.requests.clear()
                seen.clear()
                async with httpx.AsyncClient(proxy=url, trust_env=False) as theirs:
                    expected = await theirs.request(method, server.url + path, **options)
                async with client_for(proxy=url) as (ours, _):
                    response = await ours.request(method, server.url + path, **options)
                assert (response.status_code, response.text) == (expected.status_code, expected.text)
                assert response.request.url == expected.request.url
                assert "proxy-authorization" not in response.request.headers or "headers" in options
                theirs_seen, ours_seen = proxy.requests
                assert ours_seen.target == theirs_seen.target
                assert ours_seen.target.startswith(f"{server.url}/")
                assert (ours_seen.method, ours_seen.body) == (theirs_seen.method, theirs_seen.body)
                assert fields(ours_seen) == fields(theirs_seen)
                for request in seen:
                    assert request.header("proxy-authorization") is None
                    assert request.target.startswith("/")

    run(scenario())


def test_a_tunnel_is_opened_as_httpx_does(authority: trustme.CA, run: Run) -> None:
    """The CONNECT is the same, byte for byte; through it goes the usual request."""

    async def scenario() -> None:
        seen: list[Seen] = []
        async with tls_target(authority, seen) as server, proxying(token=TOKEN) as proxy:
            url = proxy.with_password(USERINFO)
            async with httpx.AsyncClient(proxy=url, trust_env=False, verify=trusting(authority)) as theirs:
                assert (await theirs.get(f"{server.url}/a")).text == "ok"
            async with client_for(proxy=url, verify=trusting(authority)) as (ours, owner):
                for _ in range(3):
                    response = await ours.get(f"{server.url}/a")
                    assert response.text == "ok"
                ((_, _, connect_ns, tls_ns),) = owner.recorder.connections
                assert connect_ns > 0
                assert tls_ns > 0
            theirs_seen, ours_seen = proxy.requests
            assert ours_seen == theirs_seen
            assert ours_seen.target == server.url.removeprefix("https://")
            assert [request.target for request in seen] == ["/a"] * 4
            assert all(request.header("proxy-authorization") is None for request in seen)

    run(scenario())


def test_a_redirect_does_not_carry_the_password_into_a_tunnel(authority: trustme.CA, run: Run) -> None:
    """Forwarded first, then over TLS: both through the proxy, and neither target sees who asked it."""

    async def scenario() -> None:
        seen: list[Seen] = []
        async with tls_target(authority, seen) as secure, proxying(token=TOKEN) as proxy:
            moved = answering(answer(b"", "302 Found", f"Location: {secure.url}/landed"), seen)
            async with serving(moved) as plain:
                settings: dict[str, Any] = {
                    "proxy": proxy.with_password(USERINFO),
                    "verify": trusting(authority),
                    "follow_redirects": True,
                }
                async with client_for(**settings) as (http, _):
                    assert (await http.get(f"{plain.url}/from")).text == "ok"
            assert [request.target for request in seen] == ["/from", "/landed"]
            assert all(request.header("proxy-authorization") is None for request in seen)
            assert [request.method for request in proxy.requests] == ["GET", "CONNECT"]

    run(scenario())


def test_hosts_in_no_proxy_are_reached_directly(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"direct"))) as server, proxying() as proxy:
            async with client_for(server.url, proxy=proxy.url, no_proxy=("127.0.0.1",)) as (http, _):
                assert (await http.get("/")).text == "direct"
            assert proxy.connections == 0

    run(scenario())


def test_environment_variables_have_no_effect(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"direct"))) as server, proxying() as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            async with client_for(server.url) as (http, _):
                assert (await http.get("/")).text == "direct"
            assert proxy.connections == 0

    run(scenario())


@pytest.mark.parametrize(
    ("url", "tunnelled", "authority_asked_for", "prefix"),
    [
        ("https://a.example/x", False, "a.example:443", ""),
        ("https://[::1]:8443/x", False, "[::1]:8443", ""),
        ("http://a.example/x", False, "a.example:80", "http://a.example"),
        ("http://a.example:8080/x", False, "a.example:8080", "http://a.example:8080"),
        ("http://[::1]:81/x", False, "[::1]:81", "http://[::1]:81"),
        ("http://a.example/x", True, "a.example:80", ""),
    ],
)
def test_how_an_origin_is_reached(url: str, tunnelled: bool, authority_asked_for: str, prefix: str) -> None:
    origin = Origins(ProxyRules("http://tester:w0rd-of-proxy@p.example")).of(
        httpx.URL(url), tunnelled=tunnelled
    )
    assert origin.authority == authority_asked_for
    assert origin.target_prefix == prefix
    assert origin.tunnelled is not bool(prefix)
    assert bool(origin.proxy_fields) is bool(prefix)
    assert "through http://p.example" in repr(origin)


# -- configuration ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://p.example", "https:// proxies are not supported: a proxy is reached over plain HTTP"),
        ("socks5://u:s3cret-w0rd@p.example", "socks5:// proxies are not supported"),
        ("socks5h://p.example", "what is possible is a URL such as http://proxy.example.com:3128"),
        ("p.example:3128", "is not a URL such as http://proxy.example.com:3128"),
        ("//p.example", "is not a URL"),
        ("http://", "is not a URL"),
        ("http://u:s3cret-w0rd@p.example:port", "is not a URL"),
        ("http://u:s3cret-w0rd@p.example/path", "is not a URL"),
        ("http://u:s3cret-w0rd/@p.example", "is not a URL"),
        ("http://u:s3cret-w0rd?@p.example", "is not a URL"),
        ("http://u:s3cret-w0rd #@p.example", "is not a URL"),
        ("http://p.example?x=1", "is not a URL"),
        ("", "is not a URL"),
    ],
)
def test_what_is_no_proxy_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SharedTransport(ClientSettings(proxy=url))
    assert message in str(caught.value)
    assert "s3cret-w0rd" not in str(caught.value)


def test_the_password_is_shown_nowhere() -> None:
    url = f"http://{USERINFO}@p.example:3128/"
    proxy = Proxy(url)
    assert str(proxy) == "http://p.example:3128"
    shared = SharedTransport(ClientSettings(proxy=url))
    shown = f"{proxy!r} {ClientSettings(proxy=url)!r} {shared!r} {shared.proxies!r}"
    for secret in ("pa%20ss-w0rd-of-proxy", "pa ss-w0rd-of-proxy", TOKEN):
        assert secret not in shown
        assert secret not in redact(f"somebody printed {secret}, alas")
    assert dict(proxy.fields) == {b"Proxy-Authorization": b"Basic " + TOKEN.encode()}


@pytest.mark.parametrize(
    ("host", "no_proxy", "goes_through"),
    [
        ("a.example", [], True),
        ("a.example", ["b.example"], True),
        ("a.example", ["a.example"], False),
        ("x.a.example", ["a.example"], False),
        ("x.a.example", [".a.example"], False),
        ("x.a.example", ["*.a.example"], False),
        ("xa.example", ["a.example"], True),
        ("a.example", ["A.Example"], False),
        ("localhost", ["127.0.0.1", " localhost "], False),
        ("::1", ["[::1]"], False),
        ("::1", ["::1"], False),
        ("xn--bl-zia.example", ["blå.example"], False),
    ],
)
def test_which_hosts_go_through_the_proxy(host: str, no_proxy: list[str], goes_through: bool) -> None:
    assert (ProxyRules("http://p.example", no_proxy).proxy_for(host) is not None) is goes_through


@pytest.mark.parametrize("entry", ["", "*", ".", "a.example:80", "http://a.example", "10.0.0.0/8", "a b"])
def test_what_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a host such as"):
        ProxyRules("http://p.example", [entry])


def test_a_proxy_and_a_unix_socket_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="unix_socket and proxy at once"):
        ClientSettings(proxy="http://p.example", unix_socket="/run/x.sock")
