"""Secrets out of text. Owns the patterns of what must never be shown: tokens, keys, cookies, passwords.

In doubt it hides too much: an error sample that lacks a word is still of use, a leaked token is not.
"""

from __future__ import annotations

import re

from pytest_loadtest.core.printable import printable

MASK = "[redacted]"

# Headers whose whole line is secret: "Cookie: a=1; b=2", "Authorization: Token abc".
_HEADERS = r"authorization|cookie"
# Ends of names: access_token, SUPABASE_SERVICE_KEY, x-api-key.
_WORDS = rf"{_HEADERS}|token|secret|password|passwd|passphrase|pwd|key|jwt|signature|\bsession[_-]?id|\bsid"
# Repetitions are bounded where they could start anywhere, so that any text takes linear time.
_BACKSLASHES = r"\\{0,8}"
_SPACE = r"\s{0,20}"
_QUOTED = r"""b?"(?:[^"\\]|\\.)*(?:"|\Z)|b?'(?:[^'\\]|\\.)*(?:'|\Z)"""
# JSON inside a JSON string: \"token\": \"abc\"
_ESCAPED = r"""\\{1,8}"(?:(?!\\{1,8}").)*(?:\\{1,8}"|\Z)"""
# Unquoted: to the next space, "&" of a query, or "," before the next quoted name of compact JSON.
_BARE = rf"""(?:(?!,{_SPACE}{_BACKSLASHES}["'])[^\s&}}\])])+"""

# In a program texts are written out, and so may be secrets; `key=by_name` is none, and may tell what failed.
_TEXT = rf'''[bfr]{{0,2}}(?:""".*?(?:"""|\Z)|{_QUOTED})'''
_NUMBER = r"\d[\w.]*"

# JSON Web Tokens: three base64url parts, the first two JSON objects ("{" is "ey" in base64url).
_WEB_TOKEN = re.compile(r"\bey[\w-]{6,}\.ey[\w-]*(?:\.[\w-]*)?")


def _given(value: str) -> re.Pattern[str]:
    """name: value, name=value, "name": "value", 'name': b'value', ("name", "value")"""
    return re.compile(
        rf"(?is)((?:{_WORDS})(?:{_BACKSLASHES}[\"']?{_SPACE}[:=]|[\"']{_SPACE},){_SPACE})"
        rf"(?!\[redacted\])(?:{value})"
    )


_GIVEN_IN_SOURCE = _given(f"{_TEXT}|{_NUMBER}")
_TEXT_OR_COMMENT = re.compile(rf"(?is){_TEXT}|#.*")

_PATTERNS = (
    (_WEB_TOKEN, MASK),
    # Keys that say what they are: Supabase, Stripe and OpenAI, GitHub, Slack, AWS. "skill-overview" is none.
    (re.compile(r"\b(?:(?:sb_secret|sk|ghp|gho|ghs|github_pat|xox[abprs])[_-]|AKIA)[\w-]{12,}"), MASK),
    (re.compile(rf"(?i)((?:{_HEADERS}){_SPACE}:[ \t]{{0,20}})(?![\"'\s])[^\r\n]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer)\s+(?!realm\b)[\w.~+/=-]{6,}"), rf"\1 {MASK}"),
    # Base64 of "user:password" has a capital, a digit or padding; a word after "basic" in a sentence has not.
    (re.compile(r"\b((?i:basic))\s+(?=[a-z+/]{0,40}[A-Z0-9=])[\w+/=-]{6,}"), rf"\1 {MASK}"),
    (_given(f"{_QUOTED}|{_ESCAPED}|{_BARE}"), rf"\1{MASK}"),
    # parameters of a query that carry what signs or signs in
    (re.compile(r"(?i)([?&](?:sig|code|auth|credentials?|pass|otp|pin|session)=)[^&\s\"'#]+"), rf"\1{MASK}"),
    # user and password of a URL
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,20}://)[^/\s?#]+@"), rf"\1{MASK}@"),
)


# Values that somebody declared secret, whatever they look like. Short ones would hide ordinary text.
_declared: set[str] = set()
_SHORTEST_DECLARED = 6
_LONGEST_SAMPLE = 500  # characters: a reason phrase may have 64 KiB


def declare_secret(value: str) -> None:
    """From now on this text is replaced wherever it occurs, for as long as the process lives."""
    if len(value) >= _SHORTEST_DECLARED:
        _declared.add(value)


def redact_declared(text: str) -> str:
    """The text without the secrets that are known to be some; what only looks like one is left."""
    for secret in _declared:
        text = text.replace(secret, MASK)
    return text


def redact_name(name: str) -> str:
    """The name of a request, check or metric: as declared, and without web tokens, which are nothing else.

    Names are read, matched and kept apart, so what only looks like a secret is left.
    """
    return _WEB_TOKEN.sub(MASK, redact_declared(name))


def redact(text: str) -> str:
    """The text with everything that is or looks like a secret replaced by ``[redacted]``."""
    text = redact_declared(text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_source(line: str) -> str:
    """The line of a program without the secrets that are written in it; names of things are none."""
    line = _GIVEN_IN_SOURCE.sub(rf"\1{MASK}", redact_declared(line))
    return _TEXT_OR_COMMENT.sub(lambda found: redact(found[0]), line)


def redacted_sample(message: str) -> str:
    """As it may be shown: servers write parts of it, and could write to a terminal what moves its cursor."""
    return printable(redact(message)[:_LONGEST_SAMPLE])
