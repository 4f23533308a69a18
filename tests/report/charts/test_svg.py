from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pytest_loadtest.report.charts.pictures import pictures_of
from pytest_loadtest.report.charts.svg import cleaned, svg_of
from tests.report.loads import broken_load, frozen_load

_VEGA = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="marks"'
    ' width="20" height="10" viewBox="0 0 20 10">'
    '<g fill="none" role="graphics-object" aria-roledescription="group">'
    '<path class="background" aria-hidden="true" d="M0,0h520"/><g><g class="empty"><g/></g></g>'
    '<path d="M1.23456,2L3.99999,4" stroke="#0072b2" stroke-width="1" opacity="1"/>'
    '<text font-family="sans-serif" stroke="var(--a)">5</text></g></svg>'
)


@pytest.fixture(scope="module")
def pictures() -> list[ElementTree.Element]:
    """Every kind of picture, drawn."""
    drawn = [*pictures_of(broken_load(30)), *pictures_of(frozen_load(30))]
    return [ElementTree.fromstring(svg_of(picture)) for picture in drawn]


class TestCleaning:
    svg = cleaned(_VEGA, "Title <b>", "5 > 4 & more\x00")

    def test_there_is_nothing_left_that_only_vega_needs(self) -> None:
        for noise in (
            "aria-",
            "graphics",
            "background",
            'font-family="sans-serif"',
            "opacity",
            "xmlns",
            'width="20',
        ):
            assert noise not in self.svg

    def test_it_has_a_role_a_title_and_a_description(self) -> None:
        root = ElementTree.fromstring(self.svg)
        assert root.get("role") == "img"
        assert [(each.tag, each.text) for each in root[:2]] == [
            ("title", "Title <b>"),
            ("desc", "5 > 4 & more\N{REPLACEMENT CHARACTER}"),
        ]

    def test_coordinates_are_as_exact_as_an_eye(self) -> None:
        assert 'd="M1.2,2L4,4"' in self.svg

    def test_a_halo_lies_behind_its_text(self) -> None:
        assert 'paint-order="stroke"' in self.svg

    def test_groups_around_one_group_are_one(self) -> None:
        nested = '<svg viewBox="0 0 1 1"><g a="1"><g b="2"><path d="M0,0" stroke="red"/></g></g></svg>'
        wrapped = nested.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
        assert '<g a="1" b="2"><path' in cleaned(wrapped, "", "")

    def test_groups_that_are_both_moved_stay_two(self) -> None:
        nested = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><g transform="translate(1,0)">'
            '<g transform="translate(2,0)"><path d="M0,0" stroke="red"/></g></g></svg>'
        )
        assert cleaned(nested, "", "").count("translate") == 2


class TestDrawn:
    def test_no_picture_has_ids_scripts_styles_or_links(self, pictures: list[ElementTree.Element]) -> None:
        for picture in pictures:
            for element in picture.iter():
                assert element.tag in {"svg", "title", "desc", "g", "path", "line", "text", "rect"}
                assert not element.attrib.keys() & {"id", "style", "href", "onload", "onclick"}

    def test_text_and_axes_have_the_colour_of_the_page(self, pictures: list[ElementTree.Element]) -> None:
        for picture in pictures:
            assert {text.get("fill") for text in picture.iter("text")} == {"currentColor"}

    def test_no_colour_is_fixed_but_those_of_the_palette(self, pictures: list[ElementTree.Element]) -> None:
        for picture in pictures:
            inks = {element.get(key) for element in picture.iter() for key in ("fill", "stroke")}
            assert all(
                ink in (None, "none", "currentColor", "transparent") or "var(" in ink for ink in inks
            ), inks

    def test_it_is_as_wide_as_its_place(self, pictures: list[ElementTree.Element]) -> None:
        for picture in pictures:
            assert picture.get("width") is None
            assert picture.get("viewBox", "").startswith("0 0 ")
