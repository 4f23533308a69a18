"""Names where there is little room."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from pytest_loadtest.report.names import broken_into_lines, shortened, widest_word, wrapped

LONG = "test_marketplace_public_access[Marketplace_Public_Access_Max_Load]"


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        pytest.param("test_browse", 20, ["test_browse"], id="it fits"),
        pytest.param("", 20, [""], id="none"),
        pytest.param(
            LONG,
            20,
            ["test_marketplace_", "public_access", "[Marketplace_Public_", "Access_Max_Load]"],
            id="between words, and before a bracket",
        ),
        pytest.param("TestStore::test_browse[new]", 16, ["TestStore::test_", "browse[new]"], id="at a class"),
        pytest.param("GET /api/agents/{id}", 12, ["GET /api/", "agents/{id}"], id="a path"),
        pytest.param("/a/{agent_id}/b", 12, ["/a/", "{agent_id}/b"], id="not inside braces"),
        pytest.param("p95 of 'agent details'", 10, ["p95 of", "'agent", "details'"], id="at spaces"),
        pytest.param("abcdefghij", 4, ["abcd", "efgh", "ij"], id="a word that is wider than a line"),
        pytest.param("日本語日本語", 5, ["日本", "語日", "本語"], id="wide characters"),
        pytest.param("日本", 1, ["日", "本"], id="never less than a character"),
    ],
)
def test_a_name_is_broken_between_its_words(name: str, width: int, lines: list[str]) -> None:
    assert broken_into_lines(name, width) == lines


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        pytest.param("test_browse", 11, "test_browse", id="it fits"),
        pytest.param(LONG, 30, "test_marketp…ccess_Max_Load]", id="the middle is left out"),
        pytest.param("abcdef", 3, "a…f", id="few"),
        pytest.param("abcdef", 1, "…", id="one"),
        pytest.param("abcdef", 0, "", id="none"),
    ],
)
def test_a_shortened_name_keeps_both_ends(name: str, width: int, shown: str) -> None:
    if name == LONG:
        begin, end = shortened(name, width).split("…")
        assert name.startswith(begin)
        assert name.endswith(end)
        assert len(end) > len(begin)
    else:
        assert shortened(name, width) == shown
    assert cell_len(shortened(name, width)) <= width


def test_a_shortened_name_is_on_one_line_and_moves_no_cursor() -> None:
    assert shortened("GET /a\nb\x1b[2J", 40) == "GET /a b\N{REPLACEMENT CHARACTER}[2J"


def test_two_tests_that_differ_in_their_parameters_stay_two() -> None:
    names = [
        f"test_marketplace_public_access_of_everybody[{word}]" for word in ("category_new", "category_old")
    ]
    assert len({shortened(name, 24) for name in names}) == 2


def test_the_widest_word_needs_a_line() -> None:
    assert widest_word("test_marketplace_public[a]") == len("marketplace_")
    assert widest_word("") == 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("note: it fits", ["note: it fits"], id="it fits"),
        pytest.param(
            "note: 99.5% of the time it waited for a CPU",
            ["note: 99.5% of the time", "  it waited for a CPU"],
            id="between words, not at a point",
        ),
        pytest.param(
            f"note: {LONG}: stalls",
            [
                "note:",
                "  test_marketplace_",
                "  public_access",
                "  [Marketplace_Public_",
                "  Access_Max_Load]:",
                "  stalls",
            ],
            id="a name that is wider than a line",
        ),
    ],
)
def test_sentences_are_broken_between_words(text: str, lines: list[str]) -> None:
    assert wrapped(text, 24).splitlines() == lines
