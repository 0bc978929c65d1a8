"""IWS: order -> ``POST salesorder`` (contracts/iws.md sections 6.1 to 6.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from schemas.destination import Unmappable
from schemas.goods import need_skus, shipping_left_out
from schemas.http import Call
from schemas.iws import EMAIL, IwsDestination
from schemas.iws.countries import country_name
from schemas.money import decimals, rounded
from schemas.order import Address, Amounts, Line, Order

Json = dict[str, object]

COUNTIES = ("GB",)
"""Where what shops call state is a county; IWS has a field for each (section 6.4)."""


@dataclass(slots=True)
class Item:
    """What goes out of one item of theirs, over all lines of the order that have it. ``most``: shipped since too.

    Attributes:
        price: of one, not rounded, weighted over the lines.
        amount, most_amount: the shop's money for ``quantity`` and for ``most``, to the cent.
    """

    name: str
    quantity: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    most_amount: Decimal = Decimal(0)
    _exact: Fraction = Fraction(0)

    def add(self, line: Line, *, total: Decimal, places: int) -> None:
        """One line more."""
        each = Fraction(total) / Fraction(line.quantity)
        most = min(line.quantity, line.open_quantity + line.fulfilled_quantity)
        self.quantity += line.open_quantity
        self.most += most
        self.amount += rounded(each * Fraction(line.open_quantity), places)
        self.most_amount += rounded(each * Fraction(most), places)
        self._exact += each * Fraction(line.open_quantity)

    @property
    def price(self) -> Fraction:
        return self._exact / Fraction(self.quantity)

    def holds(self, quantity: Decimal | None, amount: Decimal | None, *, slack: Decimal = Decimal(0)) -> bool:
        """Whether a sales order with these has what went out, now or before the shop shipped of it.

        Args:
            slack: by which the price of one may differ.
        """
        if quantity is None or amount is None:
            return False
        for ours, money in ((self.quantity, self.amount), (self.most, self.most_amount)):
            if quantity == ours and abs(amount - money) <= slack * quantity:
                return True
        low, high = sorted((self.amount, self.most_amount))
        return self.quantity < quantity < self.most and low <= amount <= high


def reference(order: Order, *, shop: str, destination: IwsDestination) -> str:
    """salesRepOrderCode: short, and for ever the same for an order of a shop, also under another number."""
    digest = hashlib.sha256(f"{shop}\n{order.shop_order_id}".encode()).hexdigest()
    return f"{destination.reference_prefix}{digest[:12]}"


def post(order: Order, *, number: str, shop: str, destination: IwsDestination, code: str | None = None) -> Call:
    """The one call that makes a sales order.

    Args:
        number: the shop's ``number_prefix`` and the order's number without a leading ``#``.
        shop: its name in ``crossdock.toml``.
        code: the customer's, where that is looked up for each order.

    Raises:
        Unmappable: no customer, e-mail or SKU, or a currency that the customers are not billed in.
    """
    customer = code or destination.customer_of(shop)
    if code is None and customer == EMAIL:
        who, path = {"email": _email(order, number)}, destination.word("route_by_email")
    else:
        who, path = {"customerCode": customer}, "salesorder"
    return Call("POST", path, body={**who, **_body(order, number=number, shop=shop, destination=destination)})


def _email(order: Order, number: str) -> str:
    if order.email:
        return order.email
    raise Unmappable(
        "no_email",
        f"Order {number} has no e-mail address, and IWS is to find its customer by that.",
        hint="Give the order an e-mail address by an edit, then replay; or enter it in Interprise by hand.",
        hold=True,
    )


def _body(order: Order, *, number: str, shop: str, destination: IwsDestination) -> Json:
    _in_their_currency(order, number, destination)
    placed = order.placed_at.astimezone(destination.zone).replace(tzinfo=None, microsecond=0)
    body: Json = {**destination.fields, "poCode": number}
    body["salesRepOrderCode"] = reference(order, shop=shop, destination=destination)
    body["salesOrderDate"] = placed.isoformat()
    if destination.lead_days:
        body.setdefault("shippingDate", (placed + timedelta(days=destination.lead_days)).date().isoformat())
    notes = _notes(order)
    if notes:
        body.setdefault("notes", notes)
    if destination.credit_hold is not None:
        body["isApprovedCreditHold"] = destination.credit_hold
    charge = freight(order, destination)
    if charge:
        body["freightAmount"] = _bare(charge)
    for name, kind, address in (("shipAddress", "ship", order.ship_to), ("billToAddress", "bill", order.bill_to)):
        if address is not None and any(address.model_dump().values()):
            body[name] = address_of(address, order, kind=kind, destination=destination)
    body["items"] = [_item(item, order, destination) for item in items(order, destination) if item.quantity > 0]
    if destination.custom_fields:
        body["customFields"] = [{"field": name, "value": value} for name, value in destination.custom_fields.items()]
    return body


def _in_their_currency(order: Order, number: str, destination: IwsDestination) -> None:
    if destination.currency in (None, order.currency):
        return
    raise Unmappable(
        "other_currency",
        f"Order {number} is in {order.currency}, and a sales order at {destination.name} is in the customer's "
        f"currency, {destination.currency}: IWS has no field for another.",
        hint="Send it to a destination of that currency by a route, or enter it in Interprise by hand.",
        hold=True,
    )


def _notes(order: Order) -> str:
    """The order's note, and what the buyer chose for a line: an item is its name alone."""
    chosen = [
        f"{line.sku or line.name}: " + ", ".join(f"{name} {value}" for name, value in line.options.items())
        for line in order.lines
        if line.options and line.open_quantity > 0
    ]
    return "\r\n".join(filter(None, [order.note, *chosen]))


