"""The life of the platform's process: it starts, and it never outlives who started it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from perf_tests.demo_platform import Platform, PlatformError, running_platform

REPOSITORY = Path(__file__).parents[2]
WAIT_S = 20.0  # for something that takes under half a second


def wait_for_end(pidfd: int) -> None:
    """Wait until the process has ended; it need not be our child."""
    ready, _, _ = select.select([pidfd], [], [], WAIT_S)
    assert ready, f"the process still runs after {WAIT_S:.0f} s"


def refuses_connections(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a platform started in this test puts its database."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_nothing_is_left_after_the_context(folder: Path) -> None:
    with running_platform() as platform, httpx.Client(base_url=platform.api) as client:
        assert client.get("/health").status_code == 200  # and the connection stays open
        (database,) = folder.glob("demo-platform-*/platform.sqlite3")
        assert database.stat().st_size > 0
    with pytest.raises(ProcessLookupError):
        os.kill(platform.pid, 0)
    assert refuses_connections(platform.api)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_it_ends_when_its_user_fails(folder: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), running_platform() as platform:
        raise error
    assert refuses_connections(platform.api)
    assert list(folder.iterdir()) == []


PARENT = """
import sys
from perf_tests.demo_platform import running_platform
with running_platform() as platform:
    print(platform.pid, platform.api, flush=True)
    sys.stdin.read()
"""


def test_it_ends_when_its_parent_is_killed(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        pidfd = os.pidfd_open(int(pid))
        try:
            assert httpx.get(f"{url}/health").status_code == 200
            parent.send_signal(signal.SIGKILL)
            wait_for_end(pidfd)
        finally:
            os.close(pidfd)
    assert refuses_connections(url)
    assert list(folder.iterdir()) == []


def test_it_goes_on_after_ctrl_c(platform: Platform, api: httpx.Client) -> None:
    os.kill(platform.pid, signal.SIGINT)
    assert api.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, "exit status 0"), (signal.SIGKILL, "exit status -9")]
)
def test_an_end_during_the_run_is_an_error(folder: Path, number: signal.Signals, status: str) -> None:
    with pytest.raises(PlatformError, match=f"ended while it was in use; {status}"):
        end_a_platform_in_use(number)


def end_a_platform_in_use(number: signal.Signals) -> None:
    with running_platform() as platform:
        pidfd = os.pidfd_open(platform.pid)
        try:
            os.kill(platform.pid, number)
            wait_for_end(pidfd)
        finally:
            os.close(pidfd)


def test_what_kept_it_from_starting_is_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "nonsense")
    with pytest.raises(PlatformError) as raised, running_platform():
        pytest.fail("it started")  # pragma: no cover
    assert "the demo platform did not start" in str(raised.value)
    assert "exit status 1" in str(raised.value)
    assert "PYTHONHASHSEED must be" in str(raised.value)


def test_two_platforms_do_not_know_each_others_keys(platform: Platform, api: httpx.Client) -> None:
    with running_platform() as other:
        assert other.api != platform.api
        headers = {"apikey": other.supabase_anon_key}
        assert httpx.get(f"{other.api}/rest/v1/", headers=headers).status_code == 200
        assert api.get("/rest/v1/", headers=headers).status_code == 401


def test_secrets_are_not_shown(platform: Platform) -> None:
    url = platform.api
    assert repr(platform) == f"Platform(api={url!r}, supabase_url={url!r}, pid={platform.pid})"


@contextmanager
def in_the_foreground(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command's process, and what it says about itself; ended in any case."""
    with subprocess.Popen(
        [sys.executable, "-m", "perf_tests.demo_platform", "--port", "0", *options],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            yield process, {line[:13].strip(): line[13:].strip() for line in lines}
        finally:
            process.kill()


def test_in_the_foreground_ctrl_c_ends_it(folder: Path) -> None:
    with in_the_foreground() as (process, said):
        assert said["API"] == said["Supabase"]
        answer = httpx.get(f"{said['API']}/rest/v1/", headers={"apikey": said["anon key"]})
        assert answer.status_code == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, errors) == (0, "")
    assert list(folder.iterdir()) == []


def test_in_the_foreground_supabase_may_have_a_port_of_its_own(folder: Path) -> None:
    with in_the_foreground("--supabase-port", "0", "--token-lifetime", "90") as (_, said):
        assert said["API"] != said["Supabase"]
        session = httpx.post(
            f"{said['Supabase']}/auth/v1/token?grant_type=password",
            headers={"apikey": said["service key"]},
            json={"email": "loadtest4@example.com", "password": "loadtest-demo-password"},
        ).json()
        assert session["expires_in"] == 90
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        assert httpx.get(f"{said['API']}/api/credits", headers=headers).json() == {"credits": 10_000}


def test_in_the_foreground_a_taken_port_is_a_usage_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "-m", "perf_tests.demo_platform", "--port", str(port)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )
    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
