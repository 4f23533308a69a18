"""What each generator prints or writes of its own run, read into one form. Pure: text in, OwnReport out.

Must not know how the generators are started. A report without its figures is a ValueError.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.measurement import OwnReport

PACKAGE_HEADER = "pytest_loadtest from "  # as load_scripts/conftest.py prints it, before the package's folder
UNITS_IN_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def read_loop(text: str) -> OwnReport:
    """The JSON line of benchmarks/load_scripts/tally.py."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            report = json.loads(line)
            return OwnReport(report["requests"], report["seconds"], report["failed_checks"])
    raise ValueError("the loop printed no report")


def check_package(output: str, checkout: Path) -> None:
    """A pytest run's header names the package it imported: a ValueError if it is not that of `checkout`."""
    (folder,) = _match(rf"^{re.escape(PACKAGE_HEADER)}(.+)$", output)
    if Path(folder) != checkout / "pytest_loadtest":
        raise ValueError(f"it imported {folder}, not {checkout / 'pytest_loadtest'}")


def read_wrk(text: str) -> OwnReport:
    count, duration, unit = _match(r"(\d+) requests in ([\d.]+)(us|ms|s|m|h),", text)
    bad_statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = int(bad_statuses[1]) if bad_statuses else 0
    failed += sum(int(errors) for errors in socket_errors.groups()) if socket_errors else 0
    return OwnReport(int(count), float(duration) * UNITS_IN_SECONDS[unit], failed)


def read_hey(text: str) -> OwnReport:
    (total,) = _match(r"Total:\s+([\d.]+) secs", text)
    statuses = re.findall(r"\[(\d{3})\]\s+(\d+) responses", text)
    _, _, errors = text.partition("Error distribution:")
    failed = sum(int(count) for status, count in statuses if not status.startswith("2"))
    failed += sum(int(count) for count in re.findall(r"^\s*\[(\d+)\]", errors, re.MULTILINE))
    return OwnReport(sum(int(count) for _, count in statuses), float(total), failed)


def read_k9(summary: str) -> OwnReport:
    """k9's --summary-export. No request at all leaves no http_reqs."""
    metrics = _metrics(summary)
    if "http_reqs" not in metrics or "checks" not in metrics:
        raise ValueError("k9 exported no requests or no checks")
    requests = metrics["http_reqs"]
    failed = metrics["checks"]["fails"] + metrics["http_req_failed"]["passes"]
    return OwnReport(int(requests["count"]), requests["count"] / requests["rate"], int(failed))


def _metrics(summary: str) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads(summary)["metrics"]
    return metrics


def read_locust(statistics: str) -> OwnReport:
    """Locust's --json-file: one entry per request name."""
    entries = json.loads(statistics)
    if not entries:
        raise ValueError("Locust reported no requests")
    started = min(entry["start_time"] for entry in entries)
    ended = max(entry["last_request_timestamp"] for entry in entries)
    failed = sum(entry["num_failures"] for entry in entries)
    return OwnReport(sum(entry["num_requests"] for entry in entries), ended - started, failed)


def _match(pattern: str, text: str) -> tuple[str, ...]:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no {pattern!r} in what it printed")
    return found.groups()
