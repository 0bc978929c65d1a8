"""The envelope, paging and sorting (section 4): JSON:API-like, not JSON:API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote_plus

from sandbox.iws.book import Row
from sandbox.iws.site import One, Rows
from sandbox.iws.views import without_nulls
from sandbox.system import Request

DEFAULT_SIZE = 10


def envelope_one(one: One) -> dict[str, Any]:
    """A single resource: ``data`` is an object, ``links`` an empty one."""
    return {"data": {"type": one.type, "id": one.id, "attributes": without_nulls(one.attributes)}, "links": {}}


def envelope_page(found: Rows, request: Request, mount: str, *, stuck: bool) -> dict[str, Any]:
    """One page, also an empty one. ``stuck``: the last page's next is its own address."""
    given = {name.lower(): value for name, value in request.params()}
    number, size = (
        _count(given.get(f"page[{name}]"), default) for name, default in (("number", 1), ("size", DEFAULT_SIZE))
    )
    rows = _sorted(found.rows, given.get("sort", ""))
    page = rows[(number - 1) * size : number * size]
    base = f"http://{request.headers.get('host', 'localhost')}{mount}{quote(request.path)}"
    query = request.query.decode("latin-1")
    links = {"self": f"{base}?{query}" if query else base}
    if len(rows) > number * size:
        links["next"] = f"{base}?{_next_query(query, number + 1)}"
    elif stuck:
        links["next"] = links["self"]
    data = [{"type": found.type, "id": key, "attributes": without_nulls(row)} for key, row in page]
    return {"data": data, "links": links}


def _count(text: str | None, default: int) -> int:
    # Not one word on wrong ones anywhere; they are passed over.
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 and int(text) else default


def _next_query(query: str, number: int) -> str:
    """As sent, with the page's number last and its brackets raw."""
    parts = [part for part in query.split("&") if part]
    kept = [part for part in parts if _name(part) != "page[number]"]
    raw = [f"page[size]={part.partition('=')[2]}" if _name(part) == "page[size]" else part for part in kept]
    return "&".join([*raw, f"page[number]={number}"])


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0]).lower()


def _sorted(rows: list[tuple[str, Row]], sort: str) -> list[tuple[str, Row]]:
    name = sort.strip().removeprefix("-").lower()
    if not name:
        return rows

    def key(row: tuple[str, Row]) -> tuple[int, float, str]:
        attributes = {"id": row[0], **row[1]}
        value = next((value for known, value in attributes.items() if known.lower() == name), None)
        if isinstance(value, bool | int | float):
            return (1, float(value), "")
        return (1, 0.0, str(value)) if value is not None else (0, 0.0, "")

    return sorted(rows, key=key, reverse=sort.strip().startswith("-"))
