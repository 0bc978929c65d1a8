"""What the ledger keeps of what destinations say about article codes, and of their partners and contacts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, or_, select, tuple_

from schemas.config import Config
from schemas.destination import Destination
from schemas.order import Order
from schemas.stock import Articles, code_of, named, short
from worker.ledger import tables as t
from worker.ledger.book import chunks, storable
from worker.ledger.feeds import STOCK
from worker.ledger.views import stamp

_f, _s, _c = t.feeds.c, t.stock.c, t.copies.c

TELLING = frozenset({"stock", "products"})
"""Names of the feeds that tell of article codes."""


def catalogue(connection: Connection, order: Order, destinations: Iterable[Destination]) -> dict[str, Articles]:
    """What these destinations say about the codes of one order; those that say nothing at all are left out."""
    codes = {one.name: {storable(code).casefold() for code in named(order, one)} for one in destinations}
    whole = read_whole(connection, codes)
    found: dict[str, dict[str, Decimal | None]] = {name: {} for name in whole}
    for part in chunks(sorted((name, code) for name, some in codes.items() for code in some)):
        query = select(_s.destination, _s.code, _s.quantity).where(tuple_(_s.destination, _s.code).in_(part))
        for row in connection.execute(query):
            quantity = None if row.quantity is None else Decimal(row.quantity)
            found.setdefault(row.destination, {})[row.code] = quantity
    return {name: Articles(quantities=figures, whole=name in whole) for name, figures in found.items()}


def read_whole(connection: Connection, names: Iterable[str]) -> dict[str, float]:
    """Of these destinations those whose codes were read to their end: when that reading began, in UNIX seconds."""
    query = select(_f.destination, _f.whole).where(_f.destination.in_(list(names)))
    read = [(row.destination, json.loads(row.whole).get(STOCK)) for row in connection.execute(query)]
    return {name: float(at) for name, at in read if at is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list, and what the next one begins after; None at the end."""

    items: list[dict[str, Any]]
    following: str | None


def listed(
    connection: Connection,
    config: Config,
    *,
    destination: str | None = None,
    sku: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> Page:
    """What destinations say about their codes, by destination and code.

    Args:
        sku: only what it is called at each destination; a destination that does not know it is told of too.
        cursor: ``Page.following`` of the page before.
    """
    places = [one for name, one in config.destinations.items() if destination in (None, name)]
    query = select(t.stock).where(_s.destination.in_([one.name for one in places]))
    if sku is not None:
        keys = [(one.name, storable(code).casefold()) for one in places if (code := code_of(one, sku))]
        rows = connection.execute(
            query.where(tuple_(_s.destination, _s.code).in_(keys)).order_by(_s.destination, _s.code)
        ).all()
        known = {row.destination for row in rows}
        whole = read_whole(connection, [one.name for one in places if one.name not in known])
        items = [_row(row, [sku]) for row in rows]
        items += [_missing(one, sku, at=whole[one.name]) for one in places if one.name in whole and code_of(one, sku)]
        return Page(items=sorted(items, key=lambda item: (item["destination"], item["code"])), following=None)
    if cursor is not None:
        name, _, code = cursor.partition("/")
        query = query.where(or_(_s.destination > name, (_s.destination == name) & (_s.code > code)))
    rows = connection.execute(query.order_by(_s.destination, _s.code).limit(limit + 1)).all()
    words = {one.name: _our_words(one) for one in places}
    items = [
        _row(row, _skus(row, config.destinations[row.destination], words[row.destination])) for row in rows[:limit]
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items=items, following=f"{last.destination}/{last.code}" if last is not None else None)


def _our_words(destination: Destination) -> Mapping[str, list[str]]:
    """Their code in folded case -> what we call it, where that differs."""
    found: dict[str, list[str]] = {}
    for sku in destination.skus:
        code = code_of(destination, sku)
        if code is not None:
            found.setdefault(code.casefold(), []).append(sku)
    return found


def _skus(row: Any, destination: Destination, words: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """What we call a code: the SKUs that the map has for it, else the code itself, unless that is sent as another."""
    same = (code_of(destination, row.shown) or "").casefold() == row.code
    return words.get(row.code) or ([row.shown] if same else [])


def _row(row: Any, skus: Sequence[str]) -> dict[str, Any]:
    return {
        "destination": row.destination,
        "code": row.shown,
        "skus": list(skus),
        "known": True,
        "name": row.name or None,
        "quantity": None if row.quantity is None else short(Decimal(row.quantity)),
        "seen_at": stamp(row.seen_at),
    }


def _missing(destination: Destination, sku: str, *, at: float) -> dict[str, Any]:
    return {
        "destination": destination.name,
        "code": code_of(destination, sku),
        "skus": [sku],
        "known": False,
        "name": None,
        "quantity": None,
        "seen_at": stamp(at),
    }


def partners(connection: Connection, destination: str, *, q: str | None = None, limit: int) -> Page:
    """Copied partners and contacts of a destination, by kind and name; ``q``: a part of name, code or e-mail."""
    query = select(t.copies).where(_c.destination == destination, _c.kind.in_(("partner", "contact")))
    if q:
        like = "%" + storable(q).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(or_(*(column.ilike(like, escape="\\") for column in (_c.name, _c.shown, _c.email))))
    rows = connection.execute(query.order_by(_c.kind.desc(), _c.name, _c.key).limit(limit + 1)).all()
    items = [
        {
            "kind": row.kind,
            "key": row.key,
            "ref": row.shown or None,
            "name": row.name or None,
            "email": row.email or None,
            "data": json.loads(row.data),
            "seen_at": stamp(row.seen_at),
        }
        for row in rows[:limit]
    ]
    return Page(items=items, following=rows[limit - 1].key if len(rows) > limit else None)
