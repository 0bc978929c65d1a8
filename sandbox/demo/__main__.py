"""``python -m sandbox.demo``, which is ``crossdock demo``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from sandbox.demo.folder import DemoError, default_path, take
from sandbox.demo.run import Options, run


@click.command()
@click.option("--once", is_flag=True, help="Route the orders, compare with what the other side holds, and exit.")
@click.option(
    "--samples",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Sign and send the *.json files of this folder instead of our own samples.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Where Crossdock listens.  [default: 8080, or the next free one]"
)
def main(*, once: bool, samples: Path | None, port: int | None) -> None:
    """Crossdock on this machine, with stand-ins for shops, ERPs and warehouse, and sample orders going through.

    It works in var/demo (demo in CROSSDOCK_HOME), which is emptied at every start. With --once the exit code is
    0 only if the stand-ins hold each order exactly once and every other one waits with its reason.
    """
    ending = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        with take(default_path(os.environ)) as folder:
            code = run(Options(once=once, samples=samples, port=port), folder=folder, ending=ending)
    except DemoError as error:
        click.echo(f"crossdock demo: {error}", err=True)
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main(prog_name="crossdock demo")
