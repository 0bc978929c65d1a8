"""What an order's page says of the stock at destinations to which the order has still to go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from schemas import stock
from schemas.config import Config
from schemas.order import Order
from worker.ledger.stock import catalogue


def remarks(connection: Connection, item: Mapping[str, Any], *, config: Config) -> dict[str, Sequence[str]]:
    """By destination, for an order of ``views.order``; where it is already, what it took is missing from the stock."""
    if item["order"] is None or item["order"]["cancelled"]:
        return {}
    order = Order.model_validate(item["order"])
    ahead = [d["destination"] for d in item["deliveries"] if not d["there"] and d["status"] not in _OVER]
    places = [config.destinations[name] for name in ahead if name in config.destinations]
    told = catalogue(connection, order, places)
    found = {one.name: stock.remarks(order, one, told[one.name]) for one in places if one.name in told}
    return {name: lines for name, lines in found.items() if lines}


_OVER = ("delivered", "cancelled")
