"""Esuite: its section of ``crossdock.toml`` (contracts/esuite.md)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from schemas.customers import source
from schemas.destination import TAKEN, Destination, known_zone
from schemas.model import StrictModel

Scalar = str | int | float | bool

LEDGER = "S"
"""The sales ledger: orders of a shop go there, and are looked for there."""

ACCOUNT_FIELDS = ("AccountRef", "AccountNo", "AccountAltRef", "AccountBusinessNumber")
REQUIRED_FIELDS = {"BatchType": '"SAR"', "TransType": '"SOR"', "TransLedger": '"S"'}
"""What POST trans wants besides the account, with an example. Section 9, trap 1: the sample has no TransType."""

OWN_FIELDS = ("TransYourRef", "TransDate", "TransIncGST", "DlvAddressNo", "TransNo")
"""Set for each order; a fixed value would break the look-up or the figures."""


class PaymentType(StrictModel):
    """How one payment method of the shop is booked (contracts/esuite.md section 6, T_Pay)."""

    PaymentType: str
    AuthBankPosted: str | None = None


class EsuiteDestination(Destination):
    """``system = "esuite"``.

    ``customer``: ``NAME:ref``, AccountRef is the code of the buyer's company in the copies of destination NAME.
    ``timezone``: TransDate is the date of ``placed_at`` there; without it, in the offset that the shop sent.
    ``stock_minutes``: how often stock is read; 0: never. A payment method that is ``false`` is not booked.
    """

    shipping_is_a_line: ClassVar[bool] = True

    system: Literal["esuite"]
    reference_prefix: str = ""
    tax_included: bool = True
    timezone: str | None = None
    customer: str | None = None
    stock_minutes: float = Field(default=30, ge=0, le=1440)
    fields: dict[str, Scalar] = Field(default_factory=dict, validate_default=True)
    payments: dict[str, PaymentType | Literal[False]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str | None) -> str | None:
        return None if timezone is None else known_zone(timezone, example="Australia/Melbourne")

    @field_validator("customer")
    @classmethod
    def _looked_up(cls, customer: str | None) -> str | None:
        if customer is not None and not source(customer):
            raise ValueError(
                'must be "NAME:ref", for the code of the buyer\'s company at the destination NAME; one account for all '
                "orders goes into fields, as AccountRef"
            )
        return customer

    @property
    def customer_from(self) -> str | None:
        """The destination whose copies tell the account of each order."""
        return source(self.customer)

    @field_validator("fields")
    @classmethod
    def _can_be_posted(cls, fields: dict[str, Scalar], info: ValidationInfo) -> dict[str, Scalar]:
        looked_up = info.data.get("customer") is not None
        problems = _missing(fields, account=not looked_up)
        if looked_up:
            double = [name for name in ACCOUNT_FIELDS if name in fields]
            problems += [f"{name} is looked up for each order, by customer; take one of the two out" for name in double]
        if str(fields.get("AccountNo", "")) == "-1":
            problems.append("AccountNo = -1 would open a new account for every order; name an existing account")
        if fields.get("TransLedger", LEDGER) not in (LEDGER, ""):
            problems.append(f'TransLedger must be "{LEDGER}": orders of a shop go to the sales ledger')
        problems += [f"{name} {TAKEN}" for name in OWN_FIELDS if name in fields]
        if problems:
            raise ValueError("; ".join(problems))
        return fields


def _missing(fields: dict[str, Scalar], *, account: bool) -> list[str]:
    given = {name for name, value in fields.items() if str(value).strip()}
    said = [f"{name} is missing, for example {name} = {e}" for name, e in REQUIRED_FIELDS.items() if name not in given]
    if account and given.isdisjoint(ACCOUNT_FIELDS):
        names = ", ".join(ACCOUNT_FIELDS)
        said.append(f'the account is missing, for example AccountRef = "CASH01" (one of {names})')
    return said


def reference(number: str, destination: EsuiteDestination) -> str:
    """TransYourRef, the key by which our transaction is found again: ``WEB-1001``."""
    return (destination.reference_prefix + number).strip()
