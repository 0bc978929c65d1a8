"""`crossdock demo`, as a newcomer runs it: real processes, counted at the other side, ended by Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from sandbox.demo.folder import MARKER, DemoError, default_path, take
from sandbox.shops import SAMPLES
from tests.paths import WEBHOOKS, needs_shared
from tests.sandboxed import transaction
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]

_IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def _command(*arguments: str) -> list[str]:
    return ["-m", "worker", "demo", "--port", str(free_port()), *arguments]


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "CROSSDOCK_HOME": str(folder / "var"), **more}


def _once(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *_command("--once", *arguments)],
        cwd=ROOT,
        env=_environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def _processes(folder: Path) -> list[psutil.Process]:
    """Every process that the demo in ``folder`` started: they all know its CROSSDOCK_HOME."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(folder) in process.environ().get("CROSSDOCK_HOME", "") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


class _Running:
    """A demo that runs until somebody ends it; what it prints is read as it comes."""

    def __init__(self, folder: Path, command: list[str], *, terminal: bool) -> None:
        self._ours, theirs = pty.openpty() if terminal else os.pipe()
        wrapper = ["-c", _IN_A_TERMINAL] if terminal else []
        self.process = subprocess.Popen(
            [sys.executable, *wrapper, *command],
            cwd=ROOT,
            env=_environment(folder, TERM="xterm", COLUMNS="120", LINES="40"),
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._read: list[bytes] = []
        self._reader = threading.Thread(target=self._drain)
        self._reader.start()

    def _drain(self) -> None:
        with suppress(OSError):  # a terminal ends with EIO
            while chunk := os.read(self._ours, 65536):
                self._read.append(chunk)

    @property
    def output(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(self._read).decode(errors="replace"))

    def wait_for(self, text: str, *, seconds: float = 60) -> None:
        wait_until(lambda: text in self.output or self.process.poll() is not None, seconds=seconds, what=text)
        assert text in self.output, self.output[-3000:]

    def press_ctrl_c(self) -> None:
        os.write(self._ours, b"\x03")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        os.close(self._ours)


@contextmanager
def _running(folder: Path, *, terminal: bool) -> Iterator[_Running]:
    running = _Running(folder, _command(), terminal=terminal)
    try:
        yield running
    finally:
        running.close()


# ------------------------------------------------------------------ --once


def test_our_own_samples_are_all_where_they_belong_exactly_once(tmp_path: Path) -> None:
    result = _once(tmp_path, CROSSDOCK_DATABASE_URL="postgresql://nobody@127.0.0.1:1/production", SENTRY_DSN="nonsense")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Each delivered order is there exactly once" in result.stdout
    assert re.search(r"southern-tea +#1001 +delivered .*ongoing-se delivered", result.stdout)
    assert re.search(r"makers +801 +delivered .*manex-us delivered +ongoing-se delivered", result.stdout)
    assert re.search(r"makers +803 +dead +manex-us dead +ongoing-se waiting +.*UNKNOWN-JIG", result.stdout)
    assert re.search(
        r"fen-candles +#901 +delivered .*iws-uk delivered +ongoing-se delivered +sent \(status 450\)", result.stdout
    )
    assert re.search(r"fen-candles +#902 +delivered .*iws-uk .*2 attempts: found in IWS as SO-", result.stdout)
    assert re.search(r"fen-candles +#903 +held +iws-uk held +ongoing-se cancelled .*no way to cancel it", result.stdout)
    assert re.search(r"quay-paper +951 +delivered .*enapps-uk delivered +ongoing-se delivered", result.stdout)
    assert re.search(
        r"quay-paper +952 +held +enapps-uk held +ongoing-se waiting +The buyer is no contact", result.stdout
    )
    assert re.search(r"taiga-crafts +601 +delivered .*ongoing-fi delivered", result.stdout)
    assert re.search(r"taiga-crafts +602 +dead +ongoing-fi dead .*UNKNOWN-PUUKKO", result.stdout)
    assert "manex holds 4, enapps holds 1, iws holds 3" in result.stdout
    assert re.search(r"first order delivered after [\d.]+ s", result.stdout)
    assert result.stderr == ""
    assert _processes(tmp_path) == []


@needs_shared
@pytest.mark.timeout(240)
def test_other_peoples_orders_are_routed_or_held(tmp_path: Path) -> None:
    assert WEBHOOKS is not None
    result = _once(tmp_path, "--samples", str(WEBHOOKS))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped standard-webhooks-vectors.json: signature vectors, no order" in result.stdout


def test_an_order_that_the_other_side_holds_twice_fails_the_run(tmp_path: Path) -> None:
    config = tmp_path / "var" / "demo" / "crossdock.toml"

    def book_it_too() -> None:
        wait_until(config.is_file, seconds=20, what="the demo's configuration")
        url = tomllib.loads(config.read_text())["destinations"]["esuite-au"]["base_url"]
        headers = {"Authorization": "Bearer sandbox-esuite"}

        def booked() -> bool:
            with suppress(httpx.TransportError):
                return httpx.post(f"{url}/trans", json=transaction("WEB-T-1001"), headers=headers).is_success
            return False

        wait_until(booked, seconds=20, what="the stand-in takes an order that is not ours")

    somebody = threading.Thread(target=book_it_too)
    somebody.start()
    result = _once(tmp_path)
    somebody.join()
    assert result.returncode == 1
    assert "esuite holds WEB-T-1001 2 times" in result.stdout, result.stdout


def test_a_sample_that_ends_otherwise_than_it_says_fails_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    name = "20-parts-cents-that-do-not-divide.json"
    sample = json.loads((SAMPLES / name).read_text())
    (folder / name).write_text(json.dumps({**sample, "ends": "dead", "at": ["esuite-au"]}))
    chain = json.loads((SAMPLES / "23-makers-seven-thousand-screws.json").read_text())
    (folder / "chain.json").write_text(json.dumps({**chain, "written": chain["written"][:3]}))
    result = _once(tmp_path, "--samples", str(folder))
    assert result.returncode == 1
    assert "order 701 of parts is delivered, expected dead" in result.stdout
    assert "order 701 of parts is at ongoing, expected not" in result.stdout
    assert "order 801 of makers at manex-us: it says 4 x 104-2200 revision B" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--samples", "nowhere"], "'nowhere' does not exist"),
        (["--samples", "."], "has no *.json file"),
    ],
    ids=["no folder", "no files"],
)
def test_a_folder_without_samples_is_said_plainly(tmp_path: Path, arguments: list[str], told: str) -> None:
    result = _once(tmp_path, *arguments)
    assert result.returncode != 0
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert _processes(tmp_path) == []


