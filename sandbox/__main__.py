"""``python -m sandbox``: the stand-ins, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from sandbox.app import SYSTEMS, create_app
from sandbox.control import describe
from sandbox.journal import JournalError
from sandbox.server import serve


def _let_in() -> str:
    pairs = ((one.name, name, value) for one in SYSTEMS for name, value in one.credentials_default.items())
    return ", ".join(f"{system}.{name}={value}" for system, name, value in pairs)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9090, show_default=True, help="0 takes a free one.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in this file.")
@click.option(
    "credentials",
    "--credential",
    multiple=True,
    metavar="SYSTEM.NAME=VALUE",
    help=f"What a system lets in. By default: {_let_in()}.",
)
@click.option(
    "settings",
    "--set",
    multiple=True,
    metavar="SYSTEM.NAME=JSON",
    help="A switch at start, esuite.latency_s=0.005; what was switched later and kept in --data wins.",
)
@click.option("--until-eof", is_flag=True, help="End when standard input does: with whoever holds its other end.")
def main(
    host: str,
    port: int,
    data: Path | None,
    credentials: tuple[str, ...],
    settings: tuple[str, ...],
    *,
    until_eof: bool,
) -> None:
    """Stand-ins of the systems, with faults on demand.

    GET /_sandbox/ lists where to ask and switch, GET /_sandbox/settings what can be switched.
    """
    if until_eof:
        threading.Thread(target=_end_with_stdin, name="stdin", daemon=True).start()
    stopping = asyncio.Event()
    try:
        app = create_app(
            data=data,
            credentials=_by_system("--credential", credentials),
            settings={
                system: {name: _json(value) for name, value in values.items()}
                for system, values in _by_system("--set", settings).items()
            },
            stopping=stopping,
        )
    except ValidationError as error:
        raise click.UsageError(describe(error)) from error
    except (JournalError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    serve(app, stopping, host=host, port=port)


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _by_system(option: str, given: tuple[str, ...]) -> dict[str, dict[str, str]]:
    named: dict[str, dict[str, str]] = {}
    for item in given:
        path, equals, value = item.partition("=")
        system, dot, name = path.partition(".")
        if not (equals and dot):
            raise click.UsageError(f"{option} {path}: write SYSTEM.NAME=VALUE")
        named.setdefault(system, {})[name] = value
    return named


def _json(text: str) -> Any:
    """JSON, or the text itself: ``filter=like`` needs no quotes."""
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main(prog_name="crossdock sandbox")
