"""Start the demo's processes, play the demo, end them."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from sandbox.demo.folder import Folder, Setup, set_up
from sandbox.demo.processes import HOST, Processes, choose_port, free_port

HEADLINE = "Crossdock demo: stand-in shops, ERPs and warehouse; all between them is real."

PORT, FLOWER_PORT = 8080, 5555


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. ``samples``: a folder of other people's; ``port``: where Crossdock must listen."""

    once: bool
    samples: Path | None
    port: int | None


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is. ``crossdock``, ``sandbox``, ``flower``: addresses; flower None: it does not run."""

    folder: Folder
    setup: Setup
    processes: Processes
    crossdock: str
    sandbox: str
    flower: str | None


def run(options: Options, *, folder: Folder, ending: threading.Event) -> int:
    """Run the demo until its orders stand still (``once``) or ``ending`` is set.

    Returns:
        The exit code.

    Raises:
        DemoError: it cannot start, or one of its processes ended.
    """
    click.secho(HEADLINE, bold=True)
    port = choose_port(options.port or PORT, strict=options.port is not None)
    flower_port = None if options.once else choose_port(FLOWER_PORT)
    sandbox_port = free_port()
    processes = Processes(folder)
    try:
        processes.start_sandbox(port=sandbox_port)
        setup = set_up(folder, sandbox=_url(sandbox_port), port=port, environ=os.environ)
        processes.start_crossdock(setup.environment, port=port, flower_port=flower_port)
        stage = Stage(
            folder=folder,
            setup=setup,
            processes=processes,
            crossdock=_url(port),
            sandbox=_url(sandbox_port),
            flower=_url(flower_port) if flower_port is not None else None,
        )
        # Only now: these imports take as long as it takes the others to start.
        from sandbox.demo.play import Play  # noqa: PLC0415

        return Play(options, stage, ending).run()
    finally:
        if ending.is_set():
            with suppress(OSError):  # the terminal, or whoever read our output, may be what is gone
                click.secho("Ending: what is in flight is finished first.", dim=True)
        processes.end()


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"
