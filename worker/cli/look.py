"""``orders``, ``show``, ``dead``, ``destinations``: look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from worker.cli.common import as_json, console, ledger, print_json, styled
from worker.ledger import views
from worker.ledger.views import Filter

_STATUS = ["received", "held", "delivering", "delivered", "dead", "cancelled", "ignored"]


@click.command()
@click.option("--status", type=click.Choice(_STATUS))
@click.option("--shop")
@click.option("--destination")
@click.option("-q", "q", help="Part of a number, a shop's order id, or a reference at a destination.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 1000))
@as_json
def orders(
    status: str | None, shop: str | None, destination: str | None, q: str | None, limit: int, *, as_json: bool
) -> None:
    """The newest orders."""
    wanted = Filter(status=status, shop=shop, destination=destination, q=q)
    with ledger() as found, found.read() as connection:
        items, more = views.orders(connection, wanted, cursor=None, limit=limit)
    if as_json:
        print_json({"items": items, "next": more})
        return
    _table(items)
    if more is not None:
        console().print(f"[dim]more than {limit}; narrow it down, or raise --limit[/]")


@click.command()
@click.option("--destination")
@click.option("--shop")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@as_json
def dead(destination: str | None, shop: str | None, limit: int, *, as_json: bool) -> None:
    """What waits for a person: dead letters and held orders, with reasons."""
    found_items: list[dict[str, Any]] = []
    with ledger() as found, found.read() as connection:
        for status in ("dead", "held"):
            wanted = Filter(status=status, shop=shop, destination=destination)
            found_items += views.orders(connection, wanted, cursor=None, limit=limit)[0]
    if as_json:
        print_json({"items": found_items, "next": None})
    elif found_items:
        _table(found_items)
        console().print("[dim]crossdock show ID tells more; crossdock replay ID sends it on[/]")
    else:
        console().print("nothing waits for a person")


def _table(items: Sequence[dict[str, Any]]) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("id", "shop", "number", "status", "destinations", "reason"):
        table.add_column(name, overflow="fold", no_wrap=name in ("id", "status"))
    for item in items:
        where = "  ".join(f"{d['destination']} {styled(d['status'])}" for d in item["deliveries"])
        table.add_row(
            str(item["id"]),
            item["shop"],
            escape(item["number"]),
            styled(item["status"]),
            where,
            escape(item["reason"] or ""),
        )
    console().print(table if items else "no orders")


@click.command()
@click.argument("wanted", metavar="ID")
@as_json
def show(wanted: str, *, as_json: bool) -> None:
    """One order: ID is ours, or the shop's number or id."""
    with ledger() as found, found.read() as connection:
        ids = views.find(connection, wanted)
        if not ids:
            raise click.ClickException(f"no order {wanted}; try: crossdock orders -q {wanted}")
        if len(ids) > 1:
            listed = ", ".join(map(str, ids))
            raise click.ClickException(f"{len(ids)} orders are called {wanted}: choose one of the ids {listed}")
        item = views.order(connection, ids[0])
    if item is None:
        raise click.ClickException(f"order {wanted} is gone")
    if as_json:
        print_json(item)
    else:
        _show(item)


def _show(item: dict[str, Any]) -> None:
    out = console()
    version = f", version {item['version']}" if item["version"] else ""
    title = f"[bold]{escape(item['number'])}[/] of {item['shop']}  {styled(item['status'])}"
    out.print(f"{title}  [dim]id {item['id']}{version}[/]")
    if item["reason"]:
        out.print(Text(item["reason"]))
    out.print()
    for d in item["deliveries"]:
        reference = f" as {d['reference']}" if d["reference"] else ""
        out.print(f"{d['destination']}: {styled(d['status'])}{escape(reference)}, attempts {d['attempts']}")
        for text in (d["reason"], d["hint"]):
            if text:
                out.print(Text(f"    {text}"))
    out.print()
    for event in item["events"]:
        where = f"{event['destination']}: " if event["destination"] else ""
        out.print(f"[dim]{event['at']}[/]  {event['kind']:<11} ", Text(where + event["text"]), sep="")


@click.command()
@as_json
def destinations(*, as_json: bool) -> None:
    """Every destination's state, and what waits there."""
    with ledger() as found, found.read() as connection:
        items = views.destinations(connection)
    if as_json:
        print_json({"items": items})
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("name", "system", "status", "ready", "retrying", "held", "dead", "reason"):
        table.add_column(name, overflow="fold")
    for item in items:
        counts = [str(item[name]) for name in ("ready", "retrying", "held", "dead")]
        table.add_row(item["name"], item["system"], styled(item["status"]), *counts, escape(item["reason"] or ""))
    console().print(table)
