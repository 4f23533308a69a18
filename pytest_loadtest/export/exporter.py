"""What an exporter is, and how one is made from its specification. Libraries are imported by what is used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export.points import Batch
from pytest_loadtest.export.spec import Spec


class ExportError(Exception):
    """A batch could not be delivered, and why."""


class Exporter(Protocol):
    """Used by one thread only. Whatever it raises is counted and told once, at the end."""

    def begin(self) -> None:
        """Before the first batch: bind, connect."""

    def export(self, batch: Batch) -> None:
        """Deliver it, or raise. May block as long as a time-out of some seconds."""

    def close(self) -> None:
        """Leave nothing open. May come without `begin`."""


def make_exporter(spec: Spec, *, port_offset: int = 0) -> Exporter:
    """Raises ConfigurationError if its library is not installed, or does not like what it is told.

    Processes of one session that listen each need a port of their own: `port_offset` tells them apart.
    """
    try:
        module = import_module(f"pytest_loadtest.export.{spec.kind}_exporter")
    except ImportError as error:
        raise missing_extra(spec.kind, error) from None
    make: Callable[..., Exporter] = module.make
    if spec.kind == "prometheus":
        return make(spec, port_offset)
    return make(spec)


def missing_extra(extra: str, error: ImportError) -> ConfigurationError:
    """What to install."""
    return ConfigurationError(
        f"--load-export {extra.partition('-')[0]}: its client library is not there ({error}): "
        f"pip install 'pytest-loadtest[{extra}]'"
    )
