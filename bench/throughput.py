"""Orders a second and CPU seconds per 1,000 orders: shop -> Esuite -> Ongoing, beside a plain Celery chain.

    make bench                     2,000 orders each
    python -m bench.throughput --orders 500 --latency 0.005

Both run on the same stand-ins, one after the other, with the same orders and the same posters. CPU is user + system
of every process that belongs to the system under test, its broker included; stand-ins and posters are not counted.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import httpx
import psutil

from sandbox.shops import make_orders, send_all
from tests.house import House
from tests.servers import Valkey, free_port, server_folder


@dataclass(frozen=True, slots=True)
class Figures:
    """One run."""

    name: str
    orders: int
    seconds: float
    accepted_seconds: float
    cpu_seconds: float
    memory_mb: float
    held_once: bool

    def __str__(self) -> str:
        return (
            f"{self.name:<12} {self.orders / self.seconds:6.0f} orders/s   "
            f"{self.cpu_seconds / self.orders * 1000:6.2f} CPU s per 1,000   "
            f"{self.orders / self.accepted_seconds:6.0f} answers/s   {self.memory_mb:5.0f} MB   "
            f"{'each order once' if self.held_once else 'NOT EACH ORDER ONCE'}"
        )


def _tree(pids: list[int]) -> list[psutil.Process]:
    roots = [psutil.Process(pid) for pid in pids]
    return list({p.pid: p for root in roots for p in (root, *root.children(recursive=True))}.values())


def _cpu(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _run(
    name: str,
    count: int,
    pids: list[int],
    *,
    send: Callable[[], float],
    done: Callable[[], bool],
    once: Callable[[], bool],
) -> Figures:
    processes = _tree(pids)
    before, begun = _cpu(processes), time.perf_counter()
    accepted = send()
    while not done():
        time.sleep(0.05)
        if time.perf_counter() - begun > 600:
            raise SystemExit(f"{name}: not done after 600 s")
    seconds = time.perf_counter() - begun
    processes = _tree(pids)
    memory = sum(p.memory_info().rss for p in processes) / 1e6
    return Figures(name, count, seconds, accepted, _cpu(processes) - before, memory, once())


def crossdock(count: int, *, latency: float, posters: int, workers: int, seed: int) -> Figures:
    """Crossdock as `crossdock up` runs it: SQLite ledger, embedded Valkey."""
    with tempfile.TemporaryDirectory() as folder, House(Path(folder), timeout_s=20, workers=workers) as house:
        _latency(house.sandbox_url, latency)
        time.sleep(3)  # workers are up
        deliveries = list(make_orders(count, platform="shopify", seed=seed, shop="tea"))

        def send() -> float:
            begun = time.perf_counter()
            house.post(deliveries, in_flight=posters)
            return time.perf_counter() - begun

        pid = house.pid("up")
        return _run(
            "crossdock", count, [pid], send=send, done=lambda: _held(house.sandbox_url, count),
            once=lambda: _once(house.sandbox_url),
        )  # fmt: skip


def plain(count: int, *, latency: float, posters: int, workers: int, seed: int) -> Figures:
    """The plain chain: uvicorn, prefork workers, result backend, all by default."""
    with (
        tempfile.TemporaryDirectory() as folder,
        server_folder("valkey") as valkey_folder,
        Valkey(valkey_folder) as valkey,
        _sandbox(Path(folder)) as sandbox_url,
    ):
        _latency(sandbox_url, latency)
        secret, port = "plain-secret", free_port()
        environment = {**os.environ, "PLAIN_BROKER": valkey.url, "PLAIN_SANDBOX": sandbox_url, "PLAIN_SECRET": secret}
        commands = [
            ["uvicorn", "bench.plain_chain:web", "--port", str(port), "--log-level", "warning"],
            ["celery", "-A", "bench.plain_chain", "worker", "-c", str(8 * workers), "-l", "warning"],
        ]
        quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started = [subprocess.Popen([sys.executable, "-m", *command], **quiet) for command in commands]  # type: ignore[call-overload]
        try:
            time.sleep(8)
            deliveries = list(make_orders(count, platform="shopify", seed=seed, shop="tea"))

            def send() -> float:
                begun = time.perf_counter()
                url = f"http://127.0.0.1:{port}"
                asyncio.run(send_all(deliveries, url=url, secrets={"tea": secret}, in_flight=posters))
                return time.perf_counter() - begun

            pids = [*(process.pid for process in started), valkey.pid]
            return _run(
                "plain chain",
                count,
                pids,
                send=send,
                done=lambda: _held(sandbox_url, count),
                once=lambda: _once(sandbox_url),
            )
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait()


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(folder / "sandbox.journal")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _latency(url: str, seconds: float) -> None:
    for system in ("esuite", "ongoing"):
        httpx.post(f"{url}/_sandbox/settings", json={"system": system, "latency_s": seconds}).raise_for_status()


def _held(url: str, count: int) -> bool:
    counts = httpx.get(f"{url}/_sandbox/counts", timeout=20).json()
    return all(len(counts[system]) >= count for system in ("esuite", "ongoing"))


def _once(url: str) -> bool:
    counts = httpx.get(f"{url}/_sandbox/counts", timeout=20).json()
    return all(n == 1 for system in ("esuite", "ongoing") for n in counts[system].values())


@click.command()
@click.option("--orders", "count", default=2000, show_default=True)
@click.option("--latency", default=0.005, show_default=True, help="Seconds a stand-in takes to answer.")
@click.option("--posters", default=32, show_default=True)
@click.option("--workers", default=1, show_default=True)
@click.option("--only", type=click.Choice(["crossdock", "plain"]))
def main(count: int, latency: float, posters: int, workers: int, only: str | None) -> None:
    """Run both, and print their figures and the ratio."""
    click.echo(f"{count} orders, stand-ins answer in {latency * 1000:g} ms, {posters} posters, {os.cpu_count()} cores")
    found: dict[str, Figures] = {}
    for name, run in (("crossdock", crossdock), ("plain", plain)):
        if only in (None, name):
            found[name] = run(count, latency=latency, posters=posters, workers=workers, seed=3)
            click.echo(found[name])
    if len(found) == 2:
        ours, theirs = found["crossdock"], found["plain"]
        rate = theirs.seconds / ours.seconds
        cpu = theirs.cpu_seconds / ours.cpu_seconds
        click.echo(
            f"crossdock / plain chain: {rate:.1f} times the orders a second, at 1/{cpu:.1f} of the CPU per order"
        )


if __name__ == "__main__":
    main()
