"""The template engine: jinja2, which escapes every text put into a page, and fails on unknown names."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_loadtest.core.printable import printable
from pytest_loadtest.report.names import words_of


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pytest_loadtest.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


def _breakable(name: str) -> Markup:
    """A name as it may be shown, broken between its words, where it must be broken at all."""
    return Markup("<wbr>").join(words_of(printable(name)))


def rendered(template: str, **values: Any) -> str:
    """A template with these values."""
    return _environment().get_template(template).render(values)


def source_of(file: str) -> str:
    """A file beside the templates, as it is."""
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, file)[0]
