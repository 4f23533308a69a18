"""The process that libFuzzer runs in, and ends: `python -m fuzz.target CORPUS [libFuzzer's options]`.

Nothing of the package may be imported before atheris instruments it. Started by fuzz_message.py.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["pytest_loadtest.http", "tests.http.parsing"]):
    from fuzz.inputs import check

if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
