"""Default request names: identifiers folded, everything else kept."""

import pytest

from pytest_loadtest.http.naming import default_name

ROWS = [
    ("/api/things", "/api/things"),
    ("/api/things/42", "/api/things/{id}"),
    ("/api/things/42/parts/7", "/api/things/{id}/parts/{id}"),
    ("/1/2/3", "/{id}/{id}/{id}"),
    ("/42/", "/{id}/"),
    ("/things/550e8400-e29b-41d4-a716-446655440000", "/things/{id}"),
    ("/things/550E8400-E29B-41D4-A716-446655440000/x", "/things/{id}/x"),
    ("/things/507f1f77bcf86cd799439011", "/things/{id}"),
    ("/things/deadbeef", "/things/deadbeef"),
    ("/v2/things", "/v2/things"),
    ("/things/a-42", "/things/a-42"),
    ("/", "/"),
]


@pytest.mark.parametrize(("path", "folded"), ROWS)
def test_default_name(path: str, folded: str) -> None:
    assert default_name("GET", path) == f"GET {folded}"


def test_another_origin_stands_first() -> None:
    assert default_name("POST", "/x/1", "http://h:1") == "POST http://h:1/x/{id}"
