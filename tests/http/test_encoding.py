"""What is written without httpx is what httpx would write, for any input; changes of defaults are seen."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_loadtest.http.encoding import HeaderBlocks, ObservedHeaders, encode_query, encode_request
from pytest_loadtest.http.routes import MAX_ROUTES, RouteTable
from pytest_loadtest.http.wire.origin import Origin, Origins

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(st.dictionaries(texts, st.one_of(texts, st.integers())))
def test_a_query_is_that_of_httpx(params: dict[str, Any]) -> None:
    expected = httpx.Request("GET", "http://h/", params=params).url.query.decode("ascii")
    assert encode_query(params) == expected


@given(st.dictionaries(texts, st.sampled_from([True, None, 1.5, [1], (), b"x"]), min_size=1))
def test_other_values_are_left_to_httpx(params: dict[str, Any]) -> None:
    assert encode_query(params) is None


PATH_CHARACTERS = "abzAZ09-._~!$&'()*+,;=:@/%? #\"<>å{}|\\^`[]"
# Made once: a client with verification loads the certificate authorities, which takes 40 ms.
CLIENTS = {
    base_path: httpx.AsyncClient(base_url="http://h:1" + base_path, trust_env=False, verify=False)
    for base_path in ("", "/v1", "/v1/")
}


@given(st.text(PATH_CHARACTERS, max_size=12), st.sampled_from(list(CLIENTS)))
def test_a_request_line_is_that_of_httpx(path: str, base_path: str) -> None:
    base_url = "http://h:1" + base_path
    try:
        url = CLIENTS[base_path].build_request("GET", path).url
    except httpx.InvalidURL:
        return
    if url.host != "h":
        return
    route = RouteTable(base_url, Origins()).get("GET", path)
    assert route.line == b"GET %b HTTP/1.1\r\n" % url.raw_path
    assert route.is_plain == (not url.fragment and not url.userinfo)


def test_routes_are_bounded() -> None:
    table = RouteTable("http://h", Origins())
    for number in range(MAX_ROUTES + 10):
        table.get("GET", f"/x/{number}")
    assert f"routes={10}" in repr(table)


def test_header_blocks_follow_every_change_of_the_defaults() -> None:
    headers = ObservedHeaders({"A": "1"})
    blocks = HeaderBlocks(headers)
    origin = Origin("http", "h", 80, "h")

    def block(extra: dict[str, str] | None = None) -> bytes:
        return blocks.get(origin, extra).ended

    assert block() == b"Host: h\r\nA: 1\r\n\r\n"
    headers["A"] = "2"
    assert block() == b"Host: h\r\nA: 2\r\n\r\n"
    headers.update({"B": "3"})
    assert block() == b"Host: h\r\nA: 2\r\nB: 3\r\n\r\n"
    del headers["a"]
    assert block({"C": "4"}) == b"Host: h\r\nB: 3\r\nC: 4\r\n\r\n"
    headers.setdefault("D", "5")
    assert block({"C": "4"}) == b"Host: h\r\nB: 3\r\nD: 5\r\nC: 4\r\n\r\n"
    headers.pop("D")
    headers.clear()
    assert block() == b"Host: h\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "framed"),
    [
        ({"Transfer-Encoding": "chunked"}, b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ({"Transfer-Encoding": "chunked", "Content-Length": "3"}, b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ({"Content-Length": "3"}, b"\r\n\r\nabc"),
    ],
)
def test_a_body_is_framed_as_its_fields_say(headers: dict[str, str], framed: bytes) -> None:
    """Beside a Transfer-Encoding a Content-Length does not count: what follows would be another request."""
    request = httpx.Request("POST", "http://h/", content=b"abc", headers=headers)
    sent = asyncio.run(encode_request(request, Origins().of(request.url)))
    assert sent.endswith(framed)


@pytest.mark.parametrize("length", ["abc", "-1", "3, 3", ""])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    request = httpx.Request("POST", "http://h/", content=b"abc", headers={"Content-Length": length})
    with pytest.raises(httpx.LocalProtocolError, match="bad Content-Length"):
        asyncio.run(encode_request(request, Origins().of(request.url)))
