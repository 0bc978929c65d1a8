"""What destinations say about article codes, and what that means for an order: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from schemas.destination import Destination
from schemas.model import plain
from schemas.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Articles:
    """What one destination says about its codes.

    Attributes:
        quantities: code in folded case -> what can be sold of it; None: it is known, and no figure was told.
        whole: its codes were read to their end, so that a code that is not among them is not known there.
    """

    quantities: Mapping[str, Decimal | None] = field(default_factory=dict)
    whole: bool = False

    def unknown(self, code: str) -> bool:
        """The destination does not know the code; False also where nobody can say."""
        return self.whole and code.casefold() not in self.quantities

    def quantity(self, code: str) -> Decimal | None:
        """What can be sold of it; None where no figure is known."""
        return self.quantities.get(code.casefold())


Catalogue = Mapping[str, Articles]
"""By the destinations' names; a destination that tells nothing of its stock is not there."""


def code_of(destination: Destination, sku: str) -> str | None:
    """The destination's word for our SKU; None where it is not one word (ManEx: a part and its revision)."""
    code: object = destination.sku(sku)
    return code if isinstance(code, str) else None


def wanted(order: Order) -> dict[str, Decimal]:
    """Our SKUs of goods that are still to be delivered, each with its quantity over all lines."""
    found: dict[str, Decimal] = {}
    for line in order.lines:
        if line.shippable and line.open_quantity > 0 and line.sku:
            found[line.sku] = found.get(line.sku, Decimal(0)) + line.open_quantity
    return found


def needed(order: Order, destination: Destination) -> dict[str, Decimal]:
    """What an order takes of each of the destination's codes, in folded case: several SKUs of ours may be one there."""
    found: dict[str, Decimal] = {}
    for sku, quantity in wanted(order).items():
        code = code_of(destination, sku)
        if code is not None:
            found[code.casefold()] = found.get(code.casefold(), Decimal(0)) + quantity
    return found


def named(order: Order, destination: Destination) -> frozenset[str]:
    """The destination's codes that an order's goods and its shipping charge may be sent under."""
    codes = {code for sku in wanted(order) if (code := code_of(destination, sku))}
    if destination.shipping_sku and any(part.total_incl for part in order.shipping):
        codes.add(destination.shipping_sku)
    return frozenset(codes)


def lacking(order: Order, destinations: Sequence[Destination], catalogue: Catalogue) -> tuple[str, ...]:
    """Why a route to these destinations cannot serve the order from stock, for people; empty where it can.

    Every article needs one destination that has enough of it, and none that knows all of its own codes and not this.
    """
    reasons: dict[str, None] = {}
    for line in order.lines:
        if line.shippable and line.open_quantity > 0 and not line.sku:
            reasons["a line without SKU cannot be looked up"] = None
    telling = [(one, catalogue[one.name], needed(order, one)) for one in destinations if one.name in catalogue]
    for sku in wanted(order):
        asked = [
            _Asked(one.name, code, articles, needs[code.casefold()])
            for one, articles, needs in telling
            if (code := code_of(one, sku))
        ]
        reasons |= dict.fromkeys(_lacking(sku, asked))
    return tuple(reasons)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A SKU as one destination knows it, and what the order takes of that code in all."""

    name: str
    code: str
    articles: Articles
    need: Decimal


def _lacking(sku: str, asked: Sequence[_Asked]) -> list[str]:
    strange = [f"{one.name} does not know {_shown(sku, one.code)}" for one in asked if one.articles.unknown(one.code)]
    if strange:
        return strange
    figures = [(one, figure) for one in asked if (figure := one.articles.quantity(one.code)) is not None]
    if any(figure >= one.need for one, figure in figures):
        return []
    if not figures:
        return [f"no destination of the route has told a figure for {sku} yet"]
    return [f"{one.name} has {_of(figure, one.need)} {_shown(sku, one.code)}" for one, figure in figures]


def remarks(order: Order, destination: Destination, articles: Articles) -> tuple[str, ...]:
    """What the destination does not know of the order's codes, and what is short there; for people."""
    found, needs = [], needed(order, destination)
    for sku in wanted(order):
        code = code_of(destination, sku)
        figure = None if code is None else articles.quantity(code)
        if code is not None and articles.unknown(code):
            found.append(f"{destination.name} does not know {_shown(sku, code)}")
        elif code is not None and figure is not None and figure < needs[code.casefold()]:
            found.append(f"{destination.name} has {_of(figure, needs[code.casefold()])} {_shown(sku, code)}")
    charge = destination.shipping_sku
    if charge and charge in named(order, destination) and articles.unknown(charge):
        found.append(f"{destination.name} does not know {charge}, the code of the shipping charge")
    return tuple(dict.fromkeys(found))


def _of(figure: Decimal, quantity: Decimal) -> str:
    """``1 of 3``; what is booked already may be more than what is there, which is none for an order."""
    return f"{short(max(figure, Decimal(0)))} of {short(quantity)}"


def _shown(sku: str, code: str) -> str:
    return sku if sku == code else f"{code} (our {sku})"


def short(value: Decimal) -> str:
    """A quantity without the zeros at its end: ``3``, ``2.5``."""
    text = plain(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
