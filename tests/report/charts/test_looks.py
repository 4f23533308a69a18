from __future__ import annotations

import pytest

from pytest_loadtest.report.charts.looks import COLORS, color, vega_config

_LINES = ("blue", "green", "vermillion", "purple")
_TEXTS = ("text", "muted", "good", "bad", "blue")


def luminance(color: str) -> float:
    """WCAG 2's relative luminance of ``#rrggbb``."""
    channels = [int(color[first : first + 2], 16) / 255 for first in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "least"), [*((name, 3.0) for name in _LINES), *((name, 4.5) for name in _TEXTS)]
)
def test_a_colour_stands_out_from_its_page(name: str, least: float, scheme: str) -> None:
    assert contrast(getattr(COLORS[name], scheme), getattr(COLORS["page"], scheme)) >= least


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_samples_can_be_read_on_their_panel(scheme: str) -> None:
    assert contrast(getattr(COLORS["text"], scheme), getattr(COLORS["panel"], scheme)) >= 7


def test_pictures_name_colours_and_fall_back_to_the_light_shade() -> None:
    assert color("blue") == "var(--loadtest-blue, #0072b2)"


def test_no_text_of_a_picture_is_too_small_to_read() -> None:
    config = vega_config(4)
    sizes = [config[part][key] for part in ("axis", "legend") for key in ("labelFontSize", "titleFontSize")]
    assert min(*sizes, config["text"]["fontSize"]) >= 11
