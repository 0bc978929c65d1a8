"""``check`` and ``plan``: what is wrong with the configuration, and what would be sent."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from schemas.config import Config
from schemas.destination import Destination, Unmappable
from schemas.http import Call
from schemas.order import Order
from schemas.routing import NoRoute, number_at_destination, release, route
from schemas.shops import PLATFORMS
from worker.cli.common import as_json, config, console, print_json
from worker.config import check as check_config
from worker.http import Client
from worker.outcomes import Delivered
from worker.producers import read_order
from worker.settings import settings
from worker.system import Job


@click.command()
@click.option("--live", is_flag=True, help="Try each connection too, with a harmless read.")
@as_json
def check(*, live: bool, as_json: bool) -> None:
    """Everything that is wrong with the configuration, at once."""
    path = settings().config
    problems = check_config(path, os.environ)
    errors = [problem for problem in problems if problem.severity == "error"]
    tried = asyncio.run(_try_all(config())) if live and not errors else []
    if as_json:
        print_json({"problems": [asdict(problem) for problem in problems], "connections": tried})
    else:
        out = console()
        for problem in problems:
            style = "red" if problem.severity == "error" else "yellow"
            out.print(Text(problem.severity, style=style), Text(str(problem)))
        for item in tried:
            mark = Text("ok   ", style="green") if item["ok"] else Text("error", style="red")
            out.print(mark, Text(f"{item['destination']}: {item['text']}"))
        if not errors:
            out.print(f"{path} is in order" + (f", with {len(problems)} warnings" if problems else ""))
    sys.exit(1 if errors or any(not item["ok"] for item in tried) else 0)


async def _try_all(found: Config) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_try(destination) for destination in found.destinations.values())))


async def _try(destination: Destination) -> dict[str, Any]:
    from tasks.registry import system

    client = Client(destination)
    try:
        outcome = await system(destination.system).probe(destination, client)
    finally:
        await client.close()
    if isinstance(outcome, Delivered):
        return {
            "destination": destination.name,
            "ok": True,
            "text": f"answers ({outcome.note or destination.base_url})",
        }
    hint = getattr(outcome, "hint", "")
    return {"destination": destination.name, "ok": False, "text": f"{outcome.reason} {hint}".strip()}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--shop", help="The shop it comes from; needed where the configuration has several of its platform.")
@as_json
def plan(file: Path, shop: str | None, *, as_json: bool) -> None:
    """The route and the exact HTTP requests of an order, without sending them.

    FILE is a webhook body as the shop sends it, or a canonical order.
    """
    found = config()
    name, order = _read(file.read_bytes(), shop, found)
    told = _plan(order, name, found)
    if as_json:
        print_json(told)
        return
    out = console()
    out.print(f"[bold]{order.number}[/] of {name}: ", Text(told["route"] or f"held: {told['reason']}"), sep="")
    for step in told["deliveries"]:
        out.print(f"\n[bold]{step['destination']}[/] ({step['system']})")
        for text in [step["reason"]] if step["reason"] else []:
            out.print(Text(f"  {text}"))
        for request in step["requests"]:
            out.print(Text(f"  {request['method']} {request['url']}"))
            if request["body"] is not None:
                out.print(Text("  " + json.dumps(request["body"], ensure_ascii=False, indent=2).replace("\n", "\n  ")))


def _read(body: bytes, shop: str | None, found: Config) -> tuple[str, Order]:
    names = [shop] if shop else list(found.shops)
    if shop and shop not in found.shops:
        raise click.ClickException(f"no shop {shop!r}; there are: {', '.join(found.shops)}")
    canonical = read_order(body, key=None, topic="plan")
    fitting: list[tuple[str, Order]] = []
    reasons: list[str] = []
    for name in names:
        if canonical.order is not None:
            fitting.append((name, canonical.order))
            continue
        platform = found.shops[name].platform
        topic = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}.get(platform, "x-topic")
        value = "orders/create" if platform == "shopify" else "order.created"
        read = PLATFORMS[platform].read(
            headers={topic: value}, body=body, shop=found.shops[name], received_at=datetime.now(UTC)
        )
        if read.order is not None:
            fitting.append((name, read.order))
        else:
            reasons.append(f"{name} ({platform}): {read.reason}")
    if not fitting:
        raise click.ClickException("no shop can read this order:\n  " + "\n  ".join([canonical.reason, *reasons]))
    if len(fitting) > 1:
        raise click.ClickException(f"say which shop it comes from: --shop {' | '.join(name for name, _ in fitting)}")
    return fitting[0]


def _plan(order: Order, shop: str, found: Config) -> dict[str, Any]:
    why = release(order, shop=found.shops[shop])
    chosen = route(order, shop=shop, config=found)
    if isinstance(chosen, NoRoute):
        return {"route": None, "reason": chosen.reason, "deliveries": []}
    steps = [_step(order, shop, found.destinations[name], found) for name in chosen.deliver]
    return {"route": f"route {chosen.name}: {' -> '.join(chosen.deliver)}", "reason": why, "deliveries": steps}


def _step(order: Order, shop: str, destination: Destination, found: Config) -> dict[str, Any]:
    from tasks.registry import system

    number = number_at_destination(order, found.shops[shop])
    job = Job(order=order, number=number, shop=shop, destination=destination)
    told: dict[str, Any] = {
        "destination": destination.name,
        "system": destination.system,
        "reason": None,
        "requests": [],
    }
    try:
        calls = system(destination.system).plan(job)
    except Unmappable as error:
        return told | {"reason": f"{'held' if error.hold else 'dead letter'}: {error} {error.hint}".strip()}
    if not calls:
        return told | {"reason": "nothing to send"}
    return told | {"requests": [_request(call, destination) for call in calls]}


def _request(call: Call, destination: Destination) -> dict[str, Any]:
    query = "?" + "&".join(f"{name}={value}" for name, value in call.params) if call.params else ""
    return {"method": call.method, "url": f"{destination.base_url}/{call.path}{query}", "body": call.body}
