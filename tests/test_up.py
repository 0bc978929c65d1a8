"""``crossdock up``: what it refuses, what it keeps alive, and that nothing is left of it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.house import House, parts_order
from tests.sandboxed import ROOT
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.long


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as house:
        yield house


def _up(house: House, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A second ``crossdock up``, which is expected to end by itself."""
    command = [sys.executable, "-m", "worker", "up", "--port", str(free_port()), *arguments]
    environment = {**house.environment, **environment}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def _family(house: House) -> list[psutil.Process]:
    return psutil.Process(house.pid("up")).children(recursive=True)


def _gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=1)
    assert [p.cmdline() for p in alive] == []


# ---------------------------------------------------------------- what it refuses


def test_it_lists_everything_that_is_wrong_with_the_configuration(tmp_path: Path) -> None:
    house = House(tmp_path)
    text = (tmp_path / "crossdock.toml").read_text().replace('"esuite"', '"esuit"').replace('"all"', '"all"\nwen = 1')
    (tmp_path / "crossdock.toml").write_text(text)
    done = _up(house, BOOKS_SECRET="")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for words in ("BOOKS_SECRET", 'unknown system "esuit"', 'unknown key "wen"'):
        assert words in done.stderr
    assert not house.home.exists(), "nothing was begun"


def test_it_does_not_start_on_a_port_that_is_taken(tmp_path: Path) -> None:
    house = House(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _up(house, "--port", str(port))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_one_in_the_same_home_is_refused_and_harms_nothing(house: House) -> None:
    done = _up(house)
    assert done.returncode == 2
    assert f"another `crossdock up` or `crossdock demo` runs in {house.home}" in done.stderr
    house.post([parts_order("7101")])
    house.wait_for("7101", "delivered", "delivered")


# ---------------------------------------------------------------- what it keeps alive


def test_ps_tells_its_processes_apart_and_a_killed_one_is_started_again(house: House) -> None:
    kinds = ("web", "worker", "beat")
    wait_until(lambda: all(house.children(kind) for kind in kinds), seconds=20, what="all three run")
    for kind in kinds:
        [child] = house.children(kind)
        assert child.cmdline()[-2].endswith(("crossdock", "worker"))
        child.kill()
        child.wait(timeout=5)
        wait_until(lambda kind=kind: house.children(kind), seconds=20, what=f"{kind} is back")  # type: ignore[misc]
    broker = next(p for p in _family(house) if "valkey" in p.name())
    broker.kill()
    wait_until(house.answers, seconds=20, what="web answers")
    house.post([parts_order("7102")])
    house.wait_for("7102", "delivered", "delivered", seconds=60)
    for kind in kinds:
        assert f'"process": "{kind if kind != "worker" else "worker-1"}"' in house.log()


# ---------------------------------------------------------------- how it ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with House(tmp_path) as house:
        wait_until(lambda: house.children("beat"), seconds=20, what="beat runs")
        family = _family(house)
        assert len(family) == 4, "web, worker, beat and the broker"
        assert house.end("up", signal_number=number) == 0
        _gone(family)
        assert not (house.home / "valkey.url").exists()
        assert "Traceback" not in house.log()


def test_ctrl_c_at_a_terminal_ends_everything_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.start_sandbox()
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "worker", "up", "--port", str(house.port)]
    try:
        process = subprocess.Popen(
            command, env=house.environment, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal,
            preexec_fn=_own_terminal,  # noqa: PLW1509 - this test has no threads
        )  # fmt: skip
        os.close(terminal)
        seen = _read(master, until="Ctrl-C stops it")
        family = psutil.Process(process.pid).children(recursive=True)
        os.write(master, b"\x03")
        seen += _read(master)
        assert process.wait(timeout=40) == 0
        _gone(family)
    finally:
        os.close(master)
        house.end("sandbox")
    assert f"crossdock is up: http://127.0.0.1:{house.port}" in seen
    assert seen.count("stopping: what is in flight has 25 s to finish") == 1
    assert "Traceback" not in seen
    assert "Aborted" not in seen


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(master: int, *, until: str | None = None) -> str:
    """What the terminal shows until these words, or until the last process has closed it."""
    seen = b""
    while until is None or until.encode() not in seen:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    return seen.decode(errors="replace")


def test_after_sigkill_its_children_end_by_themselves_and_the_next_one_starts(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        wait_until(lambda: house.children("beat"), seconds=20, what="beat runs")
        house.post([parts_order("7103")])
        house.wait_for("7103", "delivered", "delivered")
        family = _family(house)
        broker = next(p for p in family if "valkey" in p.name())
        children = [p for p in family if p != broker]
        assert house.end("up", signal_number=signal.SIGKILL) == -signal.SIGKILL
        _, alive = psutil.wait_procs(children, timeout=40)
        assert [p.cmdline() for p in alive] == []
        house.start()
        # Whoever adopted it may take its time to bury it.
        gone = not broker.is_running() or broker.status() == psutil.STATUS_ZOMBIE
        assert gone, "the orphan would write into the same file"
        house.post([parts_order("7104")])
        house.wait_for("7104", "delivered", "delivered")
