"""``crossdock up``: everything on one machine, in one terminal."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from worker import logs
from worker.broker import EmbeddedBroker
from worker.cli.processes import flower_login
from worker.config import load
from worker.errors import CrossdockError
from worker.ledger.engine import Ledger
from worker.ledger.migrate import migrate
from worker.parent import follow_parent
from worker.settings import Settings, settings
from worker.supervise import Child, Home, Supervisor

LATE_S = 1.0
"""Beat and Flower start so long after web answers: the first orders do not need them, but the cores."""


@click.command()
@click.option("--host", help="Where web listens; overrides CROSSDOCK_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Overrides CROSSDOCK_PORT and PORT.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--flower/--no-flower", default=False, help="Flower too.")
@click.option(
    "--flower-port", default=5555, show_default=True, type=click.IntRange(1, 65535), help="Where Flower listens."
)
@click.option(
    "logs_in",
    "--logs",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the log of each process; this terminal by default.",
)
def up(
    host: str | None, port: int | None, workers: int, *, flower: bool, flower_port: int, logs_in: Path | None
) -> None:
    """Web, worker and beat, with a broker of their own where none is set; until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    follow_parent()
    current = settings()
    current = current.model_copy(update={k: v for k, v in (("host", host), ("port", port)) if v is not None})
    logs.configure(current.log, process="up")
    load(current.config, os.environ)
    must_be_free(current.host, current.port)
    if logs_in is not None:
        logs_in.mkdir(parents=True, exist_ok=True)
    with Home(current.home):
        broker = prepare(current)
        children = children_of(current, workers=workers, flower_port=flower_port if flower else None, logs_in=logs_in)
        supervisor = Supervisor(children, environment=environment_of(current, broker), broker=broker, stop=stop)
        try:
            supervisor.start()
            answers = wait_until_up(current, supervisor)
            supervisor.start_late(after_s=LATE_S)
            if answers:
                click.echo(f"crossdock is up: {address_of(current)} (webhooks, console, /docs); Ctrl-C stops it")
                if flower:
                    # On a terminal somebody reads it; anywhere else it would be kept with the logs.
                    login = flower_login(current.home)
                    where = login if sys.stdout.isatty() else f"in {current.home / 'flower.login'}"
                    click.echo(f"flower: http://127.0.0.1:{flower_port} login {where}")
            supervisor.watch()
        finally:
            with suppress(OSError):  # the terminal may be what is gone
                click.echo("stopping: what is in flight has 25 s to finish")
            supervisor.end()


def must_be_free(host: str, port: int) -> None:
    """Raises CrossdockError where somebody else listens already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CrossdockError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from None


def prepare(current: Settings) -> EmbeddedBroker | None:
    """Bring the ledger up to date, and start the embedded broker where no other is set."""
    ledger = Ledger(current.database_url)
    migrate(ledger)
    ledger.close()
    if current.broker_url is not None:
        return None
    broker = EmbeddedBroker(current.home)
    broker.start()
    return broker


def environment_of(current: Settings, broker: EmbeddedBroker | None) -> dict[str, str]:
    """What the children find in their environment."""
    given: Mapping[str, str] = {"CROSSDOCK_BROKER_URL": broker.url} if broker is not None else {}
    return {
        **os.environ,
        "CROSSDOCK_CONFIG": str(current.config),
        "CROSSDOCK_HOME": str(current.home),
        "CROSSDOCK_HOST": current.host,
        "CROSSDOCK_PORT": str(current.port),
        **given,
    }


def children_of(
    current: Settings, *, workers: int, flower_port: int | None, logs_in: Path | None = None
) -> Sequence[Child]:
    """The processes of one machine."""

    def child(name: str, *arguments: str, first: bool = False, late: bool = False, **environment: str) -> Child:
        log = logs_in / f"{name}.log" if logs_in is not None else None
        return Child(name=name, arguments=arguments, log=log, first=first, late=late, environment=environment)

    del current
    found = [child("web", "web", first=True)]
    found += [child(f"worker-{n}", "worker", CROSSDOCK_WORKER=str(n)) for n in range(1, workers + 1)]
    found.append(child("beat", "beat", late=True))
    if flower_port is not None:
        found.append(child("flower", "flower", "--port", str(flower_port), late=True))
    return found


def address_of(current: Settings) -> str:
    """Where a person on this machine finds web."""
    host = host_of(current)
    return f"http://{f'[{host}]' if ':' in host else host}:{current.port}"


def host_of(current: Settings) -> str:
    """The host under which this machine reaches web."""
    return "127.0.0.1" if current.host in ("0.0.0.0", "::") else current.host  # noqa: S104 - compared, not bound


def wait_until_up(current: Settings, supervisor: Supervisor, *, seconds: float = 30.0) -> bool:
    """Wait for web to answer; False when it does not in time, and the log says why."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not supervisor.stopping:
        supervisor.tend()
        if _answers(current):
            return True
        time.sleep(0.05)
    return False


def _answers(current: Settings) -> bool:
    # Not httpx: importing it would take longer than web takes to answer.
    connection = http.client.HTTPConnection(host_of(current), current.port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
