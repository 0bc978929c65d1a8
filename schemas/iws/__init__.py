"""Interprise IWS: its section of ``crossdock.toml`` (contracts/iws.md)."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator

from schemas.codes import COUNTRIES, CURRENCIES
from schemas.customers import BY_REF, source
from schemas.destination import Auth, BasicAuth, Destination, Text, Unmappable, known_zone, other_than
from schemas.iws.names import NAMES, checked

Scalar = str | int | float | bool

EMAIL = "email"
"""``customer = "email"``: salesorder/advance finds the customer, or makes one."""

EVERY_SHOP = "*"

OWN_FIELDS = (
    *(
        "customerCode",
        "email",
        "poCode",
        "salesRepOrderCode",
        "salesOrderDate",
        "freightAmount",
        "isApprovedCreditHold",
    ),
    *("shipAddress", "billToAddress", "items", "customFields"),
)
"""Set for each order, or by a key of their own. Letter case does not matter there (section 3)."""

OWN_LINE_FIELDS = ("itemName", "itemCode", "itemQuantity", "itemUnitPrice", "netItemPrice")


def _country_code(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError('is no country; write its ISO code of two letters, as HK = "Hong Kong"')
    return code


class IwsDestination(Destination):
    """``system = "iws"``.

    Attributes:
        customer: ``email``, a customer code, ``NAME:ref`` for the code of the buyer's company in the copies of the
            destination NAME, or one of these for each shop; ``*`` is any other shop.
        reference_prefix: begins salesRepOrderCode, our own reference.
        tax_included: whether prices and freight go out with tax. They are net in all orders that were seen, which
            keep the freight net with its tax beside it, and total = subTotal + freight + tax (sections 6.3, 6.6).
        timezone: the server's. Its times have no offset, and are UK local as far as one knows (section 3).
        currency: what the customers are billed in; an order says none, so one in another currency is held.
        credit_hold: true permits orders of customers on credit hold (isApprovedCreditHold); unset says nothing.
        fields, line_fields: go into each order, and into each line, as they stand.
        custom_fields: name and value of the order's own custom fields.
        country_names: the ERP's word for a country where it is not the usual one.
        names: corrections of :data:`schemas.iws.names.NAMES`.
    """

    system: Literal["iws"]
    customer: Text | dict[str, Text]
    # One customer's own server, without a documented limit: 1 or 2 calls at a time (section 5).
    max_in_flight: int = Field(default=2, ge=1, le=200)
    status_minutes: float = Field(default=5, ge=0, le=1440)
    stock_minutes: float = Field(default=30, ge=0, le=1440)
    reference_prefix: Annotated[str, Field(max_length=10)] = "CD-"
    tax_included: bool = False
    timezone: str = "Europe/London"
    currency: str | None = None
    credit_hold: bool | None = None
    fields: dict[Annotated[str, other_than(OWN_FIELDS)], Scalar] = Field(default_factory=dict)
    line_fields: dict[Annotated[str, other_than(OWN_LINE_FIELDS)], Scalar] = Field(default_factory=dict)
    custom_fields: dict[Text, Scalar] = Field(default_factory=dict)
    country_names: dict[Annotated[str, AfterValidator(_country_code)], Text] = Field(default_factory=dict)
    names: dict[str, str] = Field(default_factory=dict)

    @field_validator("auth")
    @classmethod
    def _basic(cls, auth: Auth) -> Auth:
        if not isinstance(auth, BasicAuth):
            raise ValueError(
                'must be { mode = "basic", username = "env:NAME", password = "" }: the key is the user name'
            )
        return auth

    @field_validator("customer")
    @classmethod
    def _somebody(cls, customer: str | dict[str, str]) -> str | dict[str, str]:
        if not customer:
            raise ValueError('names no customer; write a code for each shop, or "*" = "email"')
        if BY_REF in (customer.values() if isinstance(customer, dict) else (customer,)):
            raise ValueError('names no destination; write "NAME:ref", as "enapps-uk:ref"')
        return customer

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str) -> str:
        return known_zone(timezone, example="Europe/London")

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, currency: str | None) -> str | None:
        if currency is not None and currency not in CURRENCIES:
            raise ValueError('is no currency, write its ISO code, as "GBP"')
        return currency

    @field_validator("shipping_sku")
    @classmethod
    def _no_line(cls, sku: str | bool | None) -> str | bool | None:
        if isinstance(sku, str):
            raise ValueError(
                "the shipping charge goes out as freightAmount; take shipping_sku out, false leaves it out"
            )
        return sku

    @field_validator("names")
    @classmethod
    def _known_names(cls, names: dict[str, str]) -> dict[str, str]:
        checked(names)
        return names

    @property
    def zone(self) -> ZoneInfo:
        """Of the server's times."""
        return ZoneInfo(self.timezone)

    def word(self, name: str) -> str:
        """IWS's name or route for one of :data:`NAMES`; empty where it is not to be sent."""
        return self.names.get(name, NAMES[name]).strip()

    def customer_of(self, shop: str) -> str:
        """The customer code for orders of that shop, or ``email``, or ``NAME:ref``.

        Raises:
            Unmappable: ``no_customer``.
        """
        if isinstance(self.customer, str):
            return self.customer
        code = self.customer.get(shop) or self.customer.get(EVERY_SHOP)
        if code is None:
            raise Unmappable(
                "no_customer",
                f"{self.name} has no customer for orders of the shop {shop}.",
                hint=f'Add {shop} = "CUST-...", or "*" = "email" for all other shops, to '
                f"[destinations.{self.name}.customer], then replay.",
                hold=True,
            )
        return code

    def customer_from(self, shop: str) -> str | None:
        """The destination whose copies tell the customer of each order of that shop.

        Raises:
            Unmappable: ``no_customer``.
        """
        return source(self.customer_of(shop))
