"""Secrets out of text. Owns the patterns of what must never be shown: tokens, keys, cookies, passwords."""

from __future__ import annotations

import re

MASK = "[redacted]"

_WORDS = r"authorization|api[-_]?key|apikey|[\w-]*(?:token|secret|password|passwd|cookie)"
_PATTERNS = (
    # JSON Web Tokens: three base64url parts, the first two JSON objects ("{" is "ey" in base64url).
    (re.compile(r"\bey[\w-]{6,}\.ey[\w-]*(?:\.[\w-]*)?"), MASK),
    (re.compile(r"\b(bearer|basic|digest)\s+(?!realm\b)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    # name: value, name=value, "name": "value", 'name': b'value'
    (
        re.compile(
            rf"""(["']?\b(?:{_WORDS})["']?\s*[:=]\s*)(b?"[^"]*"|b?'[^']*'|[^\s,;&}}\])]+)""", re.IGNORECASE
        ),
        rf"\1{MASK}",
    ),
    # userinfo of a URL
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]*@", re.IGNORECASE), rf"\1{MASK}@"),
)


def redact(text: str) -> str:
    """The text with everything that looks like a secret replaced by ``[redacted]``."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
