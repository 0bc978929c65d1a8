"""``plan``: the route and the HTTP requests of an order, without sending them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import quote, urlencode

import click
from rich.console import Console
from rich.text import Text

from schemas.config import Config, Shop
from schemas.destination import Destination, PathAuth, QueryAuth, Unmappable
from schemas.http import HIDDEN, Call
from schemas.order import Order
from schemas.routing import NoRoute, asks_for_stock, number_at_destination, release, route
from schemas.shops import PLATFORMS
from schemas.stock import Articles, Catalogue, remarks
from worker.cli.common import as_json, config, console, ledger, print_json
from worker.errors import LedgerError
from worker.producers import read_order
from worker.system import Job

_TOPICS = {"shopify": ("x-shopify-topic", "orders/updated"), "woocommerce": ("x-wc-webhook-topic", "order.updated")}
"""The header in which a platform says what a body is; Standard Webhooks say it in the body."""


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--shop", help="The shop it comes from; needed where several shops can read it.")
@as_json
def plan(file: IO[bytes], shop: str | None, *, as_json: bool) -> None:
    """Show the route and the exact HTTP requests of an order, and send nothing.

    FILE is a webhook's body as the shop sends it (Shopify, WooCommerce, Standard Webhooks), or a canonical order; - is
    standard input. The requests are those of a first attempt, and a secret is shown as ***. The ledger is asked for
    nothing but what destinations said of their stock: an order that is there already, or whose number another shop's
    order holds, is planned like a new one.
    """
    found = config()
    name, order = _read(file.read(), shop, found)
    told = _plan(order, name, found, stock=_stock(order, found))
    if as_json:
        print_json(told)
    else:
        _show(console(), told)


def _read(body: bytes, shop: str | None, found: Config) -> tuple[str, Order]:
    if shop is not None and shop not in found.shops:
        raise click.ClickException(f"no shop {shop!r}; there are: {', '.join(sorted(found.shops))}")
    names = list(found.shops) if shop is None else [shop]
    canonical = read_order(body, key=None, topic="plan")
    fitting: dict[str, Order] = {}
    reasons = [f"as a canonical order: {canonical.reason}"]
    for name in names:
        order, reason = (canonical.order, "") if canonical.order else _as_webhook(body, found.shops[name])
        if order is not None:
            fitting[name] = order
        else:
            reasons.append(f"as a webhook of {name} ({found.shops[name].platform}): {reason}")
    if not fitting:
        raise click.ClickException("this is no order that can be read:\n  " + "\n  ".join(reasons))
    if len(fitting) > 1:
        raise click.ClickException(f"say which shop it comes from: --shop {' | '.join(fitting)}")
    return next(iter(fitting.items()))


def _as_webhook(body: bytes, shop: Shop) -> tuple[Order | None, str]:
    header, topic = _TOPICS.get(shop.platform, ("", ""))
    headers = {header: topic} if header else {}
    read = PLATFORMS[shop.platform].read(headers=headers, body=body, shop=shop, received_at=datetime.now(UTC))
    return read.order, read.reason


def _stock(order: Order, found: Config) -> Catalogue:
    """What the ledger knows of the order's codes; nothing where there is no ledger, for a plan needs none."""
    from sqlalchemy.exc import SQLAlchemyError

    from worker.ledger.stock import catalogue

    try:
        with ledger() as opened, opened.read() as connection:
            return catalogue(connection, order, found.destinations.values())
    except (LedgerError, SQLAlchemyError) as error:
        if asks_for_stock(found):
            why = str(error) if isinstance(error, LedgerError) else "the ledger does not answer"
            click.echo(f"What is in stock is not known here: {why}", err=True)
        return {}


def _plan(order: Order, shop: str, found: Config, *, stock: Catalogue) -> dict[str, Any]:
    chosen = route(order, shop=shop, config=found, stock=stock)
    no_route = chosen.reason if isinstance(chosen, NoRoute) else None
    status, reason = _fate(order, found.shops[shop], no_route)
    steps = () if isinstance(chosen, NoRoute) else chosen.deliver
    return {
        "shop": shop,
        "number": order.number,
        "status": status,
        "reason": reason,
        "route": None if isinstance(chosen, NoRoute) else chosen.name,
        "deliveries": [_step(order, shop, found.destinations[name], found, stock=stock) for name in steps],
    }


def _fate(order: Order, shop: Shop, no_route: str | None) -> tuple[str, str | None]:
    """What becomes of a new order like this, and why, where it is not sent at once."""
    if order.test:
        return "ignored", "a test order goes nowhere"
    if order.cancelled:
        return "cancelled", "it is cancelled: nothing is sent, and what was sent before is taken back"
    held = no_route or release(order, shop=shop)
    return ("held", held) if held else ("sent", None)


def _step(order: Order, shop: str, destination: Destination, found: Config, *, stock: Catalogue) -> dict[str, Any]:
    from tasks.registry import system

    job = Job(order=order, number=number_at_destination(order, found.shops[shop]), shop=shop, destination=destination)
    reason, calls = None, list[Call]()
    try:
        calls = list(system(destination.system).plan(job))
        reason = None if calls else "nothing to send"
    except Unmappable as error:
        kind = "held" if error.hold else "dead letter"
        reason = " ".join(filter(None, (f"{kind}: {error}", error.hint)))
    return {
        "destination": destination.name,
        "system": destination.system,
        "auth": destination.auth.mode,
        "reason": reason,
        "remarks": list(remarks(order, destination, stock.get(destination.name, Articles()))),
        "requests": [_request(call, destination) for call in calls],
    }


def _request(call: Call, destination: Destination) -> dict[str, Any]:
    """As :class:`worker.http.Client` sends it, but for the secret."""
    url = call.address(destination.base_url)
    query = urlencode(call.params, quote_via=quote)
    secret = destination.auth.name if isinstance(destination.auth, QueryAuth) else call.key_param
    if secret:
        query += f"{'&' if query else ''}{quote(secret)}={HIDDEN}"
    elif isinstance(destination.auth, PathAuth):
        url += f"/{HIDDEN}"
    told = {"method": call.method, "url": f"{url}?{query}" if query else url, "body": call.shown}
    return told | {"headers": dict(call.headers)} if call.headers else told


def _show(out: Console, told: dict[str, Any]) -> None:
    where = " -> ".join(step["destination"] for step in told["deliveries"])
    line = Text.assemble((told["number"], "bold"), f" of {told['shop']}")
    if told["route"]:
        line.append(f", route {told['route']}: {where}")
    out.print(line)
    if told["reason"]:
        out.print(Text.assemble((told["status"], "yellow"), f": {told['reason']}"))
        if told["deliveries"]:
            out.print(Text("Once it may leave:" if told["status"] == "held" else "Otherwise it would be:", style="dim"))
    for step in told["deliveries"]:
        out.print(Text.assemble("\n", (step["destination"], "bold"), f" ({step['system']}, {step['auth']})"))
        if step["reason"]:
            out.print(Text(f"  {step['reason']}"))
        for remark in step["remarks"]:
            out.print(Text(f"  Note: {remark}", style="yellow"))
        _show_requests(out, step["requests"])


def _show_requests(out: Console, requests: Sequence[dict[str, Any]]) -> None:
    for request in requests:
        out.print(Text(f"  {request['method']} {request['url']}", style="cyan"))
        for name, value in request.get("headers", {}).items():
            out.print(Text(f"  {name}: {value}", style="cyan"))
        body = request["body"]
        if body is not None:
            body = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=2)
            out.print(Text("  " + body.replace("\n", "\n  ")), soft_wrap=True)  # can be copied as it stands
