"""The embedded platform: a real HTTP server over a real database, as a target that is always there.

It owns everything the load tests of this folder send requests to when no other environment is
chosen. It knows nothing of pytest, and of pytest-loadtest only how amounts are written.
"""

from .server import Platform, PlatformError, running_platform
from .settings import Faults

__all__ = ["Faults", "Platform", "PlatformError", "running_platform"]
