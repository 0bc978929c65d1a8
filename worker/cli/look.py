"""``orders``, ``show``, ``dead``, ``destinations``: look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from worker.cli.common import as_json, console, ledger, many, one_order, print_json, styled
from worker.ledger import views
from worker.ledger.views import Filter

_STATUS = ["received", "held", "delivering", "delivered", "dead", "cancelled", "ignored"]

WIDE = 110
"""From so many columns on a reason has a column of its own; below it stands under what it belongs to."""


@click.command()
@click.option("--status", metavar="STATUS", type=click.Choice(_STATUS), help=f"One of {', '.join(_STATUS)}.")
@click.option("--shop", help="Only orders of this shop.")
@click.option("--destination", help="Only orders with a delivery at this destination.")
@click.option("-q", "q", help="Part of a number, a shop's order id, or a reference at a destination.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@as_json
def orders(
    status: str | None, shop: str | None, destination: str | None, q: str | None, limit: int, *, as_json: bool
) -> None:
    """List the newest orders."""
    wanted = Filter(status=status, shop=shop, destination=destination, q=q)
    with ledger() as found, found.read() as connection:
        items, more = views.orders(connection, wanted, cursor=None, limit=limit)
    if as_json:
        print_json({"items": items, "next": more})
        return
    _list(items, none="no orders" if wanted == Filter() else "no order fits")
    if more is not None:
        _advise(f"There are more than {limit}: narrow them down, or raise --limit.")


@click.command()
@click.option("--shop", help="Only orders of this shop.")
@click.option("--destination", help="Only orders with a delivery at this destination.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="How many of each at most.")
@as_json
def dead(destination: str | None, shop: str | None, limit: int, *, as_json: bool) -> None:
    """List what waits for a person: dead letters first, then held orders, with their reasons."""
    items: list[dict[str, Any]] = []
    cut = False
    with ledger() as found, found.read() as connection:
        for status in ("dead", "held"):
            wanted = Filter(status=status, shop=shop, destination=destination)
            page, more = views.orders(connection, wanted, cursor=None, limit=limit)
            items, cut = items + page, cut or more is not None
    if as_json:
        print_json({"items": items, "next": None})
        return
    _list(items, none="nothing waits for a person")
    if cut:
        _advise(f"There are more than {limit}: narrow them down, or raise --limit.")
    if items:
        _advise("crossdock show ID tells more, crossdock replay ID sends it on.")


def _advise(text: str) -> None:
    """For people at a terminal; what reads a pipe wants rows only."""
    if (out := console()).is_terminal:
        out.print(f"[dim]{text}[/]")


def _list(items: Sequence[Mapping[str, Any]], *, none: str) -> None:
    out = console()
    if not items:
        out.print(none)
        return
    wide = _wide(out)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("id", "shop", "number", "age", "status"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("id", "age") else "left")
    table.add_column("destinations", overflow="fold", no_wrap=not out.is_terminal)
    if wide:
        table.add_column("reason", overflow="fold", ratio=1)
    for item in items:
        reason = Text(item["reason"] or "")
        where = Text.from_markup(_where(item))
        if not wide and reason:
            where = Text("\n").join([where, reason] if where else [reason])
        row = [str(item["id"]), item["shop"], escape(item["number"]), _age(item["received_at"]), styled(item["status"])]
        table.add_row(*row, where, *([reason] if wide else []))
    out.print(table)


def _wide(out: Console) -> bool:
    return not out.is_terminal or out.width >= WIDE


def _where(item: Mapping[str, Any]) -> str:
    """The destinations; their states only where they say more than the order's own."""
    deliveries = item["deliveries"]
    if all(d["status"] == item["status"] for d in deliveries):
        return ", ".join(d["destination"] for d in deliveries)
    return ", ".join(f"{d['destination']} {styled(d['status'])}" for d in deliveries)


def _age(stamp: str) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()
    for length, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds // length:.0f}{letter}"
    return f"{max(0, seconds):.0f}s"


@click.command()
@click.argument("wanted", metavar="ID")
@click.option("--exchanges", is_flag=True, help="The HTTP exchanges of attempts that failed, too: customers' data.")
@as_json
def show(wanted: str, *, exchanges: bool, as_json: bool) -> None:
    """Show one order: its deliveries and its timeline.

    ID is ours, or the shop's number (#1001 or 1001, with or without the shop's number_prefix), or the shop's id. Where
    several orders are called so, id:22 is the one with our id 22.
    """
    with ledger() as found, found.read() as connection:
        order_id = one_order(connection, wanted)
        item = views.order(connection, order_id)
    if item is None:
        raise click.ClickException(f"order {wanted} is gone")
    if as_json:
        print_json(item)
    else:
        _show(item, exchanges=exchanges)


