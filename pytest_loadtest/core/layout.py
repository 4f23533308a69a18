"""How requests and iterations are packed in the buffers of a recorder. It imports nothing heavy: who formats
samples in a process of its own is to begin at once.
"""

from __future__ import annotations

import struct

# Fields, and their types as numpy calls them; times in ns.
REQUEST_FIELDS = {
    "name": "i4",
    "outcome": "i4",
    "status": "i4",
    "started": "i8",
    "delay": "i8",
    "sending": "i8",
    "waiting": "i8",
    "receiving": "i8",
    "bytes_sent": "i8",
    "bytes_received": "i8",
}
ITERATION_FIELDS = {"started": "i8", "delay": "i8", "service": "i8", "failed": "i8"}


def _packed(fields: dict[str, str]) -> struct.Struct:
    codes = {"i4": "i", "i8": "q"}
    return struct.Struct("=" + "".join(codes[each] for each in fields.values()))


REQUEST = _packed(REQUEST_FIELDS)
ITERATION = _packed(ITERATION_FIELDS)
