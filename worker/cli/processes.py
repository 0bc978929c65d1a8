"""The single processes of a Procfile: web, worker, beat, flower; and the sandbox."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import click

from schemas.config import Config
from worker import broker
from worker.errors import BrokerError
from worker.parent import follow_parent
from worker.settings import Settings, settings


@click.command()
@click.option("--host", help="Overrides CROSSDOCK_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Overrides CROSSDOCK_PORT and PORT.")
def web(host: str | None, port: int | None) -> None:
    """Take webhooks, and serve API and console."""
    follow_parent()
    current = settings()
    _log_as("web", current)
    from worker.web.app import serve

    _must_be_ready()
    serve(current.model_copy(update={k: v for k, v in (("host", host), ("port", port)) if v is not None}))


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 500), help="Threads; default: what the destinations allow, and 4."
)
def worker(concurrency: int | None) -> None:
    """Deliver orders: one process a core, on threads. SIGTERM: what is in flight has 25 s to finish."""
    current = _with_broker()
    follow_parent()
    _log_as("worker", current)
    from worker.app import deaf

    config = _must_be_ready()
    # A slow destination can fill as many threads as it has slots; the others must still find one.
    threads = concurrency or min(200, 4 + sum(d.max_in_flight for d in config.destinations.values()))
    name = os.environ.get("CROSSDOCK_WORKER", str(os.getpid()))
    options = ["-P", "threads", "-c", str(threads), "-n", f"worker-{name}@%h", "-l", "info"]
    from celery.bin.worker import worker as command

    code = _run(command, [*options, "--without-gossip", "--without-mingle"])
    from worker.heartbeat import EXIT_DEAF

    sys.exit(EXIT_DEAF if deaf() else code)


@click.command()
def beat() -> None:
    """Ring for what is due: one of these runs, whatever the number of workers."""
    current = _with_broker()
    follow_parent()
    _log_as("beat", current)
    from celery.bin.beat import beat as command

    # Nothing to remember between runs: every entry is "every few seconds".
    sys.exit(_run(command, ["-S", "celery.beat:Scheduler", "--pidfile=", "-l", "warning"]))


@click.command()
@click.option("--port", default=5555, show_default=True, type=click.IntRange(1, 65535), help="Where it listens.")
@click.option(
    "--address", default="127.0.0.1", show_default=True, help="Its /metrics and /healthcheck ask no password."
)
@click.option("--read-only/--no-read-only", default=True, show_default=True, help="Refuse to stop or send anything.")
def flower(port: int, address: str, *, read_only: bool) -> None:
    """Watch the tasks in Flower: on loopback, read-only, behind a password.

    The login is FLOWER_BASIC_AUTH (user:password); without it one is made up at the first run and kept in
    CROSSDOCK_HOME/flower.login. Other settings of Flower are variables too: FLOWER_URL_PREFIX and so on.
    """
    current = _with_broker()
    follow_parent()
    _log_as("flower", current)
    from worker.app import app

    os.environ.setdefault("FLOWER_BASIC_AUTH", flower_login(current.home))
    options = [
        f"--address={address}",
        f"--port={port}",
        "--tasks_columns=name,args,state,received,runtime,result,exception",
        "--logging=none",  # ours stays as it is
    ]
    options += ["--read_only"] if read_only else []
    options += [f"--db={current.home}/flower", "--persistent=True", "--state_save_interval=10000", "--max_tasks=20000"]
    sys.exit(app.start(argv=["flower", *options]))


def flower_login(home: Path) -> str:
    """``user:password`` of Flower; made up at the first run and kept in ``home``."""
    file = home / "flower.login"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"crossdock:{secrets.token_urlsafe(12)}\n")
    return file.read_text().strip()


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Stand-ins of the ERPs and warehouses, to rehearse an outage. `crossdock sandbox --help` lists its options."""
    # A process of its own: the product shares no code with its stand-ins.
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *arguments])  # noqa: S606 - ourselves


def _run(command: click.Command, arguments: list[str]) -> int | None:
    """Run one of Celery's commands on our app; returns its exit code.

    ``app.start`` would import all of them first, and Flower among them: half a second for each process.
    """
    from celery.bin.base import CLIContext

    from worker.app import app

    context = CLIContext(app=app, no_color=False, workdir=None, quiet=True)
    code: int | None = command.main(arguments, prog_name="crossdock", obj=context, standalone_mode=False)
    return code


def _log_as(process: str, current: Settings) -> None:
    from worker import logs

    os.environ["CROSSDOCK_PROCESS"] = process  # for when Celery sets up its logging
    logs.configure(current.log, process=process)


def _must_be_ready() -> Config:
    """Find out before the process begins, and say in one line, whether the configuration or the ledger is amiss.

    Raises:
        worker.config.ConfigErrors: with all that is wrong.
        LedgerError: it is not there, or of another version.
    """
    from worker.cli.common import config, ledger

    found = config()
    with ledger():
        return found


def _with_broker() -> Settings:
    current = settings()
    if current.broker_url is None and broker.embedded_url(current.home) is None:
        raise BrokerError(
            f"no broker: set CROSSDOCK_BROKER_URL, or run `crossdock up`, which brings its own (none in {current.home})"
        )
    return current
