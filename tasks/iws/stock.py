"""Interprise IWS: what is in stock (contracts/iws.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from schemas.http import Call
from schemas.iws import IwsDestination
from schemas.iws.reply import is_code
from tasks.iws.changes import PART, local
from tasks.iws.paging import Reader, listing
from worker.feeds import Stock


async def listed(destination: IwsDestination, checkpoint: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """The checkpoint with the items of the listing's next page ``pending``, by code with their names.

    One short page a reading: a row may bring a photo, and each item costs a call. What changes meanwhile is told by
    the changelog, from the time when the first page was read.

    Raises:
        Stopped, Endless
    """
    call = listing(destination.word("route_inventory"), sort="itemCode", size=PART)
    at = checkpoint.get("page")
    if at:
        call = Call(call.method, call.path, params=tuple((name, value) for name, value in at))
    rows, following = await reader.page(call)
    pending = {row.id or row.text("itemCode"): row.text("itemName") for row in rows}
    after = {**checkpoint, "pending": {code: name for code, name in pending.items() if is_code(code)}}
    after.setdefault("since", local(destination, reader.now).isoformat())
    ended = following is None or following.params == call.params
    return after | {"listed": ended, "page": None if ended or following is None else following.params}


async def stock_of(destination: IwsDestination, reader: Reader, code: str, *, name: str) -> Stock | None:
    """The free stock of an item in all warehouses; None where it is not there.

    Args:
        name: itemName, the SKU; empty where it is not known.

    Raises:
        Stopped, Endless
    """
    if not name:
        item = await reader.one(f"inventory/{code}")
        name = item.text("itemName") if item is not None else ""
    if not name:
        return None
    free, told = Decimal(0), False
    async for row in reader.rows(listing(destination.word("route_stock").replace("{code}", code))):
        figure = row.number(destination.word("stock_free"))
        if figure is not None:
            free, told = free + figure, True
    return Stock(code=name, quantity=free if told else None)
