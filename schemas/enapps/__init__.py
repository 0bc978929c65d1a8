"""Enapps ERP: its section of ``crossdock.toml``, and order -> ``POST orders`` (contracts/enapps.md)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from schemas.destination import TAKEN, Auth, BearerAuth, Destination, EnappsAuth, Text, Unmappable
from schemas.enapps.reply import rows
from schemas.goods import need_skus, no_shipping_sku, open_lines
from schemas.http import Reply
from schemas.model import plain
from schemas.money import decimals, rounded
from schemas.order import Address, Line, Order

READ: Mapping[str, str] = {
    "list": "",
    "contact_email": "email",
    "product_code": "default_code",
}
"""What is read: the member that holds a list, if it is neither the reply itself nor ``data`` or ``results`` (section
3); and members whose names the stored pages lost, or leave in doubt (4.2, 5)."""

NAMES: Mapping[str, str] = {
    **READ,
    "shipping": "shipping_details",
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company_name",
    "address1": "street_address_1",
    "address2": "street_address_2",
    "city": "town_city",
    "postcode": "postcode",
    "country": "country",
    "phone": "phone",
    "email": "email",
}
"""One table of what no page shows; a section's ``names`` corrects it. After :data:`READ` the delivery details (6.1)."""

FLOAT_NOISE = Decimal("0.000001")
"""Sums of floating point numbers come as 41.400000000000006."""

OWN_FIELDS = ("partner_order_id", "shop_id", "client_order_ref", "products")
"""Set for each order."""


class EnappsDestination(Destination):
    """``system = "enapps"``.

    Attributes:
        contact: ``email`` finds the contact who orders in the local copy; or the id of one contact for all orders.
        shop_id: from the ERP's administrator.
        sync_minutes: partners, contacts, addresses and products are copied this often.
        send_prices: the unit prices go along; the ERP refuses them unless they equal its own (section 6).
        tax_included: whether they contain the tax. List prices are net as far as one knows (section 7: amount_untaxed).
        names: corrections of :data:`NAMES`.
        parameters: name of a line's option -> name of Enapps' parameter, to the letter; no other options go along.
        fields: go into each order as they stand.
    """

    shipping_is_a_line: ClassVar[bool] = True
    one_at_a_time: ClassVar[str] = "Enapps asks for one request at a time"

    system: Literal["enapps"]
    contact: Annotated[int, Field(strict=True, ge=1)] | Literal["email"] = "email"
    shop_id: int = Field(default=1, ge=1)
    sync_minutes: float = Field(default=15, ge=0.01, le=1440)
    send_prices: bool = False
    tax_included: bool = False
    timeout_s: float = Field(default=100, gt=0, le=300)
    max_in_flight: int = Field(default=1, ge=1, le=200)
    names: dict[str, Text] = Field(default_factory=dict)
    parameters: dict[str, Text] = Field(default_factory=dict)
    fields: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @field_validator("auth")
    @classmethod
    def _by_token(cls, auth: Auth) -> Auth:
        if not isinstance(auth, EnappsAuth | BearerAuth):
            raise ValueError(
                'must be { mode = "enapps", secret = ..., login = ..., password = ... }, or { mode = "bearer", '
                'token = "env:NAME" } for a user whose token never expires'
            )
        return auth

    @field_validator("names")
    @classmethod
    def _known_names(cls, names: dict[str, str]) -> dict[str, str]:
        unknown = sorted(names.keys() - NAMES.keys())
        if unknown:
            raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return names

    @model_validator(mode="after")
    def _each_name_once(self) -> EnappsDestination:
        shipping = self.called("shipping")
        taken = [name for name in (*OWN_FIELDS, shipping) if name in self.fields]
        if taken:
            raise ValueError(f"fields: {', '.join(taken)} {TAKEN}")
        inner = [self.called(ours) for ours in NAMES if ours != "shipping" and ours not in READ]
        twice = sorted({name for name in inner if inner.count(name) > 1})
        if twice or shipping in OWN_FIELDS:
            raise ValueError(f"names: {', '.join(twice) or shipping} would stand there twice")
        return self

    def called(self, ours: str) -> str:
        """What a member is called there."""
        return self.names.get(ours, NAMES[ours])

    def rows(self, reply: Reply) -> list[dict[str, Any]] | None:
        """A list under the contract's names; None where the reply is no list."""
        theirs = {usual: self.called(ours) for ours, usual in READ.items() if usual}
        return rows(reply, under=self.called("list"), names=theirs)


def codes(order: Order, destination: EnappsDestination) -> tuple[str, ...]:
    """Their SKUs of everything that goes out, each once.

    Raises:
        Unmappable: a line without SKU, a shipping charge without one.
    """
    need_skus(order, because="Enapps knows its products by nothing else.", by_hand="Enapps")
    found = [destination.sku(line.sku) for line in open_lines(order) if line.sku is not None]
    if _charge(order, destination):
        if destination.shipping_sku is None:
            raise no_shipping_sku(_charge(order, destination), order, destination, noun="product")
        if destination.shipping_sku:
            found.append(destination.shipping_sku)
    return tuple(dict.fromkeys(found))


