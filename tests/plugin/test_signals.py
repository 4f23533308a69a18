"""What Ctrl-C and SIGTERM mean for a while, and to whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pytest_loadtest.plugin.signals import terminated_as_by_ctrl_c, undisturbed


def test_sigterm_is_as_ctrl_c() -> None:
    usual = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminated_as_by_ctrl_c():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is usual


FORKS = """
import os, signal
from pytest_loadtest.plugin.signals import terminated_as_by_ctrl_c

with terminated_as_by_ctrl_c():
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_that_was_forked_ends_on_sigterm_as_ever() -> None:
    ended = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True)
    assert int(ended.stdout) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_be_disturbed_comes_to_its_end_first(number: signal.Signals) -> None:
    done = []

    def keep() -> None:
        with terminated_as_by_ctrl_c(), undisturbed():
            os.kill(os.getpid(), number)
            done.append("kept")

    with pytest.raises(KeyboardInterrupt):
        keep()
    assert done == ["kept"]


def test_an_error_does_not_make_ctrl_c_forgotten() -> None:
    def keep() -> None:
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            raise OSError("the disk is full")

    with pytest.raises(KeyboardInterrupt) as caught:
        keep()
    assert str(caught.value.__context__) == "the disk is full"


def test_others_handlers_stay() -> None:
    called = []
    usual = signal.signal(signal.SIGTERM, lambda *_: called.append("theirs"))
    try:
        with terminated_as_by_ctrl_c(), undisturbed():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, usual)
    assert called == ["theirs"]
