"""Fuzzes the parser of answers and the decoders of content for a given time, guided by coverage.

    python -m fuzz.fuzz_message --seconds 60       # what `make fuzz` does
    python -m fuzz.fuzz_message --repeat FILE      # one input again, with its traceback

An input that breaks an invariant is kept under `fuzz/found`, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from fuzz.inputs import check, write_dictionary, write_seeds

FOUND: Final = Path(__file__).parent / "found"
MAX_INPUT_BYTES: Final = 2048  # enough to pass every limit of inputs.py that is short
SLOW_INPUT_S: Final = 10  # a slower input counts as found, and so does one that takes more than
MEMORY_MIB: Final = 1024


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the parser of answers and the decoders of content.")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="check one input that was found")
    options = parser.parse_args()
    return fuzz(options.seconds) if options.repeat is None else repeat(options.repeat)


def fuzz(seconds: int) -> int:
    """libFuzzer ends its process by itself: it gets one of its own."""
    FOUND.mkdir(exist_ok=True)
    before = set(FOUND.iterdir())
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        write_seeds(corpus)
        write_dictionary(words)
        limits = [
            f"-max_total_time={seconds}",
            f"-max_len={MAX_INPUT_BYTES}",
            f"-timeout={SLOW_INPUT_S}",
            f"-rss_limit_mb={MEMORY_MIB}",
            f"-dict={words}",
            f"-artifact_prefix={FOUND}/",
            "-len_control=0",  # long inputs from the start
            "-verbosity=0",
            "-print_final_stats=1",
        ]
        command = [sys.executable, "-m", "fuzz.target", str(corpus), *limits]
        status = subprocess.run(command, check=False).returncode
    for path in sorted(set(FOUND.iterdir()) - before):
        print(f"found: {path}\nrepeat with: {sys.executable} -m fuzz.fuzz_message --repeat {path}")
    return 1 if status else 0


def repeat(path: Path) -> int:
    """One input without libFuzzer: the traceback of what is wrong with it."""
    check(path.read_bytes())
    print(f"{path}: nothing is wrong with it any more")
    return 0


if __name__ == "__main__":
    sys.exit(main())
