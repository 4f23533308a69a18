"""What verdicts do not tell: whether the session came to its end, and what the figures are of. Words only."""

from __future__ import annotations

from pytest_loadtest.results.run import Run

INTERRUPTED = 2  # pytest's exit status
# Beneath a table of all load tests: the figures of its rows and of the verdicts are not of the same time.
WHOLE_RUN = "Figures are of the whole run, ramps included; budgets judge what was at full load."


def was_interrupted(run: Run) -> bool:
    """Ctrl-C, or a time limit that was told as one."""
    return run.exit_status == INTERRUPTED


def remark_on_session(run: Run) -> str:
    """A sentence; empty when there is nothing to say."""
    if run.exit_status is None:
        return "The session is not over: these are its results so far."
    if was_interrupted(run):
        return "The session was interrupted: what had not been run by then is missing."
    has_passed = all(result.has_passed for result in run.results)
    if not run.exit_status and not has_passed:
        return "pytest's exit status is 0: what failed was expected to."
    if run.exit_status and has_passed:
        return f"pytest's exit status is {run.exit_status}: something else than a load or a budget failed."
    return ""
