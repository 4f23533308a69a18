"""Files with secrets: whether others can read them. It does not know what is in them."""

from __future__ import annotations

import os
import stat

OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def exposure_of(status: os.stat_result) -> str | None:
    """Why a file is not private to this user, or None when it is."""
    if not stat.S_ISREG(status.st_mode):
        return "is not a plain file"
    if status.st_uid != os.getuid():
        return f"belongs to another user (uid {status.st_uid})"
    if status.st_mode & _OTHERS:
        return f"can be read by others (its mode is {stat.S_IMODE(status.st_mode):04o})"
    return None
