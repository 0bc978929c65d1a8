"""What changed between two versions of an order, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from schemas.model import plain
from schemas.order import Address, Line, Order, Shipping

_BY_VALUE = {"number": "number", "currency": "currency"}
_BY_NAME = {"email": "e-mail", "phone": "phone", "note": "note"}
"""Told by their name alone: what is in them is a person's."""

_MOST = 20
"""So many changes are told; how many more there are stands behind them."""


def changes(before: Order, after: Order) -> tuple[str, ...]:
    """What differs, a phrase each: ``line 2 quantity 3 -> 1``. Lines are counted as the newer version has them.

    Names, addresses and notes are never quoted. What no destination sees is left out, but for the payment state.
    """
    said = [*_of_order(before, after), *_of_lines(before, after), *_of_shipping(before, after)]
    said += _of_totals(before, after)
    if len(said) > _MOST:
        said[_MOST:] = [f"and {len(said) - _MOST} more"]
    return tuple(said)


def _of_order(before: Order, after: Order) -> Iterator[str]:
    if before.cancelled != after.cancelled:
        yield "cancelled" if after.cancelled else "no longer cancelled"
    if before.test != after.test:
        yield "marked as a test order" if after.test else "no longer a test order"
    if before.payment_state != after.payment_state:
        yield f"payment {_words(before.payment_state)} -> {_words(after.payment_state)}"
    for name, said in _BY_VALUE.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{said} {old} -> {new}"
    for name, said in _BY_NAME.items():
        yield from _of_text(getattr(before, name), getattr(after, name), said)
    for name, said in (("ship_to", "ship-to"), ("bill_to", "bill-to")):
        yield from _of_address(getattr(before, name), getattr(after, name), said)


def _of_text(before: str | None, after: str | None, said: str) -> Iterator[str]:
    if before != after:
        yield f"{said} {'changed' if before and after else 'added' if after else 'removed'}"


def _of_address(before: Address | None, after: Address | None, said: str) -> Iterator[str]:
    if before is None or after is None:
        if before is not after:
            yield f"{said} address {'added' if before is None else 'removed'}"
        return
    fields = [_words(name) for name in Address.model_fields if getattr(before, name) != getattr(after, name)]
    if fields:
        yield f"{said} address changed ({', '.join(fields)})"


def _of_lines(before: Order, after: Order) -> Iterator[str]:
    old = {line.id: (position, line) for position, line in enumerate(before.lines, start=1)}
    kept = []
    for position, line in enumerate(after.lines, start=1):
        earlier = old.pop(line.id, None)
        if earlier is None:
            yield f"line {position} added ({_name(line)}, quantity {plain(line.quantity)})"
            continue
        kept.append(earlier[0])
        of_line = list(_of_line(earlier[1], line))
        if of_line:
            yield f"line {position} {', '.join(of_line)}"
    for position, line in old.values():
        yield f"line {position} of the earlier version removed ({_name(line)})"
    if kept != sorted(kept):
        yield "lines in another order"


def _of_line(before: Line, after: Line) -> Iterator[str]:
    if before.sku != after.sku:
        yield f"SKU {before.sku or 'none'} -> {after.sku or 'none'}"
    wanted = _wanted(before) != _wanted(after)
    given_up = before.quantity - _wanted(before) != after.quantity - _wanted(after)
    if before.quantity != after.quantity:
        yield _step("quantity", before.quantity, after.quantity)
    if before.fulfilled_quantity != after.fulfilled_quantity:
        yield _step("fulfilled", before.fulfilled_quantity, after.fulfilled_quantity)
    if wanted and given_up:
        yield _step("still to be delivered", before.open_quantity, after.open_quantity)
    money = [what for what in ("total_incl", "tax", "discount") if not _follows(before, after, what)]
    if "total_incl" in money:
        yield _step("total", before.total_incl, after.total_incl)
    if "tax" in money:
        yield _step("tax", before.tax, after.tax)
    if money == ["discount"]:
        yield _step("discount", before.discount, after.discount)
    if before.name != after.name or before.options != after.options:
        yield "description changed"
    if before.shippable != after.shippable:
        yield "needs shipping now" if after.shippable else "needs no shipping any more"


def _wanted(line: Line) -> Decimal:
    """What is or was to be delivered: being shipped alone changes nothing of it."""
    return line.open_quantity + line.fulfilled_quantity


def _follows(before: Line, after: Line, what: str) -> bool:
    """The money of one unit is as it was, but for rounding: that of the line only follows its quantity."""
    old: Decimal = getattr(before, what)
    new: Decimal = getattr(after, what)
    least = Decimal(1).scaleb(min(_exponent(old), _exponent(new)))
    off = abs(old * after.quantity - new * before.quantity)
    return off < least * max(before.quantity, after.quantity)


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0  # an order has no NaN


def _of_shipping(before: Order, after: Order) -> Iterator[str]:
    if before.shipping == after.shipping:
        return
    if not before.shipping or not after.shipping:
        there = after.shipping or before.shipping
        yield f"shipping {'added' if after.shipping else 'removed'} ({plain(_cost(there))})"
        return
    old, new = _cost(before.shipping), _cost(after.shipping)
    if old != new:
        yield _step("shipping", old, new)
    elif [one.tax for one in before.shipping] != [one.tax for one in after.shipping]:
        yield "shipping tax changed"
    if [(one.code, one.name) for one in before.shipping] != [(one.code, one.name) for one in after.shipping]:
        yield "shipping method changed"


def _cost(shipping: tuple[Shipping, ...]) -> Decimal:
    return sum((one.total_incl for one in shipping), Decimal(0))


def _of_totals(before: Order, after: Order) -> Iterator[str]:
    if before.total_incl != after.total_incl:
        yield f"order total {_or_none(before.total_incl)} -> {_or_none(after.total_incl)}"
    elif before.total_tax != after.total_tax:
        yield f"order tax {_or_none(before.total_tax)} -> {_or_none(after.total_tax)}"


def _step(what: str, old: Decimal, new: Decimal) -> str:
    return f"{what} {plain(old)} -> {plain(new)}"


def _or_none(value: Decimal | None) -> str:
    return "none" if value is None else plain(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _name(line: Line) -> str:
    return line.sku or "no SKU"
