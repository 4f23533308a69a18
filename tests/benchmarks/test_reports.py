"""The generators' own reports, as those print them, are read right; what is no report is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.measurement import OwnReport
from benchmarks.reports import check_package, read_hey, read_k9, read_locust, read_loop, read_wrk

WRK = """Running 5s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  77940 requests in 1.10s, 24.38MB read
{extra}Requests/sec:  70752.47
"""
HEY = """
Summary:
  Total:\t1.0031 secs
  Requests/sec:\t25797.0121

Response time histogram:
  0.000 [1]\t|
  0.002 [14826]\t|##

Status code distribution:
{statuses}
"""


def k9(requests: int, failed_checks: int, failed_requests: int) -> str:
    metrics = {
        "http_reqs": {"count": float(requests), "rate": requests / 2.0},
        "http_req_failed": {"passes": failed_requests, "fails": requests - failed_requests},
        "checks": {"passes": 2 * requests - failed_checks, "fails": failed_checks},
    }
    return json.dumps({"root_group": {}, "metrics": metrics})


def locust(*entries: tuple[int, int, float, float]) -> str:
    keys = ("num_requests", "num_failures", "start_time", "last_request_timestamp")
    return json.dumps([dict(zip(keys, entry, strict=True)) for entry in entries])


LOOP = '{"requests": 98068, "seconds": 4.5, "failed_checks": 0}'


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        pytest.param(read_wrk, WRK.format(extra=""), (77940, 1.1, 0), id="wrk's count and time"),
        pytest.param(
            read_wrk, WRK.format(extra="").replace("1.10s", "1.50m"), (77940, 90, 0), id="in minutes"
        ),
        pytest.param(
            read_wrk,
            WRK.format(extra="  Non-2xx or 3xx responses: 12\n"),
            (77940, 1.1, 12),
            id="wrk's bad statuses are failures",
        ),
        pytest.param(
            read_wrk,
            WRK.format(extra="  Socket errors: connect 1, read 2, write 3, timeout 4\n"),
            (77940, 1.1, 10),
            id="wrk's socket errors are failures",
        ),
        pytest.param(
            read_hey,
            HEY.format(statuses="  [200]\t25876 responses"),
            (25876, 1.0031, 0),
            id="hey's responses, not its histogram",
        ),
        pytest.param(
            read_hey,
            HEY.format(
                statuses="  [200]\t10 responses\n  [403]\t5 responses\n\nError distribution:\n  [4]\tGet x"
            ),
            (15, 1.0031, 9),
            id="hey's other statuses and errors are failures",
        ),
        pytest.param(read_k9, k9(13766, 0, 0), (13766, 2.0, 0), id="k9's count, time from its rate"),
        pytest.param(
            read_k9, k9(100, 3, 2), (100, 2.0, 5), id="k9's failed checks and requests are failures"
        ),
        pytest.param(
            read_locust,
            locust((5118, 0, 100.0, 104.5), (10, 1, 99.5, 103.0)),
            (5128, 5.0, 1),
            id="Locust's entries together, from the first start to the last request",
        ),
        pytest.param(read_loop, f"noise\n{LOOP}\n", (98068, 4.5, 0), id="a loop's last line of JSON"),
    ],
)
def test_a_report_is_read(
    read: Callable[[str], OwnReport], text: str, expected: tuple[int, float, int]
) -> None:
    report = read(text)
    assert (report.requests, report.seconds, report.failed) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        pytest.param(read_wrk, "unable to connect to 127.0.0.1:1 Connection refused", id="wrk"),
        pytest.param(read_hey, "unexpected EOF", id="hey"),
        pytest.param(read_k9, json.dumps({"metrics": {}}), id="k9 without requests"),
        pytest.param(read_locust, "[]", id="Locust without requests"),
        pytest.param(read_loop, "Traceback (most recent call last):", id="a loop that raised"),
    ],
)
def test_what_is_no_report_is_an_error(read: Callable[[str], OwnReport], text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


HEADER = "==== test session starts ====\npytest_loadtest from {folder}\nplugins: loadtest\n"


def test_the_package_of_the_right_checkout_is_accepted() -> None:
    check_package(HEADER.format(folder="/earlier/pytest_loadtest"), Path("/earlier"))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        pytest.param(
            HEADER.format(folder="/work/pytest_loadtest"), "it imported /work/pytest_loadtest", id="another's"
        ),
        pytest.param("==== test session starts ====", "no .* in what it printed", id="not said"),
    ],
)
def test_another_package_than_the_checkouts_is_refused(output: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_package(output, Path("/earlier"))
