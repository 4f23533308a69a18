"""What the figures were measured on: processor, kernel, versions. Must not know the figures."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import ssl
import subprocess
from pathlib import Path

PACKAGES = ("pytest-loadtest", "pytest", "uvloop", "httptools", "locust", "k9-load", "aiohttp", "httpx")
DEBIAN_PACKAGES = ("nginx", "wrk", "hey")


def describe_machine() -> dict[str, str]:
    return {
        "Processor": f"{_processor()}, {os.cpu_count()} cores",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "Packages": ", ".join(f"{name} {_package_version(name)}" for name in PACKAGES),
        "Programs": ", ".join(f"{name} {_debian_version(name)}" for name in DEBIAN_PACKAGES),
        "Load average before": f"{os.getloadavg()[0]:.2f}",
    }


def describe_checkout(folder: Path) -> str:
    """The commit that is checked out there, and whether files differ from it."""
    query = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "(commit unknown)"
    return f"commit {found.stdout.strip()}" if found.returncode == 0 else "(commit unknown)"


def _processor() -> str:
    return parse_processor(Path("/proc/cpuinfo").read_text()) or platform.machine()


def parse_processor(cpuinfo: str) -> str:
    """The model name of /proc/cpuinfo's first processor; empty where it has none."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return ""


def _package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _debian_version(name: str) -> str:
    if shutil.which("dpkg-query") is None:
        return "(version unknown)"
    query = ["dpkg-query", "-W", "-f", "${Version}", name]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout if found.returncode == 0 and found.stdout else "(not installed)"
