"""The real supabase package against a service that fails: what is waited for, what is final."""

from __future__ import annotations

import asyncio
import socket
import threading
import traceback

import pytest

from pytest_loadtest.auth import SupabaseTokens
from pytest_loadtest.errors import TokenError
from tests.auth.clocks import JumpingClock
from tests.auth.fake_supabase import Answer, Supabase, fake_supabase, session
from tests.ports import refusing_port

ANON_KEY = "anon-key-of-the-project"
SERVICE_KEY = "service-key-of-the-project"
PASSWORD = "the-password-of-all"
PATIENCE_S = 30  # with what should come at once
HANGING_S = 0.4  # with what never comes; what comes after it must be faster
GATEWAY = {"message": "Invalid API key", "hint": "Double check your API key."}


def pool_at(supabase: Supabase, time: JumpingClock, **options: object) -> SupabaseTokens:
    given = {"users": "user{1..3}@example.com", "password": PASSWORD, "cache": False, "timeout": PATIENCE_S}
    return SupabaseTokens(supabase.url, ANON_KEY, clock=time.clock(), **given | options)  # type: ignore[arg-type]  # any


def test_429_with_seconds_is_waited_for() -> None:
    throttled = Answer(429, {"msg": "Request rate limit reached"}, {"Retry-After": "17"})
    time = JumpingClock()
    with fake_supabase(throttled) as supabase:
        pool = pool_at(supabase, time)
        asyncio.run(pool.prepare(1, valid_for_s=10))
    assert max(time.waits) == 17
    assert (pool.authentication.attempts, pool.authentication.throttled) == (2, 1)
    assert pool.token(1).access_token == "access-token-2"


def test_429_with_a_date_is_waited_for_by_the_services_clock() -> None:
    throttled = Answer(429, {"msg": "slow down"}, {"Retry-After": "Thu, 01 Jan 2026 00:00:42 GMT"})
    time = JumpingClock()
    with fake_supabase(throttled) as supabase:
        asyncio.run(pool_at(supabase, time).prepare(1, valid_for_s=10))
    assert max(time.waits) == 42


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(500, {"msg": "Database error"}), id="500 in JSON"),
        pytest.param(Answer(500, b"<html>oops</html>", {"Content-Type": "text/html"}), id="500 in HTML"),
        pytest.param(Answer(502, b""), id="502 without a body"),
        pytest.param(Answer(503, {"message": "no server"}), id="503"),
        pytest.param(Answer(504, b"not json"), id="504"),
        pytest.param(Answer(408, {"msg": "too slow"}), id="408"),
        pytest.param(Answer(hangs=True), id="no answer"),
    ],
)
def test_what_may_pass_is_tried_again(answer: Answer) -> None:
    time = JumpingClock()
    with fake_supabase(answer, answer) as supabase:
        pool = pool_at(supabase, time, timeout=HANGING_S if answer.hangs else PATIENCE_S)
        asyncio.run(pool.prepare(1, valid_for_s=10))
        assert len(supabase.requests) == 3
    first, second = (wait for wait in time.waits if wait)
    assert 0.5 <= first <= 1.5
    assert 1 <= second <= 2
    assert pool.authentication.successes == 1


