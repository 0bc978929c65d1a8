"""``replay``, ``accept``, ``suspend``, ``resume``, ``migrate``: act."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from worker import broker
from worker.cli.common import as_json, config, console, ledger, many, one_order, print_json
from worker.desk import Desk, UnknownDestinationError
from worker.ledger import accepts, replays, views
from worker.ledger import migrate as migrations
from worker.ledger.engine import Ledger
from worker.settings import settings


@contextmanager
def _desk() -> Iterator[Desk]:
    from worker.app import bell

    current = settings()
    reachable = current.broker_url or broker.embedded_url(current.home)
    with ledger() as found:
        ring = bell(current).ring_all if reachable else lambda _: None  # the sweep finds them
        yield Desk(ledger=found, config=config(), ring=ring, by="command line")


@click.command()
@click.argument("wanted", metavar="[ID]", required=False)
@click.option("--destination", help="Only the deliveries at this destination.")
@click.option("--reason", help="Only orders whose reason has this text, or this code.")
@click.option("--shop", help="Only orders of this shop.")
@click.option("--since", help="Only what changed since 2026-11-20T08:00Z, or for 90m, 12h, 3d.")
@click.option("--edit", metavar="JSON", help="JSON merge patch on the order, for a single one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def replay(
    wanted: str | None,
    destination: str | None,
    reason: str | None,
    shop: str | None,
    since: str | None,
    edit: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Send on what waits: one order by its ID, or all dead and held ones that fit the options.

    What is at a destination already is looked up there, so a replay never sends anything twice.
    """
    rules = {"reason": reason, "shop": shop, "since": since}
    if wanted is None:
        _refuse_many(edit=edit, narrowed=any((destination, *rules.values())), unasked=as_json and not yes)
    elif any(rules.values()):
        raise click.UsageError("--reason, --shop and --since choose among many; leave them out for a single order")
    patch, after = _patch(edit), _since(since)
    with _desk() as desk:
        if destination is not None:
            _known(desk, destination)
        if shop is not None and shop not in desk.config.shops:
            raise click.ClickException(f"no shop {shop!r}; there are: {', '.join(sorted(desk.config.shops))}")
        ids = _chosen(desk.ledger, wanted, destination=destination, reason=reason, shop=shop, since=after)
        if wanted is None and ids and not yes:
            click.confirm(f"{many(len(ids), 'order')} {_waits(len(ids))} and fit. Replay?", abort=True)
        try:
            moving = _replay(desk, ids, destination=destination, edit=patch, quiet=as_json or wanted is not None)
        except replays.EditRefusedError as error:
            raise click.ClickException(f"the edit was refused: {error}") from None
        if as_json:
            print_json({"count": len(ids), "orders": ids, "deliveries": moving})
        elif wanted is not None:
            _tell_one(desk.ledger, ids[0], moving)
        else:
            _tell_many(len(ids), moving)


def _refuse_many(*, edit: str | None, narrowed: bool, unasked: bool) -> None:
    if not narrowed:
        raise click.UsageError("name an order, or narrow it down by --destination, --reason, --shop or --since")
    if edit is not None:
        raise click.UsageError("--edit is for a single order")
    if unasked:
        raise click.UsageError("--json asks nobody: add --yes to replay many")


def _waits(number: int) -> str:
    return "waits" if number == 1 else "wait"


def _known(desk: Desk, destination: str) -> None:
    try:
        desk.known(destination)
    except UnknownDestinationError as error:
        raise click.ClickException(str(error)) from None


def _chosen(
    found: Ledger,
    wanted: str | None,
    *,
    destination: str | None,
    reason: str | None,
    shop: str | None,
    since: float | None,
) -> list[int]:
    with found.read() as connection:
        if wanted is not None:
            return [one_order(connection, wanted)]
        return replays.matching(connection, destination=destination, reason=reason, shop=shop, since=since)


def _replay(desk: Desk, ids: list[int], *, destination: str | None, edit: dict[str, Any] | None, quiet: bool) -> int:
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn())
    out = console()
    moving = done = 0
    try:
        with Progress(*columns, console=out, disable=quiet or not ids or not out.is_terminal) as progress:
            bar = progress.add_task("", total=len(ids))
            for part in desk.replay(ids, destination=destination, edit=edit):
                moving, done = moving + len(part.wake), done + len(part.order_ids)
                progress.advance(bar, len(part.order_ids))
    except KeyboardInterrupt:
        text = f"stopped after {done} of {many(len(ids), 'order')}; the same command goes on with the rest"
        raise click.ClickException(text) from None
    return moving


