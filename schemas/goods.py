"""What of an order goes out, and what cannot: the same rules and words for every ERP."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from schemas.destination import Destination, Unmappable
from schemas.model import plain
from schemas.order import Line, Order


def open_lines(order: Order) -> tuple[Line, ...]:
    """The lines that are still to be delivered."""
    return tuple(line for line in order.lines if line.open_quantity > 0)


def anything_open(order: Order) -> bool:
    """Whether a line is still to be delivered."""
    return bool(open_lines(order))


def need_skus(order: Order, *, because: str, by_hand: str) -> None:
    """Refuse an order with an open line without SKU. Arguments as at :func:`no_sku`.

    Raises:
        Unmappable: ``no_sku``.
    """
    nameless = [
        (position, line) for position, line in enumerate(order.lines, 1) if line.sku is None and line.open_quantity > 0
    ]
    if nameless:
        raise no_sku(nameless, because=because, by_hand=by_hand)


def no_sku(nameless: Iterable[tuple[int, Line]], *, because: str, by_hand: str) -> Unmappable:
    """Lines without SKU.

    Args:
        nameless: with their positions, from 1.
        because: a sentence, ``ManEx takes a line only with a part number.``
        by_hand: where a person may enter the order instead, ``ManEx``.
    """
    named = ", ".join(f"line {position} (id {line.id})" for position, line in nameless)
    return Unmappable(
        "no_sku",
        f"No SKU: {named}. {because}",
        hint=f"Give the line a SKU by an edit of the order, or enter the order in {by_hand} by hand.",
        hold=True,
    )


def no_shipping_sku(charge: Decimal, order: Order, destination: Destination, *, noun: str) -> Unmappable:
    """A shipping charge without a code to go out under.

    Args:
        charge: in the order's currency.
        noun: what the system calls such a code, ``stock code``.
    """
    return Unmappable(
        "no_shipping_sku",
        f"The order has a shipping charge of {plain(charge)} {order.currency}, and {destination.name} has no {noun} "
        "for it.",
        hint=f"Set shipping_sku in [destinations.{destination.name}]; false leaves the charge out.",
    )


def shipping_left_out(order: Order, destination: Destination) -> tuple[str, ...]:
    """A sentence for the timeline, where ``shipping_sku = false`` leaves a shipping charge out."""
    charge = sum((one.total_incl for one in order.shipping), Decimal(0))
    if not charge or destination.shipping_sku is not False:
        return ()
    return (f"the shipping charge of {plain(charge)} {order.currency} was left out: shipping_sku = false",)