@pytest.mark.parametrize(
    ("answer", "tries", "reason"),
    [
        pytest.param(
            Answer(503, {"message": "no server"}),
            5,
            "status 503, no server. It was tried 5 times: is the service up",
            id="a service that is down",
        ),
        pytest.param(
            Answer(hangs=True), 5, "no answer within 0.4 s. It was tried 5 times", id="a service that hangs"
        ),
        pytest.param(
            Answer(429, {"msg": "slow down"}, {"Retry-After": "1"}),
            8,
            "status 429, slow down. After 8 tries it still says so: set a lower `rate`",
            id="429 for ever",
        ),
        pytest.param(
            Answer(429, {"msg": "slow down"}, {"Retry-After": "3600"}),
            1,
            "it asks to wait 1h",
            id="a wait that is too long",
        ),
        pytest.param(
            Answer(400, {"error_code": "invalid_credentials", "msg": "Invalid login credentials"}),
            1,
            "Either the password is wrong, or the user does not exist: make-tokens --create makes",
            id="wrong credentials",
        ),
        pytest.param(
            Answer(400, {"error": "invalid_grant", "error_description": "Invalid login credentials"}),
            1,
            "Either the password is wrong, or the user does not exist",
            id="wrong credentials, as older versions say it",
        ),
        pytest.param(
            Answer(401, GATEWAY),
            1,
            "status 401, Invalid API key. Supabase refuses the anon key; is anon_key that of this project",
            id="a refused anon key",
        ),
        pytest.param(
            Answer(404, b"<html>nginx</html>"),
            1,
            "status 404. Is the url that of a Supabase project",
            id="404",
        ),
        pytest.param(
            Answer(302, b"", {"Location": "https://elsewhere.invalid/login"}),
            1,
            "redirected to https://elsewhere.invalid/login",
            id="a redirect is not followed",
        ),
        pytest.param(Answer(200, b"<html>hello</html>"), 1, "not one of Supabase's", id="200 and HTML"),
        pytest.param(Answer(200, b""), 1, "not one of Supabase's", id="200 and nothing"),
        pytest.param(Answer(200, [1, 2]), 1, "not one of Supabase's", id="200 and a list"),
        pytest.param(
            Answer(200, {"access_token": "access-token-x"}), 1, "not one of Supabase's", id="half a session"
        ),
        pytest.param(
            Answer(200, session(1)["user"]), 1, "the answer has no session", id="a user without a session"
        ),
        pytest.param(
            Answer(200, session(1, access_token="split\r\nin two")),
            1,
            "the answer has no session with tokens",
            id="a token that no header can carry",
        ),
    ],
)
def test_what_cannot_be_had_is_an_error_that_says_why(answer: Answer, tries: int, reason: str) -> None:
    with fake_supabase(*[answer] * tries) as supabase:
        timeout = HANGING_S if answer.hangs else PATIENCE_S
        pool = pool_at(supabase, JumpingClock(), at_once=1, command="make-tokens", timeout=timeout)
        with pytest.raises(TokenError) as raised:
            asyncio.run(pool.prepare(3, valid_for_s=10))
        assert len(supabase.requests) == tries, "the other users are not tried"
    message = str(raised.value)
    assert message.startswith(f"user1@example.com cannot sign in at {supabase.url}: ")
    assert reason in message
    shown = "".join(traceback.format_exception(raised.value))
    for secret in (ANON_KEY, PASSWORD, "access-token", "refresh-token", "split"):
        assert secret not in shown
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_one_that_is_refused_stops_the_others() -> None:
    refused = Answer(400, {"error_code": "invalid_credentials", "msg": "Invalid login credentials"})
    with fake_supabase(*[Answer(hangs=True)] * 3, refused) as supabase:
        pool = pool_at(supabase, JumpingClock(), users="user{1..100}@example.com", at_once=4)
        with pytest.raises(TokenError, match="Invalid login credentials"):
            asyncio.run(pool.prepare(100, valid_for_s=10))
        assert len(supabase.requests) == 4, "those under way were ended, no more were begun"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            Answer(403, {"error_code": "not_admin", "msg": "User not allowed"}),
            "refuses the service key; is service_key that of this project",
            id="not the service key",
        ),
        pytest.param(Answer(401, GATEWAY), "Supabase refuses the service key", id="no key of this project"),
        pytest.param(
            Answer(
                422,
                {
                    "error_code": "weak_password",
                    "msg": "Password should be longer",
                    "weak_password": {"reasons": ["length"]},
                },
            ),
            "cannot be created at",
            id="a password that it does not like",
        ),
    ],
)
def test_a_user_who_cannot_be_created(answer: Answer, reason: str) -> None:
    with fake_supabase(answer) as supabase:
        pool = pool_at(supabase, JumpingClock(), create=True, service_key=SERVICE_KEY)
        with pytest.raises(TokenError) as raised:
            asyncio.run(pool.prepare(1, valid_for_s=10))
        assert [path for path, _ in supabase.requests] == ["/auth/v1/admin/users"]
    assert reason in str(raised.value)
    assert SERVICE_KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "exists",
    [
        Answer(422, {"error_code": "email_exists", "msg": "A user with this email has been registered"}),
        Answer(422, {"msg": "A user with this email address has already been registered"}),
    ],
)
def test_a_user_that_exists_is_fine_but_then_the_password_must_be_right(exists: Answer) -> None:
    refused = Answer(400, {"error_code": "invalid_credentials", "msg": "Invalid login credentials"})
    with fake_supabase(exists, refused) as supabase:
        pool = pool_at(supabase, JumpingClock(), create=True, service_key=SERVICE_KEY)
        with pytest.raises(TokenError, match="The user exists, so its password is not the one"):
            asyncio.run(pool.prepare(1, valid_for_s=10))
    assert pool.authentication.created == 0


def test_nobody_listens() -> None:
    with refusing_port() as port:
        pool = pool_at(Supabase(f"http://127.0.0.1:{port}"), JumpingClock())
        with pytest.raises(TokenError, match=r"ConnectError: .*\. It was tried 5 times: is the service up"):
            asyncio.run(pool.prepare(1, valid_for_s=10))


def test_an_address_that_does_not_speak_http() -> None:
    """It is tried again: a proxy in front of a service that restarts does that too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)

        def speak() -> None:
            for _ in range(5):
                connection = listener.accept()[0]
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        pool = pool_at(Supabase(f"http://127.0.0.1:{listener.getsockname()[1]}"), JumpingClock(), at_once=1)
        with pytest.raises(TokenError, match=r"ReadError|RemoteProtocolError"):
            asyncio.run(pool.prepare(1, valid_for_s=10))
        thread.join()


def test_nothing_is_left_behind() -> None:
    """No task that refreshes, no open connection (pytest makes an error of one)."""

    async def scenario(pool: SupabaseTokens) -> set[str]:
        await pool.prepare(3, valid_for_s=10)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        return {task.get_name() for task in tasks}

    with fake_supabase() as supabase:
        assert asyncio.run(scenario(pool_at(supabase, JumpingClock()))) == set()
