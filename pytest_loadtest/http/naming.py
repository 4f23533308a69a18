"""The name a request is counted under when its caller gives none: method and path, identifiers folded.

Pure: text in, text out.
"""

from __future__ import annotations

import re
from typing import Final

# A path segment that names one thing among many: a number, a UUID, or at least 16 hexadecimal digits
# (MongoDB ids have 24, digests 32 and more; shorter ones are also words: "facade", "deadbeef").
_IDENTIFIER: Final = re.compile(
    r"(?<=/)(?:\d+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,})(?=/|$)"
)


def fold_identifiers(path: str) -> str:
    """`path` with each segment that is an identifier replaced by ``{id}``."""
    return _IDENTIFIER.sub("{id}", path)


def default_name(method: str, path: str, other_origin: str = "") -> str:
    """``GET /api/things/{id}``; `other_origin` (``http://host:port``) for URLs off the base URL."""
    return f"{method} {other_origin}{fold_identifiers(path)}"