def _tell_many(number: int, moving: int) -> None:
    if not number:
        console().print("no order that waits fits; crossdock dead lists them")
        return
    console().print(f"{many(number, 'order')} replayed, {many(moving, 'delivery')} on the way")


def _tell_one(found: Ledger, order_id: int, moving: int) -> None:
    """Where nothing moves, say why: it waits for something that a replay does not change."""
    item, name = _named(found, order_id)
    if moving:
        text = f"{name} replayed, {many(moving, 'delivery')} on the way"
    else:
        text = f"{name} replayed, and nothing moves now: it is {item['status']}"
        text += f"; {item['reason']}" if item["reason"] else ""
    console().print(Text(text))


def _named(found: Ledger, order_id: int) -> tuple[dict[str, Any], str]:
    """An order, and what people call it."""
    with found.read() as connection:
        [item], _ = views.orders(connection, views.Filter(ids=[order_id]), cursor=None, limit=1)
    return item, f"{item['number']} of {item['shop']} (id {order_id})"


def _patch(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        patch = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--edit") from None
    if not isinstance(patch, dict):
        raise click.BadParameter('a JSON object is wanted, such as {"note": "..."}', param_hint="--edit")
    return patch


def _since(text: str | None) -> float | None:
    if text is None:
        return None
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1:] in units:
            return (datetime.now(UTC) - timedelta(**{units[text[-1]]: float(text[:-1])})).timestamp()
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("write 2026-11-20T08:00Z, or 90m, 12h, 3d", param_hint="--since") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@click.command()
@click.argument("wanted", metavar="ID")
@click.option("--destination", required=True, help="Where it stays as it is.")
@as_json
def accept(wanted: str, destination: str, *, as_json: bool) -> None:
    """Leave an order as it is at a destination where it waits for a person.

    Nothing more is sent there until the order changes, and the rest of its route goes on. Where the order is
    cancelled, it stays where its cancel waited for this destination too: it goes its way.
    """
    with _desk() as desk:
        with desk.ledger.read() as connection:
            order_id = one_order(connection, wanted)
        try:
            moving = desk.accept(order_id, destination=destination)
        except accepts.AcceptRefusedError as error:
            raise click.ClickException(f"not accepted: {error}") from None
        item, name = _named(desk.ledger, order_id)
    if as_json:
        print_json({"order": order_id, "destination": destination, "deliveries": moving})
        return
    text = f"{name} stays as it is at {destination}, "
    text += f"{many(moving, 'delivery')} on the way" if moving else f"and is {item['status']}"
    console().print(Text(text))


@click.command()
@click.argument("name", metavar="DESTINATION")
@click.option("--reason", default="", help="For the people who wonder why.")
@as_json
def suspend(name: str, reason: str, *, as_json: bool) -> None:
    """Hold every delivery of a destination until it is resumed. Nothing is lost, and no attempt is used up."""
    with _desk() as desk:
        _known(desk, name)
        desk.suspend(name, reason=reason)
    if as_json:
        print_json({"name": name, "status": "suspended"})
    else:
        console().print(f"{name} is suspended; its deliveries are held until: crossdock resume {name}")


@click.command()
@click.argument("name", metavar="DESTINATION")
@as_json
def resume(name: str, *, as_json: bool) -> None:
    """Open a suspended or paused destination and let its deliveries go."""
    with _desk() as desk:
        _known(desk, name)
        freed = desk.resume(name)
    if as_json:
        print_json({"name": name, "status": "open", "resumed": freed})
    else:
        goes = "no delivery was held" if not freed else f"{many(freed, 'delivery')} held there may go"
        console().print(f"{name} is open; {goes}")


@click.command()
def migrate() -> None:
    """Bring the ledger to this version's schema; make it where there is none. Safe to run at any time."""
    found = Ledger(settings().database_url, pool_size=1)
    try:
        before, after = migrations.migrate(found)
    finally:
        found.close()
    same = before == after
    console().print(
        f"the ledger is at revision {after} already" if same else f"the ledger went from {before or 'none'} to {after}"
    )