# ------------------------------------------------------------------ until Ctrl-C


@pytest.mark.timeout(240)
def test_the_printed_commands_work_and_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with _running(tmp_path, terminal=True) as demo:
        demo.wait_for("Ctrl-C ends it all.")
        assert "31 of 31 orders" in demo.output
        assert re.search(r"southern-tea +#1007 +esuite-au dead +ongoing-se waiting +Esuite answered 400", demo.output)
        lines = [line.strip() for line in demo.output.splitlines()]
        commands = [line for line in lines if line.startswith(("set -a", "curl ", sys.executable, ".venv/", "#"))]
        assert len(commands) == 14
        script = subprocess.run(
            ["bash", "-euc", "\n".join(commands)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert script.returncode == 0, script.stderr
        for told in ("StockCode UNKNOWN-CHAI was not found", "found in Esuite as", "no route takes country US"):
            assert told in script.stdout
        for told in ("resumed: found the header W", "quantity 4 -> 6", "line 2 cancelled", "18.95 -> 17.95"):
            assert told in script.stdout
        for told in ("found in IWS as", "IWS offers no way to cancel it", "Void SO-", "Tracking CD-0042-117: https://"):
            assert told in script.stdout
        assert re.search(
            r"contact +954 +Desmond Wren +desmond.wren@example.org +partner 61240, type primary", script.stdout
        )
        assert re.search(r"enapps-uk +TEA-EARL +no figure", script.stdout)
        assert re.search(r"esuite-au +TEA-EARL +\d+", script.stdout)
        demo.wait_for("ongoing-no delivered")

        started = _processes(tmp_path)
        names = {
            word for process in started for word in process.cmdline() if word in {"web", "worker", "beat", "flower"}
        }
        assert names == {"web", "worker", "beat", "flower"}
        demo.press_ctrl_c()
        assert demo.process.wait(timeout=60) == 0
        assert "Traceback" not in demo.output
    assert _processes(tmp_path) == []
    logs = {log.name: log.read_text() for log in (tmp_path / "var" / "demo" / "logs").glob("*.log")}
    assert {"crossdock.log", "sandbox.log", "web.log", "worker-1.log", "beat.log", "flower.log"} <= set(logs)
    assert [name for name, text in logs.items() if "Traceback" in text] == []


@pytest.mark.parametrize("moment", ["at once", "while it starts"])
def test_an_early_ctrl_c_ends_everything(tmp_path: Path, moment: str) -> None:
    with _running(tmp_path, terminal=True) as demo:
        demo.wait_for("Crossdock demo")
        if moment == "while it starts":
            wait_until((tmp_path / "var" / "demo" / "home" / "valkey.url").is_file, seconds=30, what="the broker is up")
        demo.press_ctrl_c()
        assert demo.process.wait(timeout=60) == 0
        assert "Traceback" not in demo.output
    assert _processes(tmp_path) == []


def test_a_demo_that_is_killed_takes_its_processes_along(tmp_path: Path) -> None:
    with _running(tmp_path, terminal=False) as demo:
        demo.wait_for("southern-tea")
        assert len(_processes(tmp_path)) > 4
        demo.process.send_signal(signal.SIGKILL)
        demo.process.wait(timeout=10)
        wait_until(lambda: _processes(tmp_path) == [], seconds=40, what="all its processes are gone")


# ------------------------------------------------------------------ the folder


def test_the_demo_works_beside_the_data_of_an_installation() -> None:
    assert default_path({}) == Path("var/demo")
    assert default_path({"CROSSDOCK_HOME": "/srv/crossdock"}) == Path("/srv/crossdock/demo")


def test_a_demo_begins_with_an_empty_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    with take(tmp_path / "demo") as folder:
        (folder.home / "valkey").mkdir(parents=True)
        folder.config.write_text("old")
        (folder.path / "link").symlink_to(outside)
    with take(tmp_path / "demo") as folder:
        assert {path.name for path in folder.path.iterdir()} == {MARKER, "logs"}
    assert (outside / "kept").read_text() == "kept"


def _not_a_demos(path: Path) -> None:
    path.mkdir()
    (path / "crossdock.db").write_text("precious")


def _a_link(path: Path) -> None:
    real = path.with_name("real")
    real.mkdir()
    (real / "crossdock.db").write_text("precious")
    (real / MARKER).touch()
    path.symlink_to(real)


def _a_file(path: Path) -> None:
    path.write_text("precious")


@pytest.mark.parametrize("make", [_not_a_demos, _a_link, _a_file], ids=["no marker", "link", "file"])
def test_a_folder_that_is_not_a_demos_is_never_emptied(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "demo"
    make(path)
    with pytest.raises(DemoError, match="set CROSSDOCK_HOME to another place"), take(path):
        pytest.fail("it was taken")
    kept = path if path.is_file() else path / "crossdock.db"
    assert kept.read_text() == "precious"


def test_a_folder_in_which_a_demo_runs_is_never_emptied(tmp_path: Path) -> None:
    with take(tmp_path / "demo") as folder:
        folder.config.write_text("in use")
        with pytest.raises(DemoError, match="another demo runs"), take(tmp_path / "demo"):
            pytest.fail("it was taken")
        assert folder.config.read_text() == "in use"


def test_what_a_killed_demo_left_running_still_holds_the_folder(tmp_path: Path) -> None:
    with take(tmp_path / "demo") as folder:
        left = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(folder.lock,))
    with pytest.raises(DemoError, match="another demo runs"), take(tmp_path / "demo"):
        pytest.fail("it was taken")
    left.communicate()
    with take(tmp_path / "demo"):
        pass
