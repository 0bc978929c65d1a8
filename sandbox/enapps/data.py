"""Enapps' records, replies and switches, as contracts/enapps.md has them; what it marks [SIM] is made up there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from sandbox.enapps.seed import DISCOUNTS, SEED
from sandbox.system import GATEWAY, HTML_502, Documented, Settings

MOST_IN_FULL = 10
PAGE_SIZES = {
    "partners": 1000,
    "contacts": 1000,
    "addresses": 1000,
    "products": 1000,
    "orders": 100,
    "order_lines": 100,
    "stock_pickings": 100,
    "stock_moves": 100,
    "invoices": 100,
}
"""By list; nobody can ask for another size (section 3). ``order_lines`` is [SIM]."""

BAD_TOKEN = "Invalid or expired token"  # noqa: S105, it is a message
BAD_LOGIN = "Invalid secret key, login or password"
NOT_PERMITTED = "You are not permitted to see or order for this customer"
BAD_PRICE = "price_unit does not match the pricelist"
NOT_FOUND = "Not found"
NO_METHOD = "Method not allowed"
TOO_MANY = "Too many requests"
SERVER_FAULT = "Internal server error"

Stamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")]
"""A time in UTC, as it is kept."""
Pair = tuple[int, str]
Money = Annotated[Decimal, Field(max_digits=14, decimal_places=2)]


class Record(BaseModel):
    """Also with members of the tenant's own; those in ``additional_fields`` come only where they are asked for."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Partner(Record):
    """A company (4.1)."""

    name: str
    ref: str | None = None
    crm_type: Literal["customer", "prospect"] = "customer"
    website: str | None = None
    create_date: Stamp = "2026-01-05 09:00:00"
    write_date: Stamp = "2026-01-05 09:00:00"


class Contact(Record):
    """A person of a company (4.2); its id is what an order is placed with."""

    partner_id: int
    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    res_adresses_id: int | None = None
    type: Literal["primary", "contact"] = "primary"
    crm_type: str = "customer"
    create_date: Stamp = "2026-01-05 09:00:00"
    write_date: Stamp = "2026-01-05 09:00:00"

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


class Address(Record):
    """An address of a company (4.3); it has no dates."""

    partner_id: int
    type: str = "Default"
    street: str = ""
    street2: str = ""
    city: str = ""
    zip: str = ""
    country_id: Pair = (235, "United Kingdom")


class Product(Record):
    """Something that can be ordered (section 5).

    Attributes:
        id: None makes it from the SKU, the same in every run.
        parameters: option names and their options, each with what it adds to the price.
        breaks: the price from a quantity on; get_full does not know it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int | None = None
    name: str = ""
    list_price: Money = Decimal("10.00")
    qty_available: int = 100
    family_id: Pair = (1, "All products")
    web_category_ids: tuple[Pair, ...] = ()
    parameters: dict[str, dict[str, Money]] = Field(default_factory=dict)
    breaks: dict[int, Money] = Field(default_factory=dict)


def product_id(sku: str, product: Product) -> int:
    """The id of a product."""
    if product.id is not None:
        return product.id
    return 100_000 + int.from_bytes(hashlib.blake2b(sku.encode(), digest_size=8).digest()) % 1_900_000_000


class ApiError(Exception):
    """An error reply: status and message in the shape of 3.1."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status

    @property
    def body(self) -> dict[str, Any]:
        """Its body."""
        return error_body(self.status, str(self))


def error_body(status: int, message: str) -> dict[str, Any]:
    """What every error reply looks like (3.1)."""
    return {"error": {"code": status, "message": message}}


def _error(status: int, message: str, *, section: str = "3.1", **headers: str) -> Documented:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = error_body(status, message)
    return Documented(status=status, body=body, section=section, headers=named, documented=False)


def _made(status: int, body: Any, section: str, **headers: str) -> Documented:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Documented(status=status, body=body, section=section, headers=named, documented=False)


