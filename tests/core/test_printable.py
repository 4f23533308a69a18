"""Texts of others, as they may be shown."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.printable import printable

UNSEEN = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("GET /caf\u00e9", "GET /caf\u00e9", id="letters of any language stay"),
        pytest.param(
            "\u0645\u06cc\u200c\u062e\u0631\u0645",
            "\u0645\u06cc\u200c\u062e\u0631\u0645",
            id="what joins them does, too",
        ),
        pytest.param("GET /a\nb\tc\u2028d", "GET /a b c d", id="lines and tabs become spaces"),
        pytest.param("\x1b[2Jgone", f"{UNSEEN}[2Jgone", id="nothing moves the cursor"),
        pytest.param("\u202egpj.exe", f"{UNSEEN}gpj.exe", id="nothing turns the direction of writing"),
        pytest.param("\0\ud800", UNSEEN * 2, id="no XML file could hold these"),
    ],
)
def test_a_text_is_on_one_line_and_harmless(text: str, shown: str) -> None:
    assert printable(text) == shown
