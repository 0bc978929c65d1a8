"""Esuite: what the shop was paid -> ``T_Pay`` (contracts/esuite.md section 6)."""

from __future__ import annotations

from decimal import Decimal

from schemas.destination import Unmappable
from schemas.esuite import EsuiteDestination, PaymentType
from schemas.model import plain
from schemas.money import decimals, rounded
from schemas.order import Order


def payment(order: Order, destination: EsuiteDestination) -> tuple[dict[str, object] | None, list[str]]:
    """T_Pay, and what is to be said about it. The one object names one type (section 6): the largest one.

    Raises:
        Unmappable: ``no_payment_type``.
    """
    if order.payment_state == "refunded":
        return None, ["the shop has refunded the payment: none was booked"]
    if order.payment_state not in ("paid", "partially_refunded"):
        return None, []
    sums = _by_type(order, destination)
    total = rounded(sum(sums.values(), Decimal(0)), decimals(order.currency))
    if total <= 0:
        return None, []
    largest = max(sums, key=lambda kind: sums[kind])
    booked = f"booked as {largest.PaymentType} {plain(total)}"
    said = []
    if len(sums) > 1:
        split = ", ".join(f"{kind.PaymentType} {plain(amount)}" for kind, amount in sums.items())
        said.append(f"paid in several ways ({split}), and Esuite takes one: {booked}")
    if order.payment_state == "partially_refunded":
        said.append(f"the shop has refunded a part of the payment: {booked}, as it was paid before")
    return {**largest.model_dump(exclude_none=True), "PaymentAmt": plain(total)}, said


def _by_type(order: Order, destination: EsuiteDestination) -> dict[PaymentType, Decimal]:
    sums: dict[PaymentType, Decimal] = {}
    for payment in order.paid:
        kind = destination.payments.get(payment.method, destination.payments.get("*"))
        if payment.amount == 0 or kind is False:
            continue
        if kind is None:
            raise Unmappable(
                "no_payment_type",
                f"The payment method {payment.method!r} has no payment type at {destination.name}.",
                hint=f'Add "{payment.method}" = {{ PaymentType = "..." }}, or "*" for all others, '
                f"to [destinations.{destination.name}.payments]; false leaves the payment out.",
            )
        sums[kind] = sums.get(kind, Decimal(0)) + payment.amount
    return sums
