"""Ongoing WMS: reading what GET /orders and refusals say. Sections and traps: contracts/ongoing.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from schemas.echo import exact, members, unlike, whole, words
from schemas.http import Reply
from schemas.ongoing import IDENTITY
from schemas.order import Order
from schemas.text import cut

SAID = 300
"""Characters of the warehouse's text that a reason quotes."""

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_MARKUP = re.compile(r"<(style|script)\b.*?</\1\s*>|</?[a-z!][^<>]*>", re.IGNORECASE | re.DOTALL)


def said(reply: Reply) -> str:
    """The warehouse's words: message in any casing and field errors, or else the raw text (section 1.8, trap 1)."""
    body = reply.json()
    texts = (members(body).get(name) for name in ("message", "Message", "error", "Error"))
    parts = [text for text in (body, *texts) if isinstance(text, str) and text.strip()][:1] + field_errors(reply)
    return readable(" ".join(parts) or reply.text)


def readable(text: str) -> str:
    """A text of the warehouse's, which may hold HTML, as plain words, cut at :data:`SAID`."""
    return cut(words(unescape(_MARKUP.sub(" ", _BREAK.sub(" ", text)))), SAID)


def field_errors(reply: Reply) -> list[str]:
    """``ModelState`` of ASP.NET, flattened: ``consignee: it is required.``"""
    state = members(members(reply.json()).get("ModelState"))
    return [f"{name}: {_joined(errors)}." for name, errors in state.items()]


def _joined(errors: object) -> str:
    return ", ".join(str(error).strip().rstrip(".") for error in (errors if isinstance(errors, list) else [errors]))


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order of GET /orders (section 1.6). ``json`` is all of it."""

    order_id: int
    owner_order_id: str
    market_place: str
    status: int | None
    json: Mapping[str, Any]

    @property
    def status_text(self) -> str:
        """What people call the status, in the warehouse's language."""
        return str(members(members(self.json.get("orderInfo")).get("orderStatus")).get("text") or "").strip()

    @property
    def cancelled(self) -> bool:
        """It stands at 1000, Cancelled in the standard list (section 1.7)."""
        return self.status == 1000

    def belongs_to(self, order: Order, *, shop: str) -> bool:
        """Ours carries our shop's order id, and no other shop's name (DESIGN.md section 7)."""
        return self.owner_order_id == order.shop_order_id and self.market_place in ("", shop)


def found_orders(body: Any, *, number: str) -> list[FoundOrder]:
    """The orders of a GET /orders reply that have this number, compared here and without case (trap 8).

    Raises:
        ValueError: the body is not the documented list, or an order with this number has no orderId.
    """
    if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
        raise ValueError("not a list of orders")
    found = []
    for entry in body:
        info = members(entry.get("orderInfo"))
        if words(info.get("orderNumber")).casefold() != words(number).casefold():
            continue
        order_id = whole(info.get("orderId"))
        if order_id is None:
            raise ValueError("an order without orderId")
        market_place = str(members(info.get("marketPlace")).get("marketPlace") or "").strip()
        owner_order_id = str(info.get("goodsOwnerOrderId") or "").strip()
        status = whole(members(info.get("orderStatus")).get("number"))
        found.append(FoundOrder(order_id, owner_order_id, market_place, status, entry))
    return found


def differences(sent: Mapping[str, Any], found: FoundOrder) -> tuple[str, ...]:
    """Names of what our order has there otherwise than the body of PUT /orders, as far as GET shows it."""
    info = dict(members(found.json.get("orderInfo")))
    if info.get("deliveryDate"):
        info["deliveryDate"] = str(info["deliveryDate"])[:10]  # bare, or with a time (section 1.2)
    head = {name: value for name, value in sent.items() if name not in IDENTITY | {"consignee", "orderLines"}}
    if "wayOfDelivery" in head:  # an existing code may keep its own name (section 1.7)
        head["wayOfDelivery"] = {"code": members(head["wayOfDelivery"]).get("code")}
    names = unlike(head, info)
    names += unlike(sent["consignee"], members(found.json.get("consignee")), "consignee.")
    ours = {row["rowNumber"]: _folded(row) for row in sent["orderLines"]}
    theirs = {str(line.get("rowNumber") or "").strip(): line for line in _lines(found.json)}
    for row in sorted(ours.keys() | theirs.keys()):
        if row in ours and row in theirs:
            names += unlike(ours[row], theirs[row], f"orderLines[{row}].")
        else:
            names.append(f"orderLines[{row}]")
    return tuple(names)


def _lines(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines that stand for something, under the names of the request."""
    rows = found.get("orderLines")
    lines = [members(line) for line in rows] if isinstance(rows, list) else []  # null on a fresh order (section 1.2)
    return [
        _folded(
            {
                **line,
                "articleNumber": members(line.get("article")).get("articleNumber"),
                "numberOfItems": line.get("orderedNumberOfItems"),
            }
        )
        for line in lines
        if exact(line.get("orderedNumberOfItems")) != 0
    ]


def _folded(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its article in lower case: the warehouse writes it as its own register does."""
    return {**row, "articleNumber": words(row["articleNumber"]).casefold()}
