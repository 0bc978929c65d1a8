"""Esuite: order -> ``POST``, ``PUT`` and ``DELETE trans`` (contracts/esuite.md section 6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from schemas.esuite import EsuiteDestination, reference
from schemas.esuite.payments import payment
from schemas.goods import anything_open, need_skus, no_shipping_sku, shipping_left_out
from schemas.model import plain
from schemas.money import decimals, rounded
from schemas.order import Address, Order

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the order in Esuite's words.

    Attributes:
        stock_code: their code.
        total: of the ``ordered`` quantity, with or without tax as configured, after discounts.
        open: what is still to be delivered, and goes out.
        most: what may have gone out before: ``open`` and what the shop has shipped since.
        line_id: of the order's line; empty for freight.
    """

    stock_code: str
    total: Decimal
    ordered: Decimal
    open: Decimal
    most: Decimal
    line_id: str = ""

    def wanted(self, shipped: Mapping[str, str]) -> Decimal:
        """What a transaction of ours has to hold: ``open``, and what the shop has shipped since it was made.

        Args:
            shipped: by line id, what the shop had shipped before the transaction was made, and is not in it.
        """
        return max(self.open, self.most - Decimal(shipped.get(self.line_id, "0")))

    @property
    def price(self) -> Fraction:
        """Of one, not rounded."""
        return Fraction(self.total) / Fraction(self.ordered)

    def amount(self, quantity: Decimal, *, places: int) -> Decimal:
        """The shop's money for ``quantity`` of it, rounded to ``places`` decimals."""
        return rounded(self.price * Fraction(quantity), places)


def _placed_on(order: Order, destination: EsuiteDestination) -> date:
    placed_at = order.placed_at
    return (placed_at.astimezone(ZoneInfo(destination.timezone)) if destination.timezone else placed_at).date()


def shipped(order: Order) -> dict[str, str]:
    """What the shop has shipped, by line id; lines of which it shipped nothing are left out."""
    return {line.id: plain(line.fulfilled_quantity) for line in order.lines if line.fulfilled_quantity}


def anything_wanted(order: Order, *, before: Mapping[str, str]) -> bool:
    """Whether a transaction of ours has to hold anything: something is open, or was shipped since it was made.

    Args:
        before: :func:`shipped` at the time when it was made.
    """
    return anything_open(order) or any(
        line.fulfilled_quantity > Decimal(before.get(line.id, "0")) for line in order.lines
    )


def transaction(order: Order, *, number: str, destination: EsuiteDestination, account: str | None = None) -> Json:
    """The JSON body of ``POST trans`` (contracts/esuite.md section 6).

    Args:
        number: the shop's ``number_prefix`` and the order's number without a leading ``#``.
        account: AccountRef, where ``customer`` says that it is looked up.

    Raises:
        Unmappable: a line without SKU, a shipping charge or a payment that the configuration has no word for.
    """
    quantities = [(item, item.open) for item in items(order, destination)]
    body = _body(order, quantities, number=number, destination=destination)
    head = body["T_Trans"]
    if account is not None and isinstance(head, dict):
        head["AccountRef"] = account
    booked, _ = payment(order, destination)
    if booked:
        body["T_Pay"] = booked
    return body


def _body(
    order: Order, quantities: Sequence[tuple[Item, Decimal]], *, number: str, destination: EsuiteDestination
) -> Json:
    tax, places = _flag(destination.tax_included), decimals(order.currency)
    head: Json = {k: _flag(v) if isinstance(v, bool) else v for k, v in destination.fields.items()}
    head["TransYourRef"] = reference(number, destination)
    head["TransDate"] = _placed_on(order, destination).isoformat()
    head["TransIncGST"] = tax
    if order.note:
        head.setdefault("TransComment", order.note)
    lines = [_detail(item, quantity, tax=tax, places=places) for item, quantity in quantities if quantity > 0]
    body: Json = {"T_Trans": head, "T_TrnDet": lines}
    if order.ship_to and any(order.ship_to.model_dump().values()):
        head["DlvAddressNo"] = -1
        body["T_TrnDlv"] = _delivery(order.ship_to, order)
    return body


def change(
    order: Order, *, number: str, destination: EsuiteDestination, ids: Mapping[str, str], before: Mapping[str, str]
) -> Json:
    """The JSON body of ``PUT trans``: what an order's newer version may change of its transaction (section 6).

    Payments stay as they were booked: a second T_Pay might be a second payment. Lines hold what was shipped since
    as well, or the transaction would lose it.

    Args:
        ids: CompanyNo and TransNo, as the POST or a look-up told them.
        before: :func:`shipped` at the time when the transaction was made.

    Raises:
        Unmappable: a line without SKU, a shipping charge that the configuration has no word for.
    """
    quantities = [(item, item.wanted(before)) for item in items(order, destination)]
    whole = _body(order, quantities, number=number, destination=destination)
    kept = ("BatchType", "TransLedger", "TransYourRef", "TransIncGST", "TransComment", "DlvAddressNo")
    made = whole["T_Trans"]
    head = {name: made[name] for name in kept if name in made} if isinstance(made, dict) else {}
    head.setdefault("TransComment", "")  # a note that the shop took back goes away
    return {**whole, "T_Trans": {**_ids(ids), **head}}


