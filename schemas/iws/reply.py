"""IWS: its envelope, its errors, and what a resource says (contracts/iws.md sections 4 to 6.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from schemas.echo import exact, words
from schemas.http import Call, Reply

SIZE = "page[size]"
"""The parameter that says how many rows a page has."""

QUOTED = 300
"""Characters of IWS's text that a reason quotes."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One row or object. Names of attributes are asked for in any letter case; a missing one is empty (section 3)."""

    id: str
    attributes: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether it says anything about it; null attributes are left out there."""
        return self.attributes.get(name.lower()) is not None

    def text(self, name: str) -> str:
        """An attribute as text with single spaces."""
        return words(self.attributes.get(name.lower()))

    def number(self, name: str) -> Decimal | None:
        """An attribute as an exact number; None where it is none."""
        return exact(self.attributes.get(name.lower()))

    def flag(self, name: str) -> bool:
        """Whether an attribute is true."""
        return self.text(name).lower() in ("true", "1")


_CODE = re.compile(r"[A-Za-z0-9][\w.-]*[A-Za-z0-9]", re.ASCII)


def is_code(text: str) -> bool:
    """Whether it may be an entity's code; broken ones occur: ``ITEM-`` (section 9)."""
    return _CODE.fullmatch(text) is not None


def moment(row: Resource, name: str) -> datetime | None:
    """An attribute as the server's local time, without offset (section 3); None where it is none."""
    try:
        return datetime.fromisoformat(row.text(name)).replace(tzinfo=None)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the address of those that follow; empty on the last page."""

    rows: tuple[Resource, ...]
    next: str


def _resource(value: object) -> Resource | None:
    if not isinstance(value, dict) or not isinstance(value.get("attributes", {}), dict):
        return None
    attributes = {name.lower(): inner for name, inner in value.get("attributes", {}).items()}
    code = value.get("id")
    return Resource(words(code) if isinstance(code, str | int) and not isinstance(code, bool) else "", attributes)


def read_one(reply: Reply) -> Resource | None:
    """The resource of ``{"data": {...}}``; None where the body is something else."""
    body = reply.json()
    return _resource(body.get("data")) if isinstance(body, dict) else None


def read_page(reply: Reply) -> Page | None:
    """The rows of ``{"data": [...], "links": {...}}``; None where the body is something else."""
    body = reply.json()
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return None
    rows = [_resource(row) for row in body["data"]]
    links = body.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    whole = [row for row in rows if row is not None]
    return Page(tuple(whole), following if isinstance(following, str) else "") if len(whole) == len(rows) else None


def read_created(reply: Reply) -> Resource | None:
    """What a POST made, its code as ``id``: data.id, else the attribute (section 6.5). None where it names none."""
    made = read_one(reply)
    code = "" if made is None else made.id or made.text("salesOrderCode")
    return replace(made, id=code) if made is not None and code else None


def following(call: Call, address: str) -> Call | None:
    """The call for ``links.next``: its query as it stands, at our own address. None where it is of another list.

    The server may know itself by a name that nobody else does, and the key must not go to another one. Whether ``next``
    carries the size of the pages is not known (section 4); without it they would not follow on one another.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if not unquote(parts.path).rstrip("/").casefold().endswith(call.path.casefold()):
        return None
    params = tuple(parse_qsl(parts.query, keep_blank_values=True))
    named = {name.lower() for name, _ in params}
    size = tuple(pair for pair in call.params if pair[0] == SIZE and SIZE not in named)
    return replace(call, params=(*params, *size))


def titles(reply: Reply) -> str | None:
    """What the ``errors`` of a body say, empty where they say nothing. None: the body has no ``errors``."""
    body = reply.json()
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors:
        return None
    return "; ".join(_nonempty(words(one.get("title")) for one in errors if isinstance(one, dict)))


def said(reply: Reply) -> str:
    """IWS's own words: the titles of its errors, the Message of ASP.NET, or the raw text."""
    body = reply.json()
    message = body.get("Message") if isinstance(body, dict) else None
    return words(titles(reply) or message or reply.text)[:QUOTED]


def _nonempty(texts: Iterable[str]) -> Iterable[str]:
    return (text for text in texts if text)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sales order, with the name of its item: a row has the internal key alone (section 6.6)."""

    name: str
    quantity: Decimal | None
    amount: Decimal | None


def read_line(row: Resource, name: str) -> Line:
    """``amount``: extPrice, else netPrice of one times the quantity."""
    quantity, amount, each = (row.number(one) for one in ("quantityOrdered", "extPrice", "netPrice"))
    if amount is None and quantity is not None and each is not None:
        amount = quantity * each
    return Line(name, quantity, amount)
