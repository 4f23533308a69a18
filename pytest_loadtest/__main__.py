"""``python -m pytest_loadtest``: what is done beside load tests. Today: ``tokens``."""

from __future__ import annotations

import sys

from pytest_loadtest.plugin.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