def items(order: Order, destination: IwsDestination) -> list[Item]:
    """What goes out, one for each item of theirs: a line has no id of ours, it is known by its item (section 6.3).

    Raises:
        Unmappable: ``no_sku``.
    """
    need_skus(order, because="IWS takes an order line only with an item name.", by_hand="Interprise")
    found: dict[str, Item] = {}
    for line in order.lines:
        if line.sku is not None:
            name = destination.sku(line.sku)
            total = _either(line, destination)
            found.setdefault(name.casefold(), Item(name)).add(line, total=total, places=decimals(order.currency))
    return list(found.values())


def freight(order: Order, destination: IwsDestination) -> Decimal:
    """All shipping charges together; 0 where they are to be left out."""
    if destination.shipping_sku is False:
        return Decimal(0)
    return sum((rounded(_either(one, destination), decimals(order.currency)) for one in order.shipping), Decimal(0))


def _either(amounts: Amounts, destination: IwsDestination) -> Decimal:
    return amounts.total_incl if destination.tax_included else amounts.total_excl


def _item(item: Item, order: Order, destination: IwsDestination) -> Json:
    price = _unit_price(item, places=decimals(order.currency))
    line: Json = {"itemName": item.name, "itemQuantity": _bare(item.quantity), destination.word("price"): _bare(price)}
    return {**destination.line_fields, **line}


def _unit_price(item: Item, *, places: int) -> Decimal:
    """The price with the fewest decimals, at least two, that comes out at the shop's money when multiplied.

    It is total / quantity; where that lies on the edge between two cents, so that the ERP's way of rounding would
    decide, the rounded money / quantity.
    """
    quantity = Fraction(str(_bare(item.quantity)))
    half_a_cent = Fraction(1, 2 * 10 ** max(places, 2))
    digits = 2
    while True:
        for candidate in (item.price, Fraction(item.amount) / quantity):
            price = rounded(candidate, digits)
            if abs(Fraction(price) * quantity - Fraction(item.amount)) < half_a_cent:
                return price
        digits += 1


def _bare(value: Decimal) -> int | float:
    """A JSON number (section 3)."""
    return int(value) if value == value.to_integral_value() else float(value)


def address_of(address: Address, order: Order, *, kind: str, destination: IwsDestination) -> Json:
    """shipAddress (``kind`` "ship") or billToAddress ("bill"), with the names of the table.

    One text of several lines for the street (section 6.4). The firm is its first line where a person is named too.
    """
    firm = address.company if address.full_name else None
    street = "\r\n".join(filter(None, (firm, address.address1, address.address2)))
    county = address.country in COUNTIES
    values: Iterable[tuple[str, str | None]] = (
        ("name", address.full_name or address.company),
        ("street", street),
        ("city", address.city),
        ("county", address.state if county else None),
        ("state", None if county else address.state),
        ("postcode", address.postcode),
        ("country", country_name(address.country, destination.country_names) if address.country else None),
        ("phone", address.phone or order.phone),
        ("email", order.email),
    )
    words = ((destination.word(f"{kind}_{name}"), value) for name, value in values)
    return {word: value for word, value in words if word and value}


def remarks(order: Order, destination: IwsDestination) -> tuple[str, ...]:
    """Sentences for the timeline: what the sales order says otherwise than the order."""
    said = [*shipping_left_out(order, destination)]
    set_for_all = {name.lower() for name in destination.fields}
    if _notes(order) and "notes" in set_for_all:
        said.append("the order's note and options were left out: notes is set in fields")
    return tuple(said)
