"""Host names to addresses: once per host for all virtual users, off the loop's thread, in turn.

A load test must not become a load test of the name server. Must not know connections.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from time import perf_counter_ns
from typing import Final

DEFAULT_TTL_NS: Final = 300 * 1_000_000_000  # 5 min: as long as k6 keeps an address


class _Entry:
    """The addresses of one host. `turn` counts on from one look-up to the next, so that also a host that
    is looked up each time has all its addresses used."""

    __slots__ = ("addresses", "expires_ns", "turn")

    def __init__(self, addresses: list[str], expires_ns: int, turn: int) -> None:
        self.addresses = addresses
        self.expires_ns = expires_ns
        self.turn = turn

    def in_turn(self) -> list[str]:
        first = self.turn % len(self.addresses)
        self.turn += 1
        return self.addresses[first:] + self.addresses[:first]


class Resolver:
    """Gives the addresses of a host, rotated by one each time so that load spreads over all of them.

    With `ttl_ns` 0 each call looks up, but for calls at the same time, which share one look-up.
    """

    def __init__(self, ttl_ns: int = DEFAULT_TTL_NS) -> None:
        self._ttl_ns = ttl_ns
        self._known: dict[str, _Entry] = {}
        self._lookups: dict[str, asyncio.Future[list[str]]] = {}

    def __repr__(self) -> str:
        return f"<Resolver hosts={len(self._known)} lookups={len(self._lookups)}>"

    async def resolve(self, host: str) -> list[str]:
        """Every address of `host`, the one to try first in front. Raises socket.gaierror."""
        if _is_address(host):
            return [host]
        entry = self._known.get(host)
        if entry is None or entry.expires_ns <= perf_counter_ns():
            addresses = await self._look_up(host)
            entry = self._known.get(host)
            if entry is None or entry.expires_ns <= perf_counter_ns():
                turn = 0 if entry is None else entry.turn
                entry = self._known[host] = _Entry(addresses, perf_counter_ns() + self._ttl_ns, turn)
        return entry.in_turn()

    def demote(self, host: str, address: str) -> None:
        """`address` could not be connected to: it is not used until the next look-up, if there are others."""
        entry = self._known.get(host)
        if entry is not None and len(entry.addresses) > 1 and address in entry.addresses:
            entry.addresses.remove(address)

    async def _look_up(self, host: str) -> list[str]:
        """One look-up per host at a time; a caller that is cancelled does not take it from the others."""
        lookup = self._lookups.get(host)
        if lookup is None:
            loop = asyncio.get_running_loop()
            lookup = loop.run_in_executor(None, _addresses, host)
            self._lookups[host] = lookup
            lookup.add_done_callback(lambda done: self._looked_up(host, done))
        return await asyncio.shield(lookup)

    def _looked_up(self, host: str, done: asyncio.Future[list[str]]) -> None:
        self._lookups.pop(host, None)
        if not done.cancelled():
            done.exception()  # seen, even if every caller has gone


def _addresses(host: str) -> list[str]:
    """Blocking: runs in a worker thread. In the system's order (RFC 6724), each address once."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        socket.socket().close()  # without a socket to ask with, it says "unknown name": this says why
        raise
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
