"""IWS: whether a sales order agrees with an order (contracts/iws.md section 6.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from schemas.echo import words
from schemas.iws import IwsDestination
from schemas.iws.reply import Line, Resource
from schemas.iws.sales_order import Item, address_of, freight, items
from schemas.model import plain
from schemas.money import decimals, rounded
from schemas.order import Order

CENT = Decimal("0.01")
HALF = CENT / 2

READ_AS = {
    "ship_name": "shipToName",
    "ship_street": "shipToAddress",
    "ship_city": "shipToCity",
    "ship_county": "shipToCounty",
    "ship_state": "shipToState",
    "ship_postcode": "shipToPostalCode",
    "ship_country": "shipToCountry",
}
"""Where a sales order shows what went out as shipAddress (section 6.6)."""


def differences(
    order: Order,
    *,
    number: str,
    destination: IwsDestination,
    header: Resource,
    lines: Sequence[Line],
    made_of_it: bool = False,
) -> tuple[str, ...]:
    """What the sales order has otherwise than the order, a phrase each; none where they agree.

    Args:
        made_of_it: it was made of this order in this version. Then its currency, its customer's, is no difference, nor
            is what the ERP rounded off a price to the cent; :func:`warnings` tells both.

    The tax is the ERP's own, so totals with tax are none of it: :func:`warnings` tells where those deviate.

    Raises:
        Unmappable: the order has a line without SKU.
    """
    places = decimals(order.currency)
    found = [] if _like(header.text("poCode"), number) else [f"poCode: IWS has {header.text('poCode') or 'none'}"]
    currency = header.text("currencyCode")
    if currency and currency != order.currency and not made_of_it:
        found.append(f"currency: IWS has {currency}, the shop has {order.currency}")
    wanted = items(order, destination)
    found += _of_lines(wanted, lines, places=places, slack=HALF if made_of_it else Decimal(0))
    charge, theirs = freight(order, destination), header.number("freight")
    if theirs is not None and theirs != charge:
        found.append(f"freight: IWS has {_figure(theirs, places=places)}, the shop has {plain(charge)}")
    return tuple(found)


def ship_to_differs(order: Order, *, destination: IwsDestination, header: Resource) -> tuple[str, ...]:
    """Names of the parts of the ship-to address that the sales order shows otherwise. Never their values."""
    if order.ship_to is None:
        return ()
    sent = address_of(order.ship_to, order, kind="ship", destination=destination)
    pairs = [(name, sent.get(destination.word(name)), shown) for name, shown in READ_AS.items()]
    return tuple(
        name.removeprefix("ship_")
        for name, value, shown in pairs
        if value is not None and header.has(shown) and not _like(value, header.text(shown))
    )


def warnings(order: Order, header: Resource, *, destination: IwsDestination) -> tuple[str, ...]:
    """Sentences for the timeline about what IWS says of a sales order: its total, its currency, a hold."""
    said = []
    currency, total = header.text("currencyCode"), header.number("total")
    shop = order.goods_incl if order.total_incl is None else order.total_incl
    if currency and currency != order.currency:
        said.append(f"{header.id} is in {currency}, the currency of its customer, and the order is in {order.currency}")
    elif total is not None and _all_open(order) and destination.shipping_sku is not False:
        # Tax is rounded line by line on one side and once on the other.
        slack = CENT * (len(order.lines) + len(order.shipping))
        if abs(total - shop) > slack:
            figures = (
                f"{_figure(total, places=decimals(order.currency))} {order.currency}, in the shop to {plain(shop)}"
            )
            said.append(f"the total of {header.id} comes to {figures}")
    if header.flag("isOnHold"):
        said.append(f"IWS keeps {header.id} on hold (isOnHold)")
    return tuple(said)


def _all_open(order: Order) -> bool:
    return all(line.open_quantity == line.quantity for line in order.lines)


def _of_lines(wanted: Iterable[Item], lines: Sequence[Line], *, places: int, slack: Decimal) -> list[str]:
    there: dict[str, list[Line]] = {}
    for line in lines:
        there.setdefault(line.name.casefold(), []).append(line)
    ours = {item.name.casefold(): item for item in wanted}
    found = []
    for key in {**ours, **there}:
        rows = there.get(key, [])
        item = ours.get(key) or Item(rows[0].name)
        quantity, amount = _sum(row.quantity for row in rows), _sum(row.amount for row in rows)
        if not item.holds(quantity, amount, slack=slack):
            theirs = f"{_figure(quantity)} for {_figure(amount, places=places)}"
            ours_said = f"{_figure(item.quantity)} for {_figure(item.amount, places=places)}"
            found.append(f"{item.name}: IWS has {theirs}, the shop has {ours_said}")
    return found


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _like(one: object, other: object) -> bool:
    return words(one).casefold() == words(other).casefold()


def _figure(value: Decimal | None, *, places: int = 0) -> str:
    if value is None:
        return "no figure"
    exponent = value.normalize().as_tuple().exponent
    return plain(rounded(value, max(places, -exponent if isinstance(exponent, int) else 0)))
