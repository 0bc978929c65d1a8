"""Enapps: reading its replies (contracts/enapps.md sections 3, 4 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.echo import exact, members, whole
from schemas.http import Reply

QUOTED = 300

REFERENCE = "client_order_ref"
"""Where our number stands."""


def said(reply: Reply) -> str:
    """Enapps' own words, or those of whatever answered in its place."""
    body = members(reply.json())
    error = body.get("error")
    words = members(error).get("message") or (error if isinstance(error, str) else None) or body.get("message")
    return " ".join(str(words or reply.text).split())[:QUOTED]


def failed(reply: Reply) -> bool:
    """A 200 with an ``error`` in it is a failure as well (section 3.1)."""
    return bool(members(reply.json()).get("error"))


def wordless(reply: Reply) -> bool:
    """It has no body, or JSON's null."""
    return reply.text.strip() in ("", "null")


def told_status(reply: Reply) -> int | None:
    """The status; of an error within a 200 the one that it names, None where it names none."""
    if not (reply.ok and failed(reply)):
        return reply.status
    code = whole(members(members(reply.json())["error"]).get("code"))
    return code if code is not None and 400 <= code < 600 else None


def rows(reply: Reply, *, under: str = "", names: Mapping[str, str] | None = None) -> list[dict[str, Any]] | None:
    """A list: bare, or under ``data`` or ``results``; None where it is something else (section 3).

    Args:
        under: the member that a site's lists are in, before those two.
        names: by the contract's name of a member, what the site calls it; the rows have the contract's.
    """
    body = reply.json()
    if isinstance(body, dict):
        known = (name for name in (under, "data", "results") if name)
        body = next((body[name] for name in known if isinstance(body.get(name), list)), None)
    if not isinstance(body, list):
        return None
    found = [members(one) for one in body]
    there = {usual: here for usual, here in (names or {}).items() if usual != here}
    return [_usual(row, there) for row in found] if there else found


def _usual(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {**row, **{usual: row[here] for usual, here in names.items() if here in row}}


def pair_id(value: object) -> int | None:
    """The id of a relation: ``[id, "name"]``, or the bare number (section 9, trap 4)."""
    return whole(value[0]) if isinstance(value, list) and value else whole(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOrder:
    """A sale order of GET orders (section 7). ``contact``: who ordered; None where it was not told."""

    order_id: int
    name: str
    reference: str
    state: str
    total: Decimal | None
    currency: str
    contact: int | None = None

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.name or str(self.order_id)

    @property
    def cancelled(self) -> bool:
        """Its state begins with cancel; the list of states is not public."""
        return self.state.lower().startswith("cancel")


def found_order(entry: Mapping[str, Any]) -> FoundOrder | None:
    """An entry of GET orders; None without an id."""
    order_id = whole(entry.get("id"))
    if order_id is None:
        return None
    return FoundOrder(
        order_id=order_id,
        name=_text(entry.get("name")),
        reference=" ".join(_text(entry.get(REFERENCE)).split()),
        state=_text(entry.get("state")),
        total=exact(entry.get("amount_total")),
        currency=_text(entry.get("currency")).upper(),
        contact=pair_id(entry.get("partner_order_id")),
    )


def created(reply: Reply) -> tuple[int | None, str]:
    """Id and name of an order that was just made, as far as the reply tells them: its shape is not public (6.2)."""
    found = rows(reply)
    body = members(reply.json())
    inner = found[0] if found else members(body.get("data")) or body
    return whole(inner.get("id")), _text(inner.get("name"))


def _text(value: object) -> str:
    """Empty relations and texts come as false in this family (section 3); a list or an object is no text at all."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
