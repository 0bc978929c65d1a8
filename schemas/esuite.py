"""Esuite: its section of ``crossdock.toml``, and order -> ``trans`` (contracts/esuite.md)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.destination import Destination
from schemas.model import StrictModel


class PaymentType(StrictModel):
    """How one payment method of the shop is booked (contracts/esuite.md section 6, T_Pay)."""

    PaymentType: str
    AuthBankPosted: str | None = None


class EsuiteDestination(Destination):
    """``system = "esuite"``."""

    system: Literal["esuite"]
    reference_prefix: str = ""
    tax_included: bool = True
    fields: dict[str, str | int | float | bool] = Field(default_factory=dict)
    payments: dict[str, PaymentType] = Field(default_factory=dict)
