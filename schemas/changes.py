"""What changed between two versions of an order, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from schemas.model import plain
from schemas.order import Address, Line, Order

_PLAIN = {"email": "e-mail", "phone": "phone", "note": "note", "number": "number", "currency": "currency"}
"""Fields that are told by their name alone: their values are a person's."""

_MOST = 20
"""So many changes are told; how many more there are stands behind them."""


def changes(before: Order, after: Order) -> tuple[str, ...]:
    """What differs, a phrase each: ``line 2 quantity 3 -> 1``. Lines are counted as the newer version has them.

    Names, addresses and notes are never quoted. What no destination sees is left out, but for the payment state.
    """
    said = [*_of_order(before, after), *_of_lines(before, after), *_of_shipping(before, after)]
    if len(said) > _MOST:
        said[_MOST:] = [f"and {len(said) - _MOST} more"]
    return tuple(said)


def _of_order(before: Order, after: Order) -> Iterator[str]:
    if before.cancelled != after.cancelled:
        yield "cancelled" if after.cancelled else "no longer cancelled"
    if before.payment_state != after.payment_state:
        yield f"payment {before.payment_state} -> {after.payment_state}"
    for name, said in _PLAIN.items():
        if getattr(before, name) != getattr(after, name):
            yield f"{said} changed"
    for name, said in (("ship_to", "ship-to"), ("bill_to", "bill-to")):
        yield from _of_address(getattr(before, name), getattr(after, name), said)


def _of_address(before: Address | None, after: Address | None, said: str) -> Iterator[str]:
    if before is None or after is None:
        if before is not after:
            yield f"{said} address {'added' if before is None else 'removed'}"
        return
    fields = [name for name in Address.model_fields if getattr(before, name) != getattr(after, name)]
    if fields:
        yield f"{said} address changed ({', '.join(fields)})"


def _of_lines(before: Order, after: Order) -> Iterator[str]:
    old = {line.id: line for line in before.lines}
    for position, line in enumerate(after.lines, start=1):
        earlier = old.pop(line.id, None)
        if earlier is None:
            yield f"line {position} added ({_name(line)}, quantity {plain(line.quantity)})"
        else:
            yield from _of_line(earlier, line, f"line {position}")
    positions = {line.id: position for position, line in enumerate(before.lines, start=1)}
    for line in old.values():
        yield f"line {positions[line.id]} of the earlier version removed ({_name(line)})"


def _of_line(before: Line, after: Line, name: str) -> Iterator[str]:
    if before.sku != after.sku:
        yield f"{name} SKU {before.sku or 'none'} -> {after.sku or 'none'}"
    pairs = (
        ("quantity", before.quantity, after.quantity),
        ("fulfilled", before.fulfilled_quantity, after.fulfilled_quantity),
        ("still to be delivered", _wanted(before), _wanted(after)),
        ("total", before.total_incl, after.total_incl),
        ("tax", before.tax, after.tax),
    )
    told = {"quantity"} if before.quantity != after.quantity else set()
    for what, old, new in pairs:
        if old == new or (what == "still to be delivered" and "quantity" in told and new == after.quantity):
            continue
        yield f"{name} {what} {plain(old)} -> {plain(new)}"
    if before.name != after.name or before.options != after.options or before.shippable != after.shippable:
        yield f"{name} description changed"


def _wanted(line: Line) -> Decimal:
    """What is or was to be delivered: being shipped alone changes nothing of it."""
    return line.open_quantity + line.fulfilled_quantity


def _of_shipping(before: Order, after: Order) -> Iterator[str]:
    old, new = (sum((one.total_incl for one in order.shipping), Decimal(0)) for order in (before, after))
    if old != new:
        yield f"shipping {plain(old)} -> {plain(new)}"
    if [one.code for one in before.shipping] != [one.code for one in after.shipping]:
        yield "shipping method changed"


def _name(line: Line) -> str:
    return line.sku or "no SKU"