_HTML_500 = HTML_502.replace("502 Bad Gateway", "500 Internal Server Error")

# The vendor's text on errors is not in the store: every row here is [SIM].
REPLIES: dict[str, Documented] = {
    "400_price_unit": _error(400, BAD_PRICE),
    "400_unknown_contact": _error(400, "partner_order_id 999 is no contact"),
    "400_unknown_product": _error(400, "products[0]: product_id 999 is no product"),
    "400_qty": _error(400, "products[0]: qty must be a whole number of at least 1", section="6"),
    "400_parameters": _error(400, "products[0]: there is no parameter Finishing", section="6"),
    "400_missing": _error(400, "client_order_ref is required", section="6"),
    "400_duplicate": _error(400, "client_order_ref SHOP-10045 is already used", section="6.2"),
    "400_too_many_products": _error(400, "product_ids may hold 10 products at most", section="5"),
    "401_token": _error(401, BAD_TOKEN),
    "401_login": _error(401, BAD_LOGIN, section="2"),
    "403_not_permitted": _error(403, NOT_PERMITTED),
    "404_unknown_id": _error(404, "There is no record with id 999"),
    "404_not_found": _error(404, NOT_FOUND),
    "405_method": _error(405, NO_METHOD),
    "429_limit": _error(429, TOO_MANY, retry_after="1"),
    "429_without_retry_after": _error(429, TOO_MANY),
    "500_server_fault": _error(500, SERVER_FAULT),
    "500_html": _made(500, _HTML_500, "3.1", content_type="text/html"),
    "200_error": _made(200, error_body(400, BAD_PRICE), "3.1"),
    "200_error_text": _made(200, {"error": SERVER_FAULT}, "3.1"),
    "200_empty_list": _made(200, [], "3.1"),
    "200_empty_object": _made(200, {}, "6.2"),
    "200_empty": _made(200, None, "6.2"),
    **GATEWAY,
}


def laid_over(base: Mapping[str, Any], changes: Mapping[Any, Any]) -> dict[str, Any]:
    """Records by key with changes: members that are not named stay, a new key is a new record, None takes one away."""
    merged = {str(key): record for key, record in base.items()}
    for key, change in changes.items():
        merged[str(key)] = {**(merged.get(str(key)) or {}), **change} if isinstance(change, dict) else change
    return merged


