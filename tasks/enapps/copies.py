"""Enapps: who orders, and what, by the local copies (contracts/enapps.md sections 4 and 5)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from schemas.customers import NO_CONTACT, NO_EMAIL, foremost
from schemas.destination import Unmappable
from schemas.enapps import EnappsDestination, codes
from schemas.order import Order
from tasks.copies import not_copied
from worker.outcomes import Retry
from worker.system import Job, Shelf


def prepare(order: Order, memo: Mapping[str, Any], destination: EnappsDestination, shelf: Shelf) -> Mapping[str, Any]:
    """Contact and products from the copies, anew until the order is there: a person may have mended them.

    And what a look-up has to know of attempts that may have got through: since when there were any (``begun``, UNIX
    seconds), for which contacts (``contacts``) of which companies (``partners``), and which contents of the order they
    sent (``contents``) under which numbers of the shop (``numbers``).
    """
    if memo.get("order_id") or order.cancelled:
        return memo
    found = dict(memo)
    found.setdefault("begun", time.time())
    found["contact"] = _contact(order, destination, shelf)
    if "id" in found["contact"]:
        found["contacts"] = _with(memo.get("contacts", ()), found["contact"]["id"])
        found["partners"] = _with(memo.get("partners", ()), found["contact"].get("partner"))
    found["contents"] = _with(memo.get("contents", ()), order.content())
    found["numbers"] = _with(memo.get("numbers", ()), order.number)
    found.pop("unread", None)
    try:
        wanted = codes(order, destination)
    except Unmappable:
        return found  # converge says so
    found["products"] = {code: _ids(code, destination, shelf) for code in wanted}
    # Of an e-mail address or a SKU that is there twice, the right one may be still to come.
    looked_up = ["product", *(["contact"] if order.email and destination.contact == "email" else [])]
    unread = [kind for kind in looked_up if not shelf.copied(destination.name, kind)]
    if unread:
        found["unread"] = unread[0]
    return found


def _with(known: Any, one: Any) -> list[Any]:
    return [*(other for other in known if other != one), one]


def _contact(order: Order, destination: EnappsDestination, shelf: Shelf) -> dict[str, Any]:
    """Whose order it is, as ``{"id", "partner"}``; or the candidates (section 4.2: ``primary`` first)."""
    if destination.contact != "email":
        known = shelf.copies(destination.name, "contact", key=str(destination.contact))
        return {"id": destination.contact, "partner": known[0].data.get("partner") if known else None}
    if not order.email:
        return {"missing": NO_EMAIL}
    found = foremost(shelf.copies(destination.name, "contact", email=order.email))
    if len(found) == 1:
        return {"id": int(found[0].key), "partner": found[0].data.get("partner")}
    return {"candidates": [int(one.key) for one in found]} if found else {"missing": NO_CONTACT}


def _ids(code: str, destination: EnappsDestination, shelf: Shelf) -> list[int]:
    """Product ids of a SKU: the one that is written just so, before those in other letters."""
    found = shelf.copies(destination.name, "product", ref=code)
    exact = [one for one in found if one.ref == code]
    return [int(one.key) for one in exact or found]


def waiting(job: Job[EnappsDestination]) -> Retry | None:
    """Copies that were never complete tell nobody apart: a new connection needs a moment."""
    kind = job.memo.get("unread")
    return not_copied(f"{kind}s", job.destination.name) if kind else None


def whom(job: Job[EnappsDestination]) -> int:
    """The contact who orders.

    Raises:
        Unmappable: ``contact_missing``, ``contact_ambiguous``.
    """
    told, name = job.memo.get("contact", {}), job.destination.name
    if "id" in told:
        return int(told["id"])
    hint = (
        f"Enter or mend the contact in Enapps and replay; it is copied every {job.destination.sync_minutes:g} minutes. "
        f"Or name one contact for all orders in [destinations.{name}]: contact = 953."
    )
    if told.get("candidates"):
        ids = ", ".join(map(str, told["candidates"]))
        reason = f"Enapps has several contacts with the order's e-mail address and no one primary one: {ids}."
        raise Unmappable("contact_ambiguous", reason, hint=hint, hold=True)
    reason = f"The buyer is no contact in Enapps: {told.get('missing', NO_CONTACT)}."
    raise Unmappable("contact_missing", reason, hint=hint, hold=True)


def products(job: Job[EnappsDestination]) -> dict[str, int | str]:
    """Their SKU -> product id.

    Raises:
        Unmappable: ``unknown_sku``, and as :func:`schemas.enapps.codes`.
    """
    found: dict[str, int | str] = {}
    for code in codes(job.order, job.destination):
        ids = job.memo.get("products", {}).get(code, [])
        if len(ids) != 1:
            section = f"[destinations.{job.destination.name}.skus]"
            copied = f"Products are copied every {job.destination.sync_minutes:g} minutes."
            if ids:
                reason = f"Enapps has several products with the SKU {code}: {', '.join(map(str, ids))}."
                hint = f"Leave the SKU to one of them there, or map ours to another one in {section}, then replay."
            else:
                reason = f"Enapps has no product with the SKU {code}, as far as it was copied."
                hint = f"Enter it there, or map it in {section}, then replay."
            raise Unmappable("unknown_sku", reason, hint=f"{hint} {copied}")
        found[code] = ids[0]
    return found
