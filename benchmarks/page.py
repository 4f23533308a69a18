"""docs/benchmarks.md: a section between markers is replaced, all other words stay. Pure but for the file.

Must not know what a section holds.
"""

from __future__ import annotations

from pathlib import Path


def begin(name: str) -> str:
    return f"<!-- {name}: begin -->"


def end(name: str) -> str:
    return f"<!-- {name}: end -->"


def replace_section(text: str, name: str, body: str) -> str:
    """`text` with what stands between the section's markers replaced by `body`."""
    before, opening, rest = text.partition(begin(name))
    _, closing, after = rest.partition(end(name))
    if not opening or not closing:
        raise ValueError(f"the page has no section {begin(name)} ... {end(name)}")
    return f"{before}{opening}\n\n{body.strip()}\n\n{closing}{after}"


def write_section(path: Path, name: str, body: str) -> None:
    """Into the page at `path`; a file that does not exist yet becomes a page of this section alone."""
    text = path.read_text() if path.exists() else f"{begin(name)}\n{end(name)}\n"
    path.write_text(replace_section(text, name, body))
