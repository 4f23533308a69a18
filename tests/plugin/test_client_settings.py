"""From an environment's values to the settings of its clients: what each may be, what is said of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.core.environment import Environment
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.plugin.client_settings import client_settings

S = 1_000_000_000


def test_without_values_all_is_as_by_default() -> None:
    assert client_settings(Environment("DEV", {})) == ClientSettings()


def test_keys_of_the_user_change_nothing() -> None:
    assert client_settings(Environment("DEV", {"service_key": "x", "max_bodies": 1})) == ClientSettings()


@pytest.mark.parametrize(
    ("key", "value", "setting", "expected"),
    [
        ("api", "https://a.example/v1", "base_url", "https://a.example/v1"),
        ("timeout", "20s", "timeout_ns", 20 * S),
        ("connect_timeout", 2, "connect_timeout_ns", 2 * S),
        ("follow_redirects", True, "follow_redirects", True),
        ("max_redirects", 0, "max_redirects", 0),
        ("max_redirects", "3", "max_redirects", 3),
        ("max_connections_per_host", 100, "max_connections_per_host", 100),
        ("max_body", "1GiB", "max_body_bytes", 2**30),
        ("max_body", 5000, "max_body_bytes", 5000),
        ("dns_ttl", "10s", "dns_ttl_ns", 10 * S),
        ("dns_ttl", 0, "dns_ttl_ns", 0),
        ("verify", False, "verify", False),
        ("proxy", "http://p.example:3128", "proxy", "http://p.example:3128"),
        ("no_proxy", ["localhost", "a.example"], "no_proxy", ("localhost", "a.example")),
        ("no_proxy", "localhost, .a.example,", "no_proxy", ("localhost", ".a.example")),
        ("no_proxy", "", "no_proxy", ()),
        ("unix_socket", "/run/x.sock", "unix_socket", "/run/x.sock"),
        ("http2", True, "http2", True),
    ],
)
def test_a_value_becomes_a_setting(key: str, value: Any, setting: str, expected: Any) -> None:
    settings = client_settings(Environment("DEV", {key: value}))
    assert settings == ClientSettings(**{setting: expected})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_redirects": -1}, "max_redirects: -1 is not a whole number, 0 or more"),
        (
            {"max_connections_per_host": 0},
            "max_connections_per_host: 0 is not a whole number, 1 or more",
        ),
        ({"max_body": "64M"}, 'max_body: \'64M\' is not a size such as "64MiB", "500kB"'),
        ({"max_body": 0}, "max_body: 0 is not a size"),
        ({"dns_ttl": "5 minutes"}, "dns_ttl: '5 minutes' is not a duration such as"),
        ({"proxy": 3128}, "proxy: 3128 is not a URL such as http://proxy.example.com:3128"),
        ({"proxy": "localhost:3128"}, "proxy: 'localhost:3128' is not a URL such as http://proxy"),
        ({"proxy": "socks5://localhost"}, "proxy: socks5:// proxies are not supported"),
        ({"proxy": "https://localhost"}, "proxy: https:// proxies are not supported"),
        ({"no_proxy": 3}, 'no_proxy: 3 is not a list of hosts such as ["localhost"]'),
        ({"no_proxy": ["a.example", 3]}, "no_proxy: ['a.example', 3] is not a list of hosts"),
        ({"no_proxy": ["a.example:80"]}, "no_proxy: 'a.example:80' is not a host such as"),
        ({"no_proxy": "10.0.0.0/8"}, "no_proxy: '10.0.0.0/8' is not a host such as"),
        ({"unix_socket": ""}, "unix_socket: '' is not a path"),
        ({"unix_socket": True}, "unix_socket: True is not a path"),
        ({"unix_socket": "/run/x", "proxy": "http://p.example"}, "unix_socket and proxy at once"),
        ({"http2": "yes"}, "http2: 'yes' is neither true nor false"),
        (
            {"verify": "/nowhere.pem"},
            "verify: the authorities in '/nowhere.pem' cannot be used: no such file",
        ),
        ({"cert": "/nowhere.pem"}, "cert: the client certificate's file '/nowhere.pem': No such file"),
        ({"cert": []}, "cert: neither a path of certificate and key, nor a list of two paths"),
        ({"cert": ["a", "b", "c", "d"]}, "cert: neither a path"),
        ({"cert": ["a", 7]}, "cert: neither a path"),
        ({"cert": 7}, "cert: neither a path"),
    ],
)
def test_what_a_setting_cannot_be_is_said_with_what_it_can(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_settings(Environment("DEV", values))
    assert str(caught.value).startswith("environment 'DEV': ")
    assert message in str(caught.value)


def test_a_password_is_shown_neither_in_errors_nor_in_settings(tmp_path: Path) -> None:
    secret = "unspeakable-w0rd"
    file = tmp_path / "client.pem"
    file.write_text("no certificate")
    for values in (
        {"proxy": f"http://user:{secret}@p.example/path"},
        {"proxy": f"socks5://user:{secret}@p.example"},
        {"cert": [str(file), str(file), secret]},
        {"cert": [str(file), str(file), secret, "more"]},
    ):
        with pytest.raises(ConfigurationError) as caught:
            client_settings(Environment("DEV", values))
        assert secret not in str(caught.value)
    settings = client_settings(Environment("DEV", {"proxy": f"http://user:{secret}@p.example"}))
    assert secret not in repr(settings)