def _show(item: Mapping[str, Any], *, exchanges: bool) -> None:
    out = console()
    version = f", version {clock(item['version'])}" if item["version"] else ""
    title = f"[bold]{escape(item['number'])}[/] of {item['shop']}  {styled(item['status'])}"
    out.print(f"{title}  [dim]id {item['id']}{version}[/]")
    if item["reason"] and not item["deliveries"]:
        out.print(Text(item["reason"]))
    out.print()
    for d in item["deliveries"]:
        _show_delivery(out, d)
    out.print()
    table = Table.grid(padding=(0, 2))
    for _ in ("at", "kind"):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for event in item["events"]:
        where = f"{event['destination']}: " if event["destination"] else ""
        table.add_row(f"[dim]{clock(event['at'])}[/]", event["kind"], Text(where + event["text"]))
        for one in ((event["data"] or {}).get("exchanges") or []) if exchanges else []:
            table.add_row("", "", Text(_exchange(one), style="dim"))
    out.print(table)


def _show_delivery(out: Console, delivery: Mapping[str, Any]) -> None:
    reference = f" as {escape(delivery['reference'])}" if delivery["reference"] else ""
    due = f", again at {clock(delivery['due_at'])}" if delivery["status"] == "retrying" else ""
    tried = f"[dim]{many(delivery['attempts'], 'attempt')}{due}[/]"
    out.print(f"{delivery['destination']}  {styled(delivery['status'])}{reference}  {tried}")
    for text in (delivery["reason"], delivery["hint"], _progress(delivery)):
        if text:
            out.print(Padding(Text(text), (0, 0, 0, 4), expand=False))


def _progress(delivery: Mapping[str, Any]) -> str:
    """How it gets on there, with its waybills and where they can be followed."""
    if not delivery["progress"]:
        return ""
    told = f"There: {delivery['progress']}, since {clock(delivery['progress_at'])}"
    parcels = (f"\nTracking {waybill}{f': {url}' if url else ''}" for waybill, url in delivery["tracking"].items())
    return told + "".join(parcels)


def _exchange(one: Mapping[str, Any]) -> str:
    query = "?" + "&".join(f"{name}={value}" for name, value in one["params"].items()) if one["params"] else ""
    answer = f"{one['status'] or one['fault']} after {one['ms']} ms"
    said = f"\n{one['response']}" if one["response"] else ""
    return f"{one['method']} {one['path']}{query}: {answer}{said}"


def clock(stamp: str) -> str:
    """``2026-11-20 10:15:00Z``, in UTC as everywhere."""
    return f"{stamp[:10]} {stamp[11:19]}Z"


@click.command()
@as_json
def destinations(*, as_json: bool) -> None:
    """Show every destination's state, how many deliveries wait there, and when it was last read what it tells."""
    with ledger() as found, found.read() as connection:
        items = views.destinations(connection)
    if as_json:
        print_json({"items": items})
        return
    out = console()
    wide = _wide(out)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("name", "system", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("ready", "retrying", "held", "dead"):
        table.add_column(name, justify="right")
    if wide:
        table.add_column("reason", overflow="fold")
    below: list[Text] = []
    for item in items:
        counts = [str(item[name]) for name in ("ready", "retrying", "held", "dead")]
        reason = _why(item)
        table.add_row(item["name"], item["system"], styled(item["status"]), *counts, *([Text(reason)] if wide else []))
        if reason and not wide:
            below.append(Text(f"{item['name']}: {reason}"))
        below += [feed_line(item["name"], feed) for feed in item["feeds"]]
    out.print(table if items else "no destinations yet; they are known from the first start on")
    for text in below:
        out.print(text)


def feed_line(destination: str, feed: Mapping[str, Any]) -> Text:
    """``ongoing-se stock: read 2026-11-20 10:15:00Z``, and what is in the way."""
    read = f"read {clock(feed['read_at'])}" if feed["read_at"] else "not read yet"
    line = Text(f"{destination} {feed['name']}: {read}", style="dim")
    return line.append(f"; {feed['problem']}", style="not dim yellow") if feed["problem"] else line


def _why(destination: Mapping[str, Any]) -> str:
    until = f" until {clock(destination['paused_until'])}" if destination["paused_until"] else ""
    reason = f"{(destination['reason'] or 'paused').rstrip('.')}{until}." if destination["reason"] or until else ""
    return " ".join(filter(None, (reason, destination["hint"])))