class EnappsSettings(Settings):
    """Switches of the Enapps stand-in, and what its people did.

    ``partners``, ``contacts``, ``addresses`` (by id) and ``products`` (by SKU) are laid over what is there: only what
    is named changes, null takes a record away; a changed partner or contact gets a new write_date by itself.
    ``states``, ``shipped``, ``tracking`` and ``invoiced`` go by client_order_ref, or by the order's name.

    Attributes:
        token_life_s: how long a token of POST /auth lives.
        token_member: under which name it is answered; ``expires_in`` comes beside it.
        token_series: another number makes every token so far unknown.
        fixed_token: the token that never expires is known.
        user_partner: the API user belongs to this customer and sees nobody else (section 1).
        envelope: of lists: the array itself, or ``{"data": ...}``, ``{"results": ...}``, ``{"items": ...}``.
        renamed: members of lists as this site calls them, by what they are called else: ``{"email": "mail"}``.
        unnumbered: what comes where no page is asked for, the first one, the last one, or an empty list.
        empty: how an empty member comes: ``false``, ``null``, or not at all.
        errors_in_200: every error is HTTP 200 with its error member.
        unknown_id: what ``_id`` of nothing gets, an empty list or a 404.
        first_page: the number of the first page.
        past_end: what comes after the last page, nothing or the last page once more.
        page_sizes: by list, where tests want smaller ones.
        newest_first: orders, pickings and invoices come newest first.
        utc_offset_h: the hours by which all times, shown or asked for, are ahead of UTC.
        partner_required: stock_pickings and invoices insist on partner_id.
        numeric_codes: a default_code of digits is a JSON number, as the page has it.
        additional_fields: by list, what was agreed: ``{"partners": {"x_rating": {"type": "char"}}}``.
        shops: names by shop_id.
        currency: of all prices.
        tax_rate: of all orders.
        discounts: by partner id, how many percent its price list is below the list price.
        refuse_duplicates: a client_order_ref that is already used is a 400.
        reply: of POST /orders: ``{"id", "name"}``, the whole order, ``{}``, or no body at all.
        start_state: the state of a new order.
        states: other states of orders; ``cancel`` is cancelled.
        shipped: what has left: everything (true), or quantities by SKU; the rest is a back order.
        tracking: delivery_note_ref of what has left.
        invoiced: orders with an invoice, ``paid`` or ``unpaid``.
    """

    token_life_s: int = Field(default=86_400, ge=1)
    token_member: Literal["access_token", "token"] = "access_token"  # noqa: S105, it is a name
    token_series: int = 0
    fixed_token: bool = True
    user_partner: int | None = None
    envelope: Literal["plain", "data", "results", "items"] = "plain"
    renamed: dict[str, str] = Field(default_factory=dict)
    unnumbered: Literal["first", "last", "none"] = "first"
    empty: Literal["false", "null", "missing"] = "false"
    errors_in_200: bool = False
    unknown_id: Literal["empty", "404"] = "empty"
    first_page: Literal[0, 1] = 1
    past_end: Literal["empty", "last"] = "empty"
    page_sizes: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    newest_first: bool = False
    utc_offset_h: float = Field(default=0.0, ge=-12, le=14)
    partner_required: bool = True
    numeric_codes: bool = False
    additional_fields: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)
    shops: dict[int, str] = Field(default_factory=lambda: {1: "Web"})
    currency: str = "GBP"
    tax_rate: Decimal = Field(default=Decimal("0.2"), ge=0, le=1)
    discounts: dict[int, Annotated[Decimal, Field(ge=0, le=100)]] = Field(
        default_factory=lambda: {partner: Decimal(percent) for partner, percent in DISCOUNTS.items()}
    )
    refuse_duplicates: bool = False
    reply: Literal["short", "full", "empty", "blank"] = "short"
    start_state: str = "draft"
    states: dict[str, str] = Field(default_factory=dict)
    shipped: dict[str, bool | dict[str, Annotated[int, Field(ge=0)]]] = Field(default_factory=dict)
    tracking: dict[str, str] = Field(default_factory=dict)
    invoiced: dict[str, Literal["paid", "unpaid"]] = Field(default_factory=dict)
    partners: dict[int, Partner | None] = Field(default_factory=dict, validate_default=True)
    contacts: dict[int, Contact | None] = Field(default_factory=dict, validate_default=True)
    addresses: dict[int, Address | None] = Field(default_factory=dict, validate_default=True)
    products: dict[str, Product | None] = Field(default_factory=dict, validate_default=True)

    @field_validator("partners", "contacts", "addresses", "products", mode="before")
    @classmethod
    def _over_the_seed(cls, value: object, info: ValidationInfo) -> object:
        return laid_over(SEED[str(info.field_name)], value) if isinstance(value, dict) else value

    @field_validator("page_sizes", "additional_fields")
    @classmethod
    def _of_lists(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value.keys() - PAGE_SIZES.keys():
            raise ValueError(f"there is no list {name}, only {', '.join(PAGE_SIZES)}")
        return value

    @model_validator(mode="after")
    def _ids_are_unique(self) -> EnappsSettings:
        seen: dict[int, str] = {}
        for sku, product in self.products.items():
            if product is not None and seen.setdefault(product_id(sku, product), sku) != sku:
                raise ValueError(f"products: {sku} and {seen[product_id(sku, product)]} have the same id")
        return self
