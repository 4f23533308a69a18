"""Photographs of pages: Chromium shows them, Pillow makes the files small.

Owns the browser and how a picture is cut out of a page. Knows neither load tests nor which pictures there
are. Debian's Chromium is enough.
"""

from __future__ import annotations

import io
import itertools
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VIEWPORT = {"width": 1000, "height": 900}
MARGIN_PX = 12
# Flat colours and the edges of letters: a picture of a report has few more, and is half as large with them.
COLORS = 256  # as many as a PNG with a palette has
PATIENCE_MS = 10_000


@dataclass(frozen=True)
class Shot:
    """One picture: a part of a page from `element` on, as far as the end of `until`, or of itself.

    `words` are those of Playwright's contexts.
    """

    name: str
    page: Path
    element: str
    until: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    most_height: float = float("inf")


class Camera:
    """A browser, while it is entered. A page that is in several pictures is opened once."""

    _playwright: Playwright
    _browser: Browser

    def __init__(self) -> None:
        self._opened: dict[str, Page] = {}

    def __enter__(self) -> Self:
        path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        if path is None:
            raise SystemExit("pictures are taken in Chromium: apt-get install -y chromium")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium has no other way
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=path, args=arguments)
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def take(self, shot: Shot, folder: Path) -> Path:
        """The picture as a file of the folder."""
        page = self._page(shot)
        draw_all(page, shot.element)
        path = folder / f"{shot.name}.png"
        path.write_bytes(smaller(page.screenshot(full_page=True, clip=area_of(page, shot))))
        return path

    def _page(self, shot: Shot) -> Page:
        key = f"{shot.page} {dict(shot.words)}"
        if key not in self._opened:
            page = self._browser.new_page(**{"viewport": VIEWPORT, **shot.words})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(shot.page.as_uri())
            self._opened[key] = page
        return self._opened[key]


def draw_all(page: Page, element: str) -> None:
    """The charts of a part are drawn when they come into view; then back to the top."""
    figures = page.locator(f".has-scripts {element} figure[data-chart]")  # pytest-html's stand still
    for n in range(figures.count()):
        figures.nth(n).scroll_into_view_if_needed()
        figures.nth(n).locator(".live svg").wait_for()
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")


def area_of(page: Page, shot: Shot) -> Any:
    """What of the page is in the picture: as wide as the page, with a margin above and below."""
    first = page.locator(shot.element).first.bounding_box()
    last = page.locator(shot.until or shot.element).first.bounding_box()
    width = page.viewport_size
    if first is None or last is None or width is None:
        raise SystemExit(f"{shot.page} has nothing to show for {shot.name}")
    top = max(0, first["y"] - MARGIN_PX)
    height = min(last["y"] + last["height"] + MARGIN_PX - top, shot.most_height)
    return {"x": 0, "y": top, "width": width["width"], "height": height}


def smaller(png: bytes) -> bytes:
    """The same picture in its most frequent colours.

    Pillow's own choices mix colours that are close: a green and a blue curve became one.
    """
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    counted = picture.getcolors(picture.width * picture.height) or []
    frequent = [color for _, color in sorted(counted, reverse=True)[:COLORS] if isinstance(color, tuple)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(list(itertools.chain.from_iterable(frequent)))
    target = io.BytesIO()
    few = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    few.save(target, "PNG", optimize=True)
    return target.getvalue()
