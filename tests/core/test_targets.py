"""Which hosts load may be sent to: a sentence per row."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from pytest_loadtest.core.targets import Targets, canonical, host_of, is_loopback
from pytest_loadtest.errors import ConfigurationError

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "PROD": {
        "api": "https://api.shop.example",
        "websocket_url": "wss://live.shop.example/socket",
        "allowed_hosts": ["*.prod.example"],
        "protected": True,
    },
    "DEV": {
        "api": "https://dev-api.shop.example:8443/v1",
        "websocket_url": "wss://dev-live.shop.example/socket",
        "tokens": {"url": "https://auth.dev.example", "users": ["a@b.example"]},
        "mirrors": [{"eu": "http://[2001:db8::7]:8080"}, ["http://10.0.0.7"]],
        "allowed_hosts": ["cdn.dev.example", "*.shop.example", "192.0.2.1", "stücke.example"],
        "title": "see shop.example for more",
    },
    "TEST": {"api": "http://test.example", "allowed_hosts": "extra.test.example, *.deep.test.example"},
}


def refusal(host: str, chosen: str = "DEV", allowed: tuple[str, ...] = ()) -> str | None:
    return Targets.of(chosen, ENVIRONMENTS, allowed).refusal(host)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("localhost", "this machine by name"),
        ("LOCALHOST.", "in another spelling"),
        ("shop.localhost", "names below localhost never leave it"),
        ("127.0.0.1", "this machine by address"),
        ("127.9.8.7", "the whole network is loopback"),
        ("::1", "of IPv6"),
        ("[::1]", "as it stands in a URL"),
        ("::ffff:127.0.0.1", "an IPv4 address written as one of IPv6"),
        ("dev-api.shop.example", "the api of the chosen environment, whatever its port and path"),
        ("Dev-API.shop.example.", "names have no case, and may end with a dot"),
        ("dev-live.shop.example", "another URL of it"),
        ("auth.dev.example", "a URL in a table of it"),
        ("2001:0db8:0:0:0:0:0:7", "an address of IPv6 in a list of tables of it, written in full"),
        ("10.0.0.7", "a URL in a list of a list"),
        ("cdn.dev.example", "allowed by name"),
        ("192.0.2.1", "allowed by address"),
        ("stücke.example", "allowed by an international name"),
        ("xn--stcke-lva.example", "which is requested in this form"),
        ("img.shop.example", "allowed by a pattern"),
        ("a.b.shop.example", "however far below"),
        ("test.example", "of another environment that is not protected"),
        ("extra.test.example", "its list may be one text with commas"),
        ("x.deep.test.example", "its patterns hold, too"),
    ],
)
def test_may_be_sent_to(host: str, why: str) -> None:
    assert refusal(host) is None, why


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("example.com", "a foreign host"),
        ("shop.example", "a pattern covers names below, not the name itself"),
        ("evilshop.example", "nor names that only end alike"),
        ("b.example", "a mail address is no URL"),
        ("test.example.evil.example", "a known name in front"),
        ("localhost.evil.example", "localhost in front"),
        ("0.0.0.0", "no loopback address"),
        ("128.0.0.1", "beside loopback"),
        ("::ffff:10.0.0.8", "not that of DEV"),
        ("2001:db8::8", "not that of DEV"),
        ("xn--stcke-kvb.example", "another international name"),
        ("", "no host at all"),
    ],
)
def test_is_in_no_environment(host: str, why: str) -> None:
    text = refusal(host)
    assert text is not None, why
    name = canonical(host)
    assert text == (
        f"{name!r} is in no configured environment; "
        f"if load may go there, give environment 'DEV' allowed_hosts = [\"{name}\"]"
    )


@pytest.mark.parametrize(
    "host", ["api.shop.example", "live.shop.example", "API.shop.example.", "a.prod.example"]
)
def test_a_protected_environment_is_named_with_the_option_to_give(host: str) -> None:
    """Also where a pattern of the chosen environment covers its names."""
    assert refusal(host) == (
        f"{canonical(host)!r} belongs to environment 'PROD', which is protected: "
        "load on it needs --load-allow PROD"
    )
    assert refusal(host, allowed=("PROD",)) is None
    assert refusal(host, chosen="PROD") is None, "who has chosen it was asked before"
    assert refusal(host, allowed=("OTHER",)) is not None


@pytest.mark.parametrize(
    ("dev", "prod", "is_refused", "why"),
    [
        ({"api": "http://a.example"}, {"api": "http://a.example"}, False, "named by the chosen one itself"),
        ({"allowed_hosts": ["a.example"]}, {"api": "http://a.example"}, False, "allowed by name"),
        ({"allowed_hosts": ["*.example"]}, {"api": "http://a.example"}, True, "a name outranks a pattern"),
        ({"api": "http://a.example"}, {"allowed_hosts": ["*.example"]}, False, "here, too"),
        (
            {"allowed_hosts": ["*.example"]},
            {"allowed_hosts": ["*.example"]},
            False,
            "among equals the chosen",
        ),
    ],
)
def test_who_is_named_outranks_who_is_covered(
    dev: dict[str, Any], prod: dict[str, Any], is_refused: bool, why: str
) -> None:
    targets = Targets.of("DEV", {"PROD": {**prod, "protected": True}, "DEV": dev})
    assert (targets.refusal("a.example") is not None) is is_refused, why


def test_a_host_of_a_protected_and_of_an_open_environment_is_protected() -> None:
    shared = {"auth": "https://auth.example"}
    environments: dict[str, dict[str, Any]] = {
        "DEV": shared,
        "PROD": {**shared, "protected": True},
        "LOCAL": {},
    }
    targets = Targets.of("LOCAL", environments)
    assert "--load-allow PROD" in (targets.refusal("auth.example") or "")
    assert Targets.of("DEV", environments).refusal("auth.example") is None


def test_without_environments_only_this_machine_is_left() -> None:
    targets = Targets.of("", {"": {}})
    assert targets.refusal("localhost") is None
    assert targets.refusal("a.example") == (
        "'a.example' is in no configured environment; "
        "if load may go there, configure one: [tool.pytest-loadtest.environments.NAME]"
    )


def test_variables_that_are_not_looked_up_yet_name_no_host() -> None:
    """Those of environments that were not chosen."""
    other = {"api": "${API}", "auth": "https://${HOST}/", "cdn": "http://a.example/${X}"}
    targets = Targets.of("DEV", {"DEV": {}, "TEST": {**other, "allowed_hosts": ["${CDN}"]}})
    assert targets.refusal("a.example") is None
    assert targets.refusal("b.example") is not None


@pytest.mark.parametrize(
    "listed",
    [
        "https://a.example",
        ["https://a.example"],
        ["a.example:8080"],
        ["a.example/path"],
        ["user@a.example"],
        ["*"],
        ["*.*.example"],
        ["a.*.example"],
        ["*a.example"],
        ["*."],
        [".example"],
        ["*.::1"],
        ["[::1]:80"],
        ["a b"],
        [7],
        7,
        True,
        {"a.example": True},
    ],
    ids=repr,
)
def test_what_is_no_host_is_an_error_that_names_it(listed: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Targets.of("DEV", {"DEV": {"allowed_hosts": listed}})
    entry = listed[0] if isinstance(listed, list) else listed
    assert str(caught.value) == (
        f"environment 'DEV': allowed_hosts: {entry!r} is not a host such as "
        '"cdn.example.com", "10.0.0.7", or "*.example.org" for all names below it'
    )


# -- hosts of URLs: as the client will see them -------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "HTTP://A.Example/x",
        "https://a.example:8443/v1?x=http://b.example#http://c.example",
        "http://user:pass@a.example/",
        "http://user:p@ss@a.example/",
        "http://a.example@b.example",
        "http://b.example:80@a.example:81/",
        "http://[::1]:8080/",
        "http://u:p@[2001:db8::1]/",
        "http://127.0.0.1?x",
        "http://a.example#b.example",
        "http://a.example.",
        "http://straße.example/",
        "http://BÜCHER.example",
        "http://例え。テスト/",
        "http://xn--bcher-kva.example",
        "http://a_b.example",
        "wss://live.example/socket",
        "http://",
        "http:///path",
        "//a.example/path",
        "/path",
        "a.example/path",
        "",
    ],
)
def test_the_host_of_a_url_is_the_one_that_is_requested(url: str) -> None:
    parsed = httpx.URL(url)
    expected = parsed.raw_host.decode("ascii") if parsed.scheme else ""
    assert host_of(url) == canonical(expected)


@pytest.mark.parametrize(
    "url", ["http://a.example\\@b.example/", "http://a.example\t.b.example", "http://[::1"]
)
def test_an_odd_url_has_the_host_that_httpx_sees_or_one_that_nobody_can_request(url: str) -> None:
    try:
        requested = httpx.URL(url).raw_host.decode("ascii")
    except httpx.InvalidURL:
        return
    assert host_of(url) == canonical(requested) or not re.fullmatch(r"[\w.-]+", host_of(url))


def test_a_canonical_host_stays_as_it_is() -> None:
    for host in ("a.example", "xn--bcher-kva.example", "::1", "10.0.0.1", "fe80::1%eth0", ""):
        assert canonical(canonical(host)) == canonical(host) == host


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "a.localhost", "127.0.0.2", "::1")] == [True] * 4
    assert [is_loopback(host) for host in ("alocalhost", "::2", "126.0.0.1", "")] == [False] * 4
