"""HTML as tests look at it: parsed as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset({"meta", "br", "wbr", "link", "img", "input"})
_RUNS = frozenset({"src", "href", "onload", "onerror", "onclick", "onmouseover"})


class Elements(HTMLParser):
    """Which elements there are, with their attributes, and what stands in them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(str(html))  # not as Markup, which escapes what is added to it
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of this name."""
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def foreign(self) -> list[tuple[str, dict[str, str | None]]]:
        """What no page of ours has: it slipped in."""
        return [
            (tag, attributes)
            for tag, attributes in self.found
            if tag in {"img", "iframe", "b", "i", "link", "object"}
            or any(key in _RUNS and not (value or "").startswith("#") for key, value in attributes.items())
        ]
