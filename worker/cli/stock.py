"""``stock`` and ``partners``: look at what destinations tell of their own accord."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from schemas.config import Config
from worker.cli.common import as_json, config, console, ledger, print_json
from worker.cli.look import clock, feed_line
from worker.ledger import stock as kept
from worker.ledger import views


@click.command()
@click.argument("sku", required=False)
@click.option("--destination", help="Only what this destination says.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@as_json
def stock(sku: str | None, destination: str | None, limit: int, *, as_json: bool) -> None:
    """Show what destinations say about SKUs: whether they know them, and how many they have.

    SKU is ours: each destination is asked for its own word, as skus in its section says.
    """
    found = config()
    _known(destination, found)
    with ledger() as opened, opened.read() as connection:
        page = kept.listed(connection, found, destination=destination, sku=sku, cursor=None, limit=limit)
        feeds = views.feeds(connection)
    if as_json:
        print_json({"items": page.items, "next": page.following})
        return
    out = console()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("destination", "code", "our SKU"):
        table.add_column(name, overflow="fold")
    table.add_column("has", justify="right", no_wrap=True)
    table.add_column("name", overflow="fold")
    table.add_column("as of", no_wrap=True)
    for item in page.items:
        has = Text("not known", style="yellow") if not item["known"] else Text(item["quantity"] or "no figure")
        ours = ", ".join(one for one in item["skus"] if one != item["code"])
        row = [Text(word) for word in (item["destination"], item["code"], ours)]
        table.add_row(*row, has, Text(item["name"] or ""), clock(item["seen_at"]))
    out.print(table if page.items else _nothing(sku))
    if page.following is not None:
        out.print(f"There are more than {limit}: name a SKU, or raise --limit.")
    for name in found.destinations if destination is None else (destination,):
        for feed in feeds.get(name, []):
            if feed["problem"] and feed["name"] in kept.TELLING:
                out.print(feed_line(name, feed))


def _nothing(sku: str | None) -> str:
    if sku is None:
        return "no destination has told of its stock yet"
    return f"no destination has told anything of {sku} yet"


@click.command()
@click.argument("destination")
@click.option("-q", "q", help="A part of the name, the code or the e-mail address.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@as_json
def partners(destination: str, q: str | None, limit: int, *, as_json: bool) -> None:
    """Show the partners and contacts that were copied from a destination: customers' data.

    Below them stands when they were last read, and what is in the way.
    """
    _known(destination, config())
    with ledger() as opened, opened.read() as connection:
        page = kept.partners(connection, destination, q=q, limit=limit)
        feeds = views.feeds(connection).get(destination, [])
    if as_json:
        print_json({"items": page.items, "feeds": feeds, "next": page.following})
        return
    out = console()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("kind", "id", "code", "name", "e-mail", "more"):
        table.add_column(name, overflow="fold", no_wrap=name in ("kind", "id"))
    for item in page.items:
        words = (item["kind"], item["key"], item["ref"] or "", item["name"] or "", item["email"] or "", _more(item))
        table.add_row(*(Text(word) for word in words))
    nobody = "nobody fits" if q else f"no partner or contact of {destination} was copied yet"
    out.print(table if page.items else nobody)
    if page.following is not None:
        out.print(f"There are more than {limit}: narrow them down with -q, or raise --limit.")
    for feed in feeds:
        out.print(feed_line(destination, feed))


def _more(item: Mapping[str, Any]) -> str:
    """``partner 12, type primary``."""
    return ", ".join(f"{name} {value}" for name, value in item["data"].items() if value not in (None, ""))


def _known(destination: str | None, found: Config) -> None:
    if destination is not None and destination not in found.destinations:
        there = ", ".join(sorted(found.destinations)) or "none"
        raise click.ClickException(f"no destination {destination!r}; there are: {there}")
