"""The demo's two processes, ``python -m sandbox`` and ``crossdock up``: started at once, ended in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.demo.folder import DemoError, Folder

HOST = "127.0.0.1"

STOP_S = {"crossdock": 75.0, "sandbox": 5.0}
"""``crossdock up`` gives its own processes up to a minute; it ends in a second or two when nothing is in flight."""

_LAST_WORDS = 4

_PARENT = "CROSSDOCK_PARENT_FD"
"""Tells ``crossdock up`` which file descriptor comes to its end when its parent does."""


def command() -> list[str]:
    """``crossdock`` as this installation has it."""
    script = Path(sys.executable).with_name("crossdock")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "worker"]


def choose_port(wanted: int, *, strict: bool = False, tries: int = 20) -> int:
    """``wanted``, or the next port that nobody listens on.

    Raises:
        DemoError: ``strict``, and it is taken; or none of them is free.
    """
    for port in range(wanted, min(wanted + (1 if strict else tries), 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise DemoError(f"port {wanted} is taken; give another one with --port")


def free_port() -> int:
    """Any port that nobody listens on."""
    return choose_port(0, strict=True)


@dataclass(slots=True)
class _Process:
    name: str
    popen: subprocess.Popen[bytes]


class Processes:
    """Each in a session of its own, so that Ctrl-C reaches the demo alone and the demo ends them in order.

    Their standard input is a pipe that nobody writes to. It ends when this process does, however that comes
    about, and then they end as well.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._running: list[_Process] = []
        self._theirs, self._ours = os.pipe()

    def start_sandbox(self, *, port: int) -> None:
        """Start the stand-ins; they keep what they hold in the demo's folder."""
        data = str(self._folder.path / "sandbox.journal")
        arguments = ["--host", HOST, "--port", str(port), "--data", data, "--until-eof"]
        self._start("sandbox", [sys.executable, "-m", "sandbox", *arguments], os.environ)

    def start_crossdock(self, environment: Mapping[str, str], *, port: int, flower_port: int | None) -> None:
        """Start ``crossdock up``."""
        arguments = ["up", "--host", HOST, "--port", str(port), "--logs", str(self._folder.logs)]
        if flower_port is not None:
            arguments += ["--flower", "--flower-port", str(flower_port)]
        self._start("crossdock", [*command(), *arguments], {**environment, _PARENT: "0"})

    def _start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        log = self._folder.logs / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 - ourselves
                arguments,
                env=environment,
                stdin=self._theirs,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(self._folder.lock,),
            )
        self._running.append(_Process(name, popen))

    def check(self) -> None:
        """Raises DemoError if one of them ended by itself."""
        for process in self._running:
            code = process.popen.poll()
            if code is not None:
                raise DemoError(f"{process.name} ended with exit code {code}; {self.tell()}")

    def tell(self) -> str:
        """The last words of every log that has some."""
        told = [f"the logs in {self._folder.logs} end so:"]
        for log in sorted(self._folder.logs.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-_LAST_WORDS:]
            told += [f"{log.name}: {line}" for line in lines if line.strip()]
        return "\n".join(told)

    def end(self) -> None:
        """End them in order: Crossdock, then the systems that it may still be talking to."""
        for process in reversed(self._running):
            _end(process)
        self._running.clear()
        os.close(self._theirs)
        os.close(self._ours)


def _end(process: _Process) -> None:
    if process.popen.poll() is None:
        process.popen.send_signal(signal.SIGTERM)
    try:
        process.popen.wait(timeout=STOP_S[process.name])
    except subprocess.TimeoutExpired:
        process.popen.kill()
        process.popen.wait()