def wording(order: Order) -> str:
    """A digest of what a transaction says beside its figures: where the goods go, and the buyer's note."""
    there = _delivery(order.ship_to, order) if order.ship_to else {}
    return hashlib.sha256(json.dumps([there, order.note or ""]).encode()).hexdigest()[:16]


def removal(destination: EsuiteDestination, ids: Mapping[str, str]) -> Json:
    """The JSON body of ``DELETE trans``; all three are required (section 6)."""
    return {"T_Trans": {**_ids(ids), "BatchType": destination.fields["BatchType"]}}


def _ids(ids: Mapping[str, str]) -> Json:
    """Bare numbers in requests, text in replies (section 6)."""
    return {name: int(ids[name]) if ids[name].isdecimal() else ids[name] for name in ("CompanyNo", "TransNo")}


def remarks(order: Order, *, destination: EsuiteDestination) -> tuple[str, ...]:
    """Sentences for the timeline: what the transaction says otherwise than the order.

    Raises:
        Unmappable: a payment that the configuration has no word for.
    """
    _, about_payment = payment(order, destination)
    return (*shipping_left_out(order, destination), *about_payment)


def change_remarks(order: Order, *, destination: EsuiteDestination) -> tuple[str, ...]:
    """As :func:`remarks`, of a transaction that was changed."""
    kept = "payments stay in Esuite as they were booked: a change sends none"
    return (*shipping_left_out(order, destination), *([kept] if order.payments else []))


def items(order: Order, destination: EsuiteDestination) -> list[Item]:
    """Goods, then one freight item for each shipping charge.

    Raises:
        Unmappable: ``no_sku``, ``no_shipping_sku``.
    """
    need_skus(order, because="Esuite takes an order line only with a StockCode.", by_hand="Esuite")
    goods = [
        Item(
            stock_code=destination.sku(line.sku),
            total=line.total_incl if destination.tax_included else line.total_excl,
            ordered=line.quantity,
            open=line.open_quantity,
            most=min(line.quantity, line.open_quantity + line.fulfilled_quantity),
            line_id=line.id,
        )
        for line in order.lines
        if line.sku is not None
    ]
    return [*goods, *_freight(order, destination)]


def _freight(order: Order, destination: EsuiteDestination) -> list[Item]:
    totals = [charge.total_incl if destination.tax_included else charge.total_excl for charge in order.shipping]
    charged = [total for total in totals if rounded(total, decimals(order.currency))]
    if not charged or destination.shipping_sku is False:
        return []
    if not destination.shipping_sku:
        raise no_shipping_sku(sum(charged, Decimal(0)), order, destination, noun="stock code")
    one = Decimal(1)
    code = destination.shipping_sku
    return [Item(stock_code=code, total=total, ordered=one, open=one, most=one) for total in charged]


def _detail(item: Item, wanted: Decimal, *, tax: str, places: int) -> Json:
    # Types of the sample (section 6): LineQty bare, LineUnitPrice text, booleans as "True" and "False".
    quantity = int(wanted) if wanted == wanted.to_integral_value() else float(wanted)
    price = _unit_price(item, wanted, quantity=Fraction(str(quantity)), places=places)
    return {
        "StockCode": item.stock_code,
        "LineQty": quantity,
        "LineUnitPrice": plain(price),
        "LineIncGST": tax,
    }


def _unit_price(item: Item, of: Decimal, *, quantity: Fraction, places: int) -> Decimal:
    """The price with the fewest decimals, at least two, that comes out at the line's total when multiplied.

    It is total / ordered quantity (order.md). Only where that lies on the edge between two cents, so that
    Esuite's way of rounding would decide, it is the rounded total / ``quantity``. It comes out to the cent even in
    currencies without cents: that Esuite knows them is not documented.
    """
    wanted = Fraction(item.amount(of, places=places))
    half_a_cent = Fraction(1, 2 * 10 ** max(places, 2))
    digits = 2
    while True:
        for candidate in (item.price, wanted / quantity):
            price = rounded(candidate, digits)
            if abs(Fraction(price) * quantity - wanted) < half_a_cent:
                return price
        digits += 1


def _flag(value: bool) -> str:
    return "True" if value else "False"


def _delivery(address: Address, order: Order) -> Json:
    """T_TrnDlv, with the sample's fields. A name in one piece goes out as the last name: splitting would guess."""
    in_parts = bool(address.first_name or address.last_name)
    return {
        "DlvFirstname": address.first_name or "",
        "DlvLastname": (address.last_name or "") if in_parts else address.full_name,
        "DlvBusinessName": address.company or "",
        "DlvAddress1": address.address1 or "",
        "DlvAddress2": address.address2 or "",
        "DlvSuburb": address.city or "",
        "DlvState": address.state or "",
        "DlvPostCode": address.postcode or "",  # written so, and read back as DlvPostcode (section 9, trap 7)
        "DlvCountry": address.country or "",
        "DlvPhone": address.phone or order.phone or "",
        "DlvEmail": order.email or "",
        "DlvComments": "",
    }
