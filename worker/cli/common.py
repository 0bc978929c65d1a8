"""What several commands share: the ledger behind the command line, which order is meant, how things are printed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from sqlalchemy import Connection

from worker.errors import CrossdockError, LedgerError
from worker.ledger import views
from worker.ledger.engine import Ledger
from worker.ledger.migrate import current as revision
from worker.ledger.migrate import newest
from worker.settings import settings

if TYPE_CHECKING:
    from schemas.config import Config

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document, for machines.")

STYLES = {
    **dict.fromkeys(("delivered", "open"), "green"),
    **dict.fromkeys(("ready", "delivering", "received"), "cyan"),
    **dict.fromkeys(("held", "retrying", "paused"), "yellow"),
    **dict.fromkeys(("dead", "suspended"), "bold red"),
    **dict.fromkeys(("waiting", "cancelled", "ignored"), "dim"),
}

_UNBOUNDED = 10_000


def console() -> Console:
    """Where tables go. Where the output is no terminal a line is as long as it needs to be: one row, one line."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_UNBOUNDED, soft_wrap=True)


def styled(state: str) -> str:
    """A state in its colour."""
    style = STYLES.get(state)
    return f"[{style}]{state}[/]" if style else state


def many(number: int, noun: str) -> str:
    """``1 order``, ``2 orders``, ``1 delivery``, ``2 deliveries``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


@contextmanager
def ledger() -> Iterator[Ledger]:
    """The ledger of the settings.

    Raises:
        LedgerError: it is not there, or of another version.
    """
    current = settings()
    path = current.database_url.removeprefix("sqlite:///").partition("?")[0]
    if current.database_url.startswith("sqlite:///") and not os.path.exists(path):  # noqa: PTH110 - no import for one look
        raise LedgerError(
            f"there is no ledger at {path}; `crossdock up` makes one. If yours is elsewhere, set CROSSDOCK_HOME "
            "or CROSSDOCK_DATABASE_URL"
        )
    found = Ledger(current.database_url, pool_size=2)
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
    """The configuration of the settings.

    Raises:
        worker.config.ConfigErrors: with all that is wrong.
    """
    from worker.config import load

    return load(settings().config, os.environ)


def one_order(connection: Connection, wanted: str) -> int:
    """Our id of the order that a person means.

    Args:
        wanted: our id, ``id:22`` where that is a number of another order too; the shop's number with or without
            ``#``, with or without the shop's ``number_prefix``; the shop's id.

    Raises:
        click.ClickException: there is none, or there are several.
    """
    ids = _meant(connection, wanted)
    if not ids:
        raise click.ClickException(f"no order is called {wanted}; try: crossdock orders -q {wanted.lstrip('#')}")
    if len(ids) > 1:
        found, _ = views.orders(connection, views.Filter(ids=ids), cursor=None, limit=20)
        listed = "\n".join(
            f"  id:{item['id']}  {item['number']} of {item['shop']}, {item['status']}" for item in reversed(found)
        )
        raise click.ClickException(f"{len(ids)} orders are called {wanted}; say which one by its id:\n{listed}")
    return ids[0]


def _meant(connection: Connection, wanted: str) -> list[int]:
    if wanted.startswith("id:"):
        found, _ = views.orders(connection, views.Filter(ids=_number(wanted[3:])), cursor=None, limit=1)
        return [item["id"] for item in found]
    # A bare number may be our id and another order's number: replaying the wrong one must not happen by chance.
    ids = {*views.find(connection, wanted), *views.find(connection, "#" + wanted.removeprefix("#"))}
    if not ids:
        for shop, prefix in _prefixes().items():
            if prefix and wanted.startswith(prefix):
                named = views.find(connection, "#" + wanted.removeprefix(prefix))
                found, _ = views.orders(connection, views.Filter(ids=named, shop=shop), cursor=None, limit=20)
                ids |= {item["id"] for item in found}
    return sorted(ids)


def _number(text: str) -> list[int]:
    return [int(text)] if text.isascii() and text.isdigit() and len(text) < 19 else []


def _prefixes() -> dict[str, str]:
    """How the destinations call the orders of each shop; nothing where the configuration cannot be read."""
    try:
        return {name: shop.number_prefix for name, shop in config().shops.items()}
    except CrossdockError:
        return {}


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
