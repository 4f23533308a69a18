"""Sessions renewed beside a load, each in its time. It does not know how a session is made."""

from __future__ import annotations

import time
from collections import Counter

from pytest_loadtest.auth.advice import Advice
from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.failures import SignInError
from pytest_loadtest.auth.schedule import renewal_time, retry_time
from pytest_loadtest.auth.sessions import Sessions
from pytest_loadtest.auth.side_by_side import side_by_side
from pytest_loadtest.auth.signing_in import SigningIn
from pytest_loadtest.errors import TokenError

# Sessions that are due within this share of their life are renewed together: one look at the file for all.
_TOGETHER = 0.01


class Renewals:
    """The renewals of a pool's first sessions, until cancelled."""

    def __init__(
        self, sessions: Sessions, signing_in: SigningIn, clock: Clock, advice: Advice, at_once: int
    ) -> None:
        self._sessions = sessions
        self._signing_in = signing_in
        self._clock = clock
        self._advice = advice
        self._at_once = at_once
        self._due_s: dict[int, float] = {}
        self._failures: Counter[int] = Counter()

    async def run(self, count: int) -> None:
        """Renew the first `count` sessions, again and again. Raises TokenError when one is lost."""
        self._due_s = {index: self._next_s(index, count) for index in range(count)}
        while True:
            first = min(self._due_s, key=self._due_s.__getitem__)
            await self._clock.sleep(max(0.0, self._due_s[first] - self._clock.now_s()))
            session = self._sessions[first]
            until_s = self._clock.now_s() + _TOGETHER * (session.expires_at_s - session.made_at_s)
            await self._renew_those_due([index for index, due_s in self._due_s.items() if due_s <= until_s])

    def _next_s(self, index: int, count: int) -> float:
        session = self._sessions[index]
        return renewal_time(index, count, session.made_at_s, session.expires_at_s)

    async def _renew_those_due(self, indices: list[int]) -> None:
        began_ns = time.perf_counter_ns()
        before = {index: self._sessions[index] for index in indices}
        async with self._sessions.shared():
            # What is no longer the same has been renewed by another process.
            due = [index for index in indices if self._sessions[index] is before[index]]
            await side_by_side(due, self._renew, self._at_once)
        for index in indices:
            if self._sessions[index] is not before[index]:
                self._due_s[index] = self._next_s(index, len(self._due_s))
                del self._failures[index]
        self._signing_in.measured.time_ns += time.perf_counter_ns() - began_ns

    async def _renew(self, index: int) -> None:
        user, session = self._sessions.user(index), self._sessions[index]
        try:
            self._sessions.put(index, await self._signing_in.session_once(user, session))
        except SignInError as failure:
            error = self._put_off(index, failure)
        else:
            return
        if error is not None:
            raise error

    def _put_off(self, index: int, failure: SignInError) -> TokenError | None:
        """Until the next try; an error when the token has expired by now."""
        now_s, expires_at_s = self._clock.now_s(), self._sessions[index].expires_at_s
        if now_s >= expires_at_s:
            return self._advice.lost(self._sessions.user(index).email, failure.reason)
        self._failures[index] += 1
        self._due_s[index] = retry_time(self._failures[index], now_s, expires_at_s)
        return None
