"""Enapps: local copies of partners, contacts, addresses and products (contracts/enapps.md sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import whole
from schemas.enapps import EnappsDestination
from schemas.enapps.reply import pair_id, rows, said
from schemas.http import Call
from tasks.enapps.replies import trouble
from worker.feeds import Batch, Checkpoint, Copied, Feed, Stock
from worker.outcomes import Reject, Retry
from worker.system import Http

OVERLAP = timedelta(hours=2)
"""The zone of its times is not stated, and clocks differ; what is read twice is the same."""

WHOLE_AGAIN = timedelta(days=1)
"""What was deleted there is not in a list of changes: once a day all is read."""


def partner(row: Mapping[str, Any]) -> Copied | None:
    """A company."""
    return _copied("partner", row, ref=_text(row.get("ref")), name=_text(row.get("name")))


def contact(row: Mapping[str, Any]) -> Copied | None:
    """A person, who may order: ``data`` has the company and whether it is the primary contact."""
    name = " ".join(part for part in (_text(row.get("first_name")), _text(row.get("last_name"))) if part)
    data = {"partner": pair_id(row.get("partner_id")), "type": _text(row.get("type"))}
    return _copied("contact", row, email=_text(row.get("email")), name=name, data=data)


def address(row: Mapping[str, Any]) -> Copied | None:
    """A place of a company."""
    names = ("type", "street", "street2", "city", "zip")
    data = {"partner": pair_id(row.get("partner_id")), **{name: _text(row.get(name)) for name in names}}
    return _copied("address", row, data=data)


def product(row: Mapping[str, Any]) -> Copied | None:
    """A product, found by its SKU."""
    return _copied("product", row, ref=_text(row.get("default_code")), name=_text(row.get("name")))


def _copied(kind: str, row: Mapping[str, Any], **more: Any) -> Copied | None:
    key = whole(row.get("id"))
    return None if key is None else Copied(kind=kind, key=str(key), **more)


def _text(value: object) -> str:
    return "" if value is None or value is False else str(value).strip()


def _reader(
    path: str, read: Callable[[Mapping[str, Any]], Copied | None], *, kind: str, by_date: bool
) -> Callable[[EnappsDestination, Checkpoint, float, Http], Any]:
    async def reading(destination: EnappsDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
        began = datetime.fromtimestamp(now, UTC)
        whole_at = checkpoint.get("whole_at")
        if "page" in checkpoint:
            from_the_start = bool(checkpoint.get("all"))
        else:
            from_the_start = whole_at is None or began - datetime.fromisoformat(whole_at) > WHOLE_AGAIN
        since = checkpoint.get("since") if by_date and not from_the_start else None
        page = int(checkpoint.get("page", destination.first_page))
        params = [("page", str(page))]
        if since is not None:
            params.append(("write_date", since))
        reply = await http.send(Call("GET", path, params=tuple(params)))
        problem = trouble(reply, writing=False, destination=destination.name, now=now)
        found = rows(reply) if problem is None else None
        if found is None:
            return Batch(checkpoint=_kept(checkpoint), problem=_problem(problem, said(reply)))
        copies = tuple(one for one in map(read, found) if one is not None)
        first = copies[0].key if copies else ""
        last = not found or first == checkpoint.get("first")  # a site may have pages of another size
        begun = float(checkpoint.get("begun", now))
        stock = tuple(Stock(code=one.ref, name=one.name) for one in copies if one.ref) if kind == "product" else ()
        if not last:
            ahead = {"page": page + 1, "first": first, "begun": begun, "all": since is None}
            return Batch(checkpoint={**_kept(checkpoint), **ahead}, copies=copies, stock=stock, more=True)
        upto = datetime.fromtimestamp(begun, UTC) - OVERLAP
        done = {"since": upto.strftime("%Y-%m-%d %H:%M:%S")}
        done["whole_at"] = datetime.fromtimestamp(begun, UTC).isoformat() if since is None else str(whole_at)
        kinds = {kind, "stock"} if kind == "product" else {kind}
        seen = frozenset(kinds) if since is None else frozenset[str]()
        return Batch(checkpoint=done, copies=copies, stock=stock, whole=seen, since=begun)

    return reading


def _kept(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: checkpoint[name] for name in ("since", "whole_at") if name in checkpoint}


def _problem(problem: Any, text: str) -> Any:
    if isinstance(problem, Reject) or problem is None:
        return Retry(code="unreadable", reason=problem.reason if problem else f"Enapps answered with no list: {text}")
    return problem


def _every(destination: EnappsDestination) -> float:
    return destination.sync_minutes * 60


FEEDS: tuple[Feed[EnappsDestination], ...] = (
    Feed(name="partners", every_s=_every, read=_reader("partners", partner, kind="partner", by_date=True)),
    Feed(name="contacts", every_s=_every, read=_reader("contacts", contact, kind="contact", by_date=True)),
    Feed(name="addresses", every_s=_every, read=_reader("addresses", address, kind="address", by_date=False)),
    Feed(name="products", every_s=_every, read=_reader("products/get_basic", product, kind="product", by_date=False)),
)
