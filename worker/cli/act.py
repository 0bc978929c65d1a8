"""``replay``, ``suspend``, ``resume``, ``migrate``: act."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from worker import broker
from worker.cli.common import as_json, config, console, ledger, print_json
from worker.desk import Desk, UnknownDestinationError
from worker.ledger import migrate as migrations
from worker.ledger import replays, views
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
@click.option("--shop")
@click.option("--since", help="Changed since: 2026-11-20T08:00Z, or 90m, 12h, 3d.")
@click.option("--edit", help="JSON merge patch on the order, for a single one.")
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
    """Send on what waits: one order by its ID, or all that fit the options."""
    if wanted is None and not any((destination, reason, shop, since)):
        raise click.UsageError("name an order, or narrow it down by --destination, --reason, --shop or --since")
    if edit is not None and wanted is None:
        raise click.UsageError("--edit is for a single order")
    with _desk() as desk:
        ids = _chosen(desk.ledger, wanted, destination=destination, reason=reason, shop=shop, since=since)
        if wanted is None and not yes and not as_json:
            click.confirm(f"{len(ids)} orders wait and fit. Replay them?", abort=True)
        try:
            moving = _replay(desk, ids, destination=destination, edit=_patch(edit), quiet=as_json or wanted is not None)
        except (replays.EditRefusedError, UnknownDestinationError) as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"count": len(ids), "orders": ids, "deliveries": moving})
    else:
        console().print(f"{len(ids)} orders replayed, {moving} deliveries on their way")


def _chosen(found: Ledger, wanted: str | None, **rules: str | None) -> list[int]:
    with found.read() as connection:
        if wanted is None:
            since = _since(rules["since"])
            rest = {name: rules[name] for name in ("destination", "reason", "shop")}
            return replays.matching(connection, since=since, **rest)
        ids = views.find(connection, wanted)
    if len(ids) != 1:
        raise click.ClickException(f"no order {wanted}" if not ids else f"{wanted} is the name of the orders {ids}")
    return ids


def _replay(desk: Desk, ids: list[int], *, destination: str | None, edit: dict[str, Any] | None, quiet: bool) -> int:
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn())
    moving = 0
    with Progress(*columns, console=console(), disable=quiet) as progress:
        bar = progress.add_task("", total=len(ids))
        for done in desk.replay(ids, destination=destination, edit=edit):
            moving += len(done.wake)
            progress.advance(bar, len(done.order_ids))
    return moving


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
@click.argument("name")
@click.option("--reason", default="", help="For the people who wonder why.")
def suspend(name: str, reason: str) -> None:
    """Hold every delivery of a destination until it is resumed."""
    with _desk() as desk:
        try:
            desk.suspend(name, reason=reason)
        except UnknownDestinationError as error:
            raise click.ClickException(str(error)) from None
    console().print(f"{name} is suspended; its deliveries are held until: crossdock resume {name}")


@click.command()
@click.argument("name")
def resume(name: str) -> None:
    """Open a suspended destination and let its deliveries go."""
    with _desk() as desk:
        try:
            freed = desk.resume(name)
        except UnknownDestinationError as error:
            raise click.ClickException(str(error)) from None
    console().print(f"{name} is open; {freed} deliveries were held and go on now")


@click.command()
def migrate() -> None:
    """Bring the ledger to this version's schema."""
    found = Ledger(settings().database_url, pool_size=1)
    try:
        before, after = migrations.migrate(found)
    finally:
        found.close()
    same = before == after
    console().print(
        f"the ledger is at revision {after} already" if same else f"the ledger went from {before or 'none'} to {after}"
    )
