"""``crossdock up``: the processes of one machine, started in order, started again when they die, stopped in order."""

from __future__ import annotations

import fcntl
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

import structlog

from worker.broker import EmbeddedBroker
from worker.errors import HomeInUseError
from worker.parent import VARIABLE

log = structlog.get_logger("crossdock.up")

STOP_S = 32.0
"""A worker has 25 s to finish what is in flight; then some to hand back leases and say good-bye."""

FIRST_WAIT_S, LONGEST_WAIT_S, SETTLED_S = 0.5, 10.0, 30.0


class Home:
    """``CROSSDOCK_HOME``, owned by one supervisor at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self._folder / "up.lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise HomeInUseError(
                f"another `crossdock up` or `crossdock demo` runs in {self._folder}; stop it, or set CROSSDOCK_HOME"
            ) from None
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.close()


@dataclass(slots=True)
class Child:
    """One process. ``arguments`` follow ``crossdock``; ``log`` None: it shares our terminal.

    Attributes:
        first: stopped before the others.
        late: started after the others, see :meth:`Supervisor.start_late`.
    """

    name: str
    arguments: Sequence[str]
    log: Path | None = None
    first: bool = False
    late: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    wait_s: float = FIRST_WAIT_S
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Keeps children alive until told to stop."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        environment: Mapping[str, str],
        broker: EmbeddedBroker | None,
        stop: threading.Event | None = None,
    ) -> None:
        """``stop`` may be set before there is a supervisor to stop; its own event by default."""
        self._children = children
        self._environment = environment
        self._broker = broker
        self._stop = stop or threading.Event()
        self._pipe = os.pipe()
        os.set_inheritable(self._pipe[0], True)

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End :meth:`watch`; fits as a signal handler."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """:meth:`stop` was called."""
        return self._stop.is_set()

    def start(self) -> None:
        """Start every child but the late ones."""
        for child in self._children:
            if child.late:
                child.start_at = math.inf
            else:
                self._start(child)

    def start_late(self, *, after_s: float) -> None:
        """Let :meth:`tend` start the rest, so many seconds from now."""
        for child in self._children:
            if child.start_at == math.inf:
                child.start_at = time.monotonic() + after_s

    def watch(self) -> None:
        """Start again what dies, until :meth:`stop`."""
        while not self._stop.wait(0.1):
            self.tend()

    def tend(self) -> None:
        """One look at everything."""
        if self._broker is not None and not self._broker.running:
            log.warning("died", process="broker")
            self._broker.start()
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.start_at:
                    self._start(child)
            elif (code := child.process.poll()) is not None:
                settled = now - child.started_at > SETTLED_S
                child.wait_s = FIRST_WAIT_S if settled else min(LONGEST_WAIT_S, child.wait_s * 2)
                child.process, child.start_at = None, now + child.wait_s
                log.warning("died", process=child.name, exit_code=code, again_in_s=child.wait_s)

    def _start(self, child: Child) -> None:
        output = None if child.log is None else child.log.open("ab")
        try:
            child.process = subprocess.Popen(  # noqa: S603 - ourselves
                [*_crossdock(), *child.arguments],
                env={**self._environment, **child.environment, VARIABLE: str(self._pipe[0])},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end things in order
                pass_fds=(self._pipe[0],),
            )
        finally:
            if output is not None:
                output.close()
        child.started_at = time.monotonic()

    def end(self) -> None:
        """Stop in order: the door first, then those who work, the broker last."""
        for group in ([c for c in self._children if c.first], [c for c in self._children if not c.first]):
            self._end(group)
        if self._broker is not None:
            self._broker.stop()
        for end in self._pipe:
            os.close(end)

    @staticmethod
    def _end(group: Sequence[Child]) -> None:
        running = [child.process for child in group if child.process is not None and child.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _crossdock() -> list[str]:
    """The command, so that ``ps`` shows ``crossdock worker``; the module where it is not installed."""
    script = Path(sys.executable).with_name("crossdock")
    return [sys.executable, str(script)] if script.is_file() else [sys.executable, "-m", "worker"]