def sale_order(
    order: Order,
    *,
    number: str,
    contact: int | str,
    products: Mapping[str, int | str],
    destination: EnappsDestination,
) -> dict[str, Any]:
    """The JSON body of ``POST orders`` (section 6).

    Args:
        number: the shop's ``number_prefix`` and the order's number without a leading ``#``.
        products: their SKU -> product id.
        contact, products: texts stand in for ids that nobody knows yet.

    Raises:
        Unmappable: as :func:`codes`; a quantity that is no whole number.
    """
    codes(order, destination)
    rows = [_row(line, products, order, destination) for line in open_lines(order)]
    if _charge(order, destination) and destination.shipping_sku:
        row: dict[str, Any] = {"product_id": products[destination.shipping_sku], "qty": 1}
        if destination.send_prices:
            row["price_unit"] = float(_charge(order, destination))
        rows.append(row)
    body: dict[str, Any] = {
        **destination.fields,
        "partner_order_id": contact,
        "shop_id": destination.shop_id,
        "client_order_ref": number,
        "products": rows,
    }
    if order.ship_to is not None:
        body[destination.called("shipping")] = _shipping(order.ship_to, order, destination)
    return body


def _row(line: Line, products: Mapping[str, int | str], order: Order, destination: EnappsDestination) -> dict[str, Any]:
    if line.open_quantity != line.open_quantity.to_integral_value():
        raise Unmappable(
            "fraction",
            f"Line {line.id} has the quantity {plain(line.open_quantity)}, and Enapps takes whole numbers only.",
            hint="Enter the order in Enapps by hand, or edit the quantity, then replay.",
            hold=True,
        )
    row: dict[str, Any] = {"product_id": products[destination.sku(line.sku or "")], "qty": int(line.open_quantity)}
    if destination.send_prices:
        total = line.total_incl if destination.tax_included else line.total_excl
        row["price_unit"] = float(rounded(Fraction(total) / Fraction(line.quantity), decimals(order.currency)))
    options = [(theirs, line.options.get(ours)) for ours, theirs in destination.parameters.items()]
    parameters = [{theirs: option} for theirs, option in options if option]  # get_detail has one object (section 9)
    return {**row, "parameters": parameters} if parameters else row


def _charge(order: Order, destination: EnappsDestination) -> Decimal:
    charges = (one.total_incl if destination.tax_included else one.total_excl for one in order.shipping)
    return rounded(sum(charges, Decimal(0)), decimals(order.currency))


def _shipping(address: Address, order: Order, destination: EnappsDestination) -> dict[str, str]:
    in_parts = bool(address.first_name or address.last_name)
    values = {
        "first_name": address.first_name if in_parts else "",
        "last_name": address.last_name if in_parts else address.full_name,
        "company": address.company,
        "address1": address.address1,
        "address2": address.address2,
        "city": " ".join(part for part in (address.city, address.state) if part),
        "postcode": address.postcode,
        "country": address.country,
        "phone": address.phone or order.phone,
        "email": order.email,
    }
    return {destination.called(ours): value for ours, value in values.items() if value}


def remarks(order: Order, *, destination: EnappsDestination, there: Decimal | None, currency: str) -> tuple[str, ...]:
    """Sentences for the timeline: a total that differs there, and what was left out.

    Args:
        there: ``amount_total``, tax included; None where it was not told.
        currency: of ``there``; empty where it was not told.
    """
    said = []
    if destination.shipping_sku is False and _charge(order, destination):
        amount = plain(_charge(order, destination))
        said.append(f"the shipping charge of {amount} {order.currency} was left out: shipping_sku = false")
    unsaid = [line.id for line in open_lines(order) if any(line.options.keys() - destination.parameters.keys())]
    if unsaid:
        said.append(f"options were left out, for they are in no parameters here: line {', '.join(unsaid)}")
    if order.note:
        said.append("the order's note was left out: Enapps takes none")
    ours = total(order, destination)
    if there is None:
        said.append("Enapps did not tell its total, so it was not compared")
    elif (currency or order.currency) != order.currency:
        said.append(f"Enapps totals the order at {plain(there)} {currency}, the shop at {plain(ours)} {order.currency}")
    elif abs(there - ours) > FLOAT_NOISE:
        said.append(f"Enapps totals the order at {plain(there)}, the shop at {plain(ours)} {order.currency}")
    return tuple(said)


def total(order: Order, destination: EnappsDestination) -> Decimal:
    """The shop's money for what goes out, tax included."""
    parts = [Fraction(line.total_incl) / Fraction(line.quantity) * Fraction(line.open_quantity) for line in order.lines]
    if destination.shipping_sku is not False:
        parts += [Fraction(one.total_incl) for one in order.shipping]
    return rounded(sum(parts, Fraction(0)), decimals(order.currency))
