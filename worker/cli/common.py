"""What several commands share: the ledger behind the command line, and how things are printed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from schemas.config import Config
from worker.config import load
from worker.errors import LedgerError
from worker.ledger.engine import Ledger
from worker.ledger.migrate import current as revision
from worker.ledger.migrate import newest
from worker.settings import settings

as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")

STYLES = {
    **dict.fromkeys(("delivered", "open"), "green"),
    **dict.fromkeys(("ready", "delivering", "received"), "cyan"),
    **dict.fromkeys(("held", "retrying", "paused"), "yellow"),
    **dict.fromkeys(("dead", "suspended"), "bold red"),
    **dict.fromkeys(("waiting", "cancelled", "ignored"), "dim"),
}


def console() -> Console:
    """Where tables go; 120 columns wide where the output is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=160, soft_wrap=True)


def styled(state: str) -> str:
    """A state in its colour."""
    style = STYLES.get(state)
    return f"[{style}]{state}[/]" if style else state


@contextmanager
def ledger() -> Iterator[Ledger]:
    """The ledger of the settings.

    Raises:
        LedgerError: it is not there, or of another version.
    """
    found = Ledger(settings().database_url, pool_size=2)
    try:
        have = revision(found)
        if have != newest():
            raise LedgerError(
                f"the ledger is at revision {have or 'none'}, this version wants {newest()}: run `crossdock migrate`"
            )
        yield found
    finally:
        found.close()


def config() -> Config:
    """The configuration of the settings."""
    return load(settings().config, os.environ)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
