"""The latest point of every series: what a scrape shows, and what a cumulative export repeats."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_loadtest.export.points import Batch, Key, Point, Values, key_of


class Latest:
    """Of one load or of several; `forget` a load when nobody asks for it any more."""

    def __init__(self) -> None:
        self._loads: dict[Values, dict[Key, Point]] = {}
        self._began_ns: dict[Values, int] = {}

    def take(self, batch: Batch) -> None:
        """Its points replace earlier ones of the same series; a test that is rerun begins anew."""
        if batch.began_ns > self._began_ns.setdefault(batch.common, batch.began_ns):
            self.forget(batch.common)
            self._began_ns[batch.common] = batch.began_ns
        load = self._loads.setdefault(batch.common, {})
        load.update((key_of(point), point) for point in batch.points)

    def forget(self, common: Values) -> None:
        """The load is over."""
        self._loads.pop(common, None)
        self._began_ns.pop(common, None)

    def points(self, common: Values) -> list[Point]:
        """Of one load."""
        return list(self._loads.get(common, {}).values())

    def all(self) -> Iterator[tuple[Values, Point]]:
        """Every series, with the common labels of its load."""
        for common, load in self._loads.items():
            for point in load.values():
                yield common, point
