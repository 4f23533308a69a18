"""What a person would see at once, measured: texts that overlap or are cut, faint colours."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

# Two boxes may touch: a line's box is higher than its letters.
_TOUCH_PX = 1.5

_TEXT_PROBLEMS = """
(svg, touch) => {
  const problems = [];
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim());
  const boxes = texts.map((text) => text.getBoundingClientRect());
  boxes.forEach((one, n) => {
    const name = texts[n].textContent;
    if (one.left < frame.left - touch || one.right > frame.right + touch ||
        one.top < frame.top - touch || one.bottom > frame.bottom + touch) problems.push(`${name} is cut`);
    boxes.slice(n + 1).forEach((other, m) => {
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > touch && high > touch) problems.push(`${name} overlaps ${texts[n + 1 + m].textContent}`);
    });
  });
  return problems;
}
"""

_AREAS = """
(svg) => [...svg.querySelectorAll("path")]
  .filter((path) => path.getAttribute("stroke") && path.getAttribute("stroke") !== "none")
  .map((path) => path.getBBox().width)
"""

# The nearest background that is not transparent; text without any stands on the page's.
_CONTRASTS = """
(root) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const channels = (color) => {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      known.set(color, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(color);
  };
  const luminance = (color) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = channels(color).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (channels(color)[3] > 0) return color;
    }
    return "white";
  };
  const found = [];
  for (const element of root.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [dark, light] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    found.push([Math.round(((light + 0.05) / (dark + 0.05)) * 100) / 100, element.textContent.slice(0, 40)]);
  }
  return found;
}
"""


_CUT_CAPTIONS = """
(page) => [...page.querySelectorAll("caption")].filter((caption) => {
  const words = document.createRange();
  words.selectNodeContents(caption);
  return words.getBoundingClientRect().right > document.documentElement.clientWidth;
}).map((caption) => caption.textContent)
"""


def cut_captions(page: Page) -> list[str]:
    """Captions of tables whose words go on beyond the edge of the page."""
    return list(page.locator("body").evaluate(_CUT_CAPTIONS))


def text_problems(svg: Locator) -> list[str]:
    """Texts of a picture that overlap one another or leave its frame."""
    return list(svg.evaluate(_TEXT_PROBLEMS, _TOUCH_PX))


def widest_line(svg: Locator) -> float:
    """How wide the widest line of a picture is."""
    return max(svg.evaluate(_AREAS), default=0)


def too_faint(root: Locator, least: float = 4.5) -> list[tuple[float, str]]:
    """Texts with less contrast to what is behind them (WCAG 1.4.3)."""
    contrasts = root.evaluate(_CONTRASTS)
    assert contrasts, "no text at all"
    return [(contrast, text) for contrast, text in contrasts if contrast < least]


def sideways(page: Page) -> int:
    """How many pixels of the page are beyond its right edge."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
