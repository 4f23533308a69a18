"""A test's results as properties of its reports: JUnit files and other plugins look there.

Owns which reports have them. Their names are `report.junit`'s affair.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_loadtest.report.junit import properties_of
from pytest_loadtest.results.result import LoadResult

Properties = list[tuple[str, object]]
_told_key = pytest.StashKey[Properties]()


def tell_properties(item: pytest.Item, report: pytest.TestReport, results: Sequence[LoadResult]) -> None:
    """Put them into this report, and into the item for the later ones: the file is written from the last.

    They replace those of an earlier run of the test, and of its loads so far.
    """
    before = item.stash.get(_told_key, [])
    told: Properties = list(properties_of(results))
    for properties in (item.user_properties, report.user_properties):
        properties[:] = [each for each in properties if each not in before] + told
    item.stash[_told_key] = told
