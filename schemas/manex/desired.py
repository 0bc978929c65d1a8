"""ManEx: what the sales order of an order has to be: header, lines, prices and dates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from schemas.customers import Copies, Copy, code_of, customer_of
from schemas.destination import Unmappable
from schemas.goods import no_shipping_sku, no_sku, open_lines, shipping_left_out
from schemas.manex import CUSTOMER_DIGITS, SO_NUMBER_CHARS, ManexDestination, Part, ten_digits
from schemas.manex.reply import SalesOrder
from schemas.model import plain
from schemas.money import decimals, rounded
from schemas.order import Address, Line, Order
from schemas.text import cut

Memo = Mapping[str, Any]

PO_CHARS = 20
"""Of PoNo (section 3)."""

SHIPPING = " shipping"
"""The key of the shipping line in the memo; ids of a shop's lines are stripped, so none can be equal."""


@dataclass(frozen=True, slots=True)
class Price:
    """``flat``: the amount is the line's, not multiplied by its quantity."""

    amount: Decimal
    flat: bool = False

    def __str__(self) -> str:
        return f"{plain(self.amount)} flat" if self.flat else plain(self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line that the sales order has to have."""

    line_no: int
    part: Part
    description: str
    quantity: Decimal
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A sales order.

    Attributes:
        note: SONote; empty for none.
        items: its lines, by line number.
        gone: line numbers that were or may have been written, and are not wanted any more.
    """

    so_no: str
    customer: str
    po_no: str
    order_date: date
    due: date
    ship: date
    note: str
    items: tuple[Item, ...]
    gone: tuple[int, ...]

    @property
    def wording(self) -> str:
        """A digest of the note, by which one that was sent is known."""
        return _digest(self.note)


class Shelf(Copies[Copy], Protocol):
    """Where our own numbers come from, and the copies of other systems."""

    def number(self, digits: int) -> str:
        """The next one, zero-padded."""
        ...


def prepare(order: Order, memo: Memo, destination: ManexDestination, shelf: Shelf) -> Memo:
    """What has to stand before the first call, and for ever: our sales order number, and each line's own.

    Also the day the order was placed, and what of a line had been fulfilled before: later versions may tell another
    day, and only what is fulfilled from now on was part of the sales order. And whom the header names, however that is
    edited later: by that it is known to be ours. And the notes that may stand there, as digests.
    """
    done = dict(memo)
    done.setdefault("named", [])
    _settle_customer(done, order, destination, shelf)
    names = [order.number.removeprefix("#"), _customer_no(done, destination)]
    if names[1] and names not in done["named"]:
        done["named"] = [*done["named"], names]
    told = _digest(_note(order))
    if not order.cancelled and told not in done.setdefault("told", []):
        done["told"] = [*done["told"], told]
    if not 0 < len(done.get("SoNo", "")) <= SO_NUMBER_CHARS:  # one that is too long was never sent
        done["SoNo"] = destination.so_prefix + shelf.number(destination.series_digits)
    done.setdefault("placed", order.placed_at.astimezone(UTC).date().isoformat())
    lines: dict[str, list[Any]] = dict(done.get("lines", {}))
    wanted = {line.id: plain(line.fulfilled_quantity) for line in open_lines(order)}
    if _charged(order, destination) and destination.shipping_sku is not False:
        wanted[SHIPPING] = "0"
    for key, fulfilled in wanted.items():
        if key not in lines:
            lines[key] = [max((int(one[0]) for one in lines.values()), default=0) + 1, fulfilled]
    done["lines"] = lines
    return done


def _settle_customer(done: dict[str, Any], order: Order, destination: ManexDestination, shelf: Shelf) -> None:
    """Whose order it is, where that is looked up: anew until there is a header, which keeps the customer it has."""
    if destination.customer_from is None:
        done.pop("customer", None)
    elif "header" not in done:
        done["customer"] = customer_of(order.email, of=destination.customer_from, shelf=shelf)
    elif not done.get("customer", {}).get("code") and done["named"]:
        done["customer"] = {"code": done["named"][-1][1]}


def _customer_no(memo: Memo, destination: ManexDestination) -> str:
    """custNo; empty where the buyer's company is not known, or its code is no number of ten digits."""
    if destination.customer_from is None:
        return destination.customer
    number = str(ten_digits(memo.get("customer", {}).get("code", "")))
    return number if len(number) == CUSTOMER_DIGITS and number.isascii() and number.isdecimal() else ""


def _known_customer(memo: Memo, destination: ManexDestination) -> str:
    """custNo. Raises Unmappable."""
    found = _customer_no(memo, destination)
    if not found and destination.customer_from is not None:
        told = code_of(memo.get("customer", {}), of=destination.customer_from)
        raise Unmappable(
            "customer_no_number",
            f"The code of the order's customer at {destination.customer_from} is {told}, and ManEx knows its customers "
            f"by numbers of {CUSTOMER_DIGITS} digits.",
            hint=f"Write the ManEx number into the company's ref at {destination.customer_from}, wait for the next "
            "copy, then replay.",
            hold=True,
        )
    return found


def desired(order: Order, *, number: str, memo: Memo, destination: ManexDestination) -> Desired:
    """The sales order, from the order and what :func:`prepare` settled. A cancelled order wants none of its lines.

    Args:
        number: the shop's ``number_prefix`` and the order's number without a leading ``#``.

    Raises:
        Unmappable: a line without SKU, a shipping charge without a part, no number left, no customer.
    """
    so_no, placed = str(memo["SoNo"]), date.fromisoformat(memo["placed"])
    if len(so_no) > SO_NUMBER_CHARS:
        raise Unmappable(
            "series_used_up",
            f"The numbers {destination.so_prefix} with {destination.series_digits} digits are used up.",
            hint=f"Give [destinations.{destination.name}] a shorter so_prefix, then replay.",
        )
    items = () if order.cancelled else tuple(_items(order, memo["lines"], destination))
    due, ship = destination.dates(placed)
    known = {int(line_no) for line_no, _ in memo["lines"].values()}
    return Desired(
        so_no=so_no,
        customer=_known_customer(memo, destination) if items else _customer_no(memo, destination),
        po_no=cut(number, PO_CHARS),
        order_date=placed,
        due=due,
        ship=ship,
        note=_note(order),
        items=items,
        gone=tuple(sorted(known - {item.line_no for item in items})),
    )


def is_ours(there: SalesOrder, order: Desired, memo: Memo) -> bool:
    """Whether a sales order under our number is of this order: customer and PoNo are those it goes by, or went by."""
    po_no, written = there.po_no.casefold(), str(memo.get("header", order.po_no)).casefold()
    for number, customer in (*memo["named"], (order.po_no, order.customer)):
        # The shop's number_prefix, which stands before the number, is not known where the memo is made.
        named = po_no in (written, order.po_no.casefold()) or po_no.endswith(cut(number, PO_CHARS).casefold())
        if there.customer == customer and named:
            return True
    return False


def remarks(order: Order, *, number: str, destination: ManexDestination) -> tuple[str, ...]:
    """Sentences for the timeline: what the sales order says otherwise than the order."""
    said = []
    if cut(number, PO_CHARS) != number:
        said.append(f"PoNo was cut to {cut(number, PO_CHARS)}, the limit at ManEx is {PO_CHARS} characters")
    return (*said, *shipping_left_out(order, destination))


def _items(order: Order, lines: Mapping[str, list[Any]], destination: ManexDestination) -> list[Item]:
    items = [
        _item(line, position, lines[line.id], order, destination)
        for position, line in enumerate(order.lines, start=1)
        if line.id in lines and _wanted(line, Decimal(lines[line.id][1])) > 0
    ]
    charge = sum((_charges(order, destination)), Decimal(0))
    if SHIPPING in lines and items and _charged(order, destination) and destination.shipping_sku is not False:
        items.append(_freight(charge, int(lines[SHIPPING][0]), order, destination))
    return sorted(items, key=lambda item: item.line_no)


def _wanted(line: Line, before: Decimal) -> Decimal:
    """What is open, and what was fulfilled out of this sales order (``before``: ahead of it)."""
    return min(line.quantity, line.open_quantity + max(line.fulfilled_quantity - before, Decimal(0)))


def _item(line: Line, position: int, known: list[Any], order: Order, destination: ManexDestination) -> Item:
    if line.sku is None:
        raise no_sku([(position, line)], because="ManEx takes a line only with a part number.", by_hand="ManEx")
    quantity = _wanted(line, Decimal(known[1]))
    total = line.total_incl if destination.tax_included else line.total_excl
    amount = rounded(Fraction(total) / Fraction(line.quantity) * Fraction(quantity), decimals(order.currency))
    return Item(
        line_no=int(known[0]),
        part=destination.part(line.sku),
        description=line.name or line.sku,
        quantity=quantity,
        price=price(amount, quantity=quantity, limit=destination.price_decimals),
    )


def _charges(order: Order, destination: ManexDestination) -> list[Decimal]:
    return [charge.total_incl if destination.tax_included else charge.total_excl for charge in order.shipping]


def _charged(order: Order, destination: ManexDestination) -> bool:
    return bool(rounded(sum(_charges(order, destination), Decimal(0)), decimals(order.currency)))


def _freight(charge: Decimal, line_no: int, order: Order, destination: ManexDestination) -> Item:
    amount = rounded(charge, decimals(order.currency))
    if not destination.shipping_sku:
        raise no_shipping_sku(amount, order, destination, noun="part")
    part = destination.part(destination.shipping_sku)
    return Item(line_no=line_no, part=part, description="Shipping", quantity=Decimal(1), price=Price(amount))


def price(amount: Decimal, *, quantity: Decimal, limit: int) -> Price:
    """The unit price with the fewest decimals, at least two, that times ``quantity`` rounds to ``amount``.

    Where ``limit`` decimals do not suffice, or the product would lie on the edge between two cents, so that the way
    of rounding decides: the amount as a flat price (section 5: not multiplied by the quantity).
    """
    exponent = amount.as_tuple().exponent
    # To the cent even in currencies without cents: that ManEx knows them is not documented.
    half_a_cent = Fraction(1, 2 * 10 ** max(-exponent if isinstance(exponent, int) else 0, 2))
    for places in range(2, limit + 1):
        unit = rounded(Fraction(amount) / Fraction(quantity), places)
        if abs(Fraction(unit) * Fraction(quantity) - Fraction(amount)) < half_a_cent:
            return Price(unit)
    return Price(amount, flat=True)


def _digest(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()[:16]


def _note(order: Order) -> str:
    """The shop's note and where the goods go: a sales order has no address but the customer's own (section 3)."""
    parts = [order.note or "", _place(order.ship_to) if order.ship_to else ""]
    return "\n".join(part for part in parts if part)


def _place(address: Address) -> str:
    town = " ".join(part for part in (address.postcode, address.city, address.state) if part)
    parts = (address.company, address.full_name, address.address1, address.address2, town, address.country)
    said = ", ".join(part for part in parts if part)
    return f"Ship to: {said}" if said else ""
