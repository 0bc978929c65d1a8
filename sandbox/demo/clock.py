"""When this process began, for the times that the demo shows."""

from __future__ import annotations

import os
import time
from pathlib import Path

_LOADED = time.time()


def began() -> float:
    """UNIX seconds at which the command was started, before Python was; where unknown, when this module was loaded.

    ``execv`` keeps it, so `crossdock demo` counts from the shell's prompt.
    """
    try:
        # proc(5): field 22, counted after the parenthesised name, is in clock ticks since boot.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, ValueError, IndexError, AttributeError):
        return _LOADED
    return time.time() - since_boot + ticks / os.sysconf("SC_CLK_TCK")
