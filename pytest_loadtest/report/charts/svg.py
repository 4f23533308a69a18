"""A picture as SVG to stand in a page: drawn by vl-convert, then freed of what a still picture does not need.

What comes out has no script, no id and no style sheet, a role, a title and a description, and is as wide as
its place. vl-convert is imported only here, when a picture is drawn: it brings a JavaScript engine (110 MB).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from xml.etree import ElementTree

from pytest_loadtest.core.printable import printable
from pytest_loadtest.report.charts.looks import FONT
from pytest_loadtest.report.charts.picture import Picture

_SVG = "{http://www.w3.org/2000/svg}"
# Of Vega's own bookkeeping, for screen readers that read marks one by one, and of pointers.
_NEEDLESS = frozenset(
    {"aria-hidden", "aria-label", "aria-roledescription", "role", "class", "pointer-events", "font-family"}
)
_DEFAULTS = {"opacity": "1", "stroke-width": "1", "fill-opacity": "1", "text-anchor": "start"}
_SIMPLE = re.compile(r"-?\d+\.\d{2,}")


def can_draw() -> bool:
    """Whether vl-convert is installed."""
    return find_spec("vl_convert") is not None


def svg_of(picture: Picture) -> str:
    """The picture, to be put into a page as it is."""
    import vl_convert

    return cleaned(vl_convert.vegalite_to_svg(picture.complete), picture.title, picture.description)


def cleaned(svg: str, title: str, description: str) -> str:
    """Vega's SVG as one that a page can bear."""
    root = ElementTree.fromstring(svg)
    _prune(root)
    for element in root.iter():
        _strip(element)
        if element.tag == f"{_SVG}text" and element.get("stroke"):
            element.set("paint-order", "stroke")  # a halo lies behind its text
    box = root.get("viewBox", "")
    words = [_element("title", title), _element("desc", description)]
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "font-family": FONT, "class": "loadtest-picture"})
    root[:0] = words
    return _serialised(root)


def _element(name: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(f"{_SVG}{name}")
    element.text = printable(text)
    return element


def _prune(element: ElementTree.Element) -> None:
    """Leave out what is not seen: groups without anything in them, paths without ink."""
    for child in list(element):
        _prune(child)
        if _is_empty(child):
            element.remove(child)


def _is_empty(element: ElementTree.Element) -> bool:
    if element.tag == f"{_SVG}g":
        return not len(element)
    if element.tag == f"{_SVG}path":
        unseen = element.get("class") in ("background", "foreground")
        return unseen and element.get("stroke") is None and element.get("fill") is None
    return False


def _strip(element: ElementTree.Element) -> None:
    for key, value in list(element.attrib.items()):
        if key in _NEEDLESS or _DEFAULTS.get(key) == value:
            del element.attrib[key]
        elif key in ("d", "transform"):
            element.set(key, _SIMPLE.sub(_short, value))


def _short(match: re.Match[str]) -> str:
    """A tenth of a pixel is less than anybody sees."""
    return f"{float(match[0]):.1f}".removesuffix(".0")


def _serialised(root: ElementTree.Element) -> str:
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)  # in HTML, SVG needs no namespace
    for parent, child in _nested_groups(root):
        parent.attrib.update(child.attrib)
        parent[:] = list(child)
    return ElementTree.tostring(root, encoding="unicode")


def _nested_groups(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, ElementTree.Element]]:
    """Groups that have nothing but a group, where both together say no more than one can."""
    for element in root.iter("g"):
        while len(element) == 1 and element[0].tag == "g" and not element.attrib.keys() & element[0].keys():
            yield element, element[0]
