"""A child of ``crossdock up`` ends when its parent is gone, however that came about."""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "CROSSDOCK_PARENT_FD"
"""A pipe's end that nobody writes to: reading from it returns when the other end's owner dies."""


def follow_parent() -> None:
    """Send ourselves SIGTERM when the supervisor dies. Does nothing in a process that has none."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return
    pipe = int(number)

    def wait() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
