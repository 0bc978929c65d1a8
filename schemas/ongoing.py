"""Ongoing WMS: its section of ``crossdock.toml``, and order -> PUT /orders, which SOAP is told too.

Sections and traps in comments are those of contracts/ongoing.md.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from schemas import ongoing_soap
from schemas.destination import BasicAuth, Destination, Text, Unmappable
from schemas.model import MistakeError, StrictModel, plain
from schemas.money import decimals, rounded
from schemas.order import Address, Line, Order
from schemas.secret import Secret
from schemas.text import Fitting, cut, length

_BY_LIMIT = {
    30: "productionCode",
    40: "rowNumber",
    50: "orderNumber goodsOwnerOrderId referenceNumber servicePointCode consignee.postCode",
    100: "marketPlace marketPlaceOrderNumber articleNumber",
    150: "consigneeOrderNumber",
    200: "consignee.name consignee.address1 consignee.address2 consignee.city",
    300: "comment deliveryInstruction freeText1 freeText2 freeText3",
    500: "orderRemark salesCode warehouseInstruction",
}
LIMITS = {name: limit for limit, names in _BY_LIMIT.items() for name in names.split()}
"""Section 2.3, in UTF-16 code units. REST states none, but both APIs write one database."""

IDENTITY = frozenset({"goodsOwnerId", "orderNumber", "goodsOwnerOrderId", "marketPlace"})
"""Members of the body that say which order it is."""

OURS = IDENTITY | {"deliveryDate", "consignee", "orderLines"}
"""Members of the body that are written from the order itself; ``fields`` has to leave them alone."""

SHIPPING_ROW = "shipping"

AUTOMATION_API = "/automation.asmx"
"""How its address ends, in lower case; IIS does not tell capitals (section 3)."""


class CodeName(StrictModel):
    """A code and what people call it (section 1.7)."""

    code: str = Field(min_length=1, max_length=50)
    name: str | None = Field(default=None, max_length=100)


class OngoingDestination(Destination):
    """``system = "ongoing"``.

    ``begun_from``: the status number from which the warehouse works on an order, and takes no change any more; sites
    number their statuses themselves (section 1.7). ``fields`` goes into the body of PUT /orders as it stands; with
    ``api = "soap"`` into ``OrderInfo``, under SOAP's names, and ``goods_owner_code`` is needed, as SOAP's word for the
    goods owner (section 2.1).
    ``statuses``: what is told of an order from which status number on, to be told until the next one of the list;
    ``cancelled_status`` and what comes after it are no steps of that way.
    ``status_minutes``, ``stock_minutes``: how often orders' statuses and the articles are read; 0: never.
    ``webhook_token``: what the warehouse's webhooks carry in X-Auth-Token; without it none is taken.
    ``notify`` names the ways in which the receiver may be told; the contact data goes along either way, since carriers
    need it.
    """

    one_at_a_time: ClassVar[str] = "the warehouse runs the writes of a goods owner one at a time"

    system: Literal["ongoing"]
    api: Literal["rest", "soap"] = Field(default="rest", validate_default=True)
    goods_owner_id: int
    goods_owner_code: str | None = Field(default=None, min_length=1, max_length=400, validate_default=True)
    max_in_flight: int = Field(default=1, ge=1, le=200)
    begun_from: int = Field(default=320, ge=0, le=10_000)
    statuses: dict[int, Text] = Field(
        default_factory=lambda: {400: "picked", 450: "sent", 500: "collected", 800: "returned"}
    )
    cancelled_status: int = Field(default=1000, ge=0, le=10_000)
    status_minutes: float = Field(default=5, ge=0, le=1440)
    stock_minutes: float = Field(default=30, ge=0, le=1440)
    webhook_token: Secret | None = None
    ways_of_delivery: dict[str, CodeName] = Field(default_factory=dict)
    notify: tuple[Literal["email", "sms"], ...] = ("email", "sms")
    fields: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def below_warehouse(self) -> int | None:
        """How many segments of ``base_url`` come after the warehouse's name; None where that is not to be told."""
        path = urlsplit(self.base_url).path.lower()
        if path.endswith("/api/v1"):
            return 2
        return 1 if path.endswith(".asmx") else None

    @field_validator("base_url")
    @classmethod
    def _of_a_goods_owner(cls, base_url: str) -> str:
        if urlsplit(base_url).path.lower().endswith(AUTOMATION_API):
            raise MistakeError(
                "is the address of the automation API, whose users see all goods owners",
                hint="Write that of the goods owner API: it ends with the warehouse's name and /api/v1; with "
                'api = "soap" with the warehouse\'s name and /Service.asmx.',
            )
        return base_url

    @field_validator("api")
    @classmethod
    def _login_fits(cls, api: str, info: ValidationInfo) -> str:
        auth = info.data.get("auth")
        if api == "soap" and auth is not None and not isinstance(auth, BasicAuth):
            raise ValueError(f'SOAP wants a user name and a password; auth has mode = "{auth.mode}" and not "basic"')
        return api

    @field_validator("api")
    @classmethod
    def _address_fits(cls, api: str, info: ValidationInfo) -> str:
        at_soap = urlsplit(info.data.get("base_url", "")).path.lower().endswith(".asmx")
        if at_soap and api == "rest":
            raise MistakeError(
                "is rest, and base_url is an address of SOAP",
                hint='Write api = "soap", or a base_url that ends with /api/v1.',
            )
        if not at_soap and api == "soap" and "base_url" in info.data:
            raise MistakeError(
                "is soap, and base_url is no address of SOAP", hint="Write a base_url that ends with /Service.asmx."
            )
        return api

    @field_validator("goods_owner_code")
    @classmethod
    def _code_with_soap(cls, code: str | None, info: ValidationInfo) -> str | None:
        if code is None and info.data.get("api") == "soap":
            raise ValueError("goods_owner_code is missing: over SOAP the goods owner is named by it, beside its id")
        return code

    @field_validator("fields")
    @classmethod
    def _fields_fit(cls, fields: dict[str, JsonValue], info: ValidationInfo) -> dict[str, JsonValue]:
        if info.data.get("api") == "soap":
            ongoing_soap.check_fields(fields)
            return fields
        taken = sorted(OURS & fields.keys())
        if taken:
            raise ValueError(f"{', '.join(taken)}: written from the order itself; take it out of fields")
        for name, value in fields.items():
            limit = LIMITS.get(name)
            if limit is not None and isinstance(value, str) and length(value) > limit:
                raise ValueError(f"{name}: {length(value)} characters, and Ongoing takes {limit}")
        return fields


def to_ship(order: Order) -> tuple[Line, ...]:
    """The lines that the warehouse still has to send."""
    return tuple(line for line in order.lines if line.shippable and line.open_quantity > 0)


def nothing_wanted(order: Order) -> bool:
    """Nothing was sent and nothing is open: as good as cancelled, for a warehouse."""
    wanted = (line.open_quantity + line.fulfilled_quantity for line in order.lines if line.shippable)
    return not any(wanted)


def goods_order(
    order: Order, *, number: str, shop: str, destination: OngoingDestination
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The JSON of PUT /orders (section 1.4), complete (trap 6), and warnings of what was cut or is missing.

    Texts that the order does not have go as null: an update then clears them, whether PUT replaces or merges.

    Raises:
        Unmappable: a line without SKU, no address, a key too long, a quantity that no JSON number holds.
    """
    writer = Fitting(limits=LIMITS, system="Ongoing", number=number)
    lines = to_ship(order)
    address = _address(order, number) if lines else Address()
    body: dict[str, Any] = {
        "goodsOwnerId": destination.goods_owner_id,
        "orderNumber": writer.key("orderNumber", number),
        "goodsOwnerOrderId": writer.key("goodsOwnerOrderId", order.shop_order_id),
        "marketPlace": {
            "marketPlace": writer.key("marketPlace", shop),
            "marketPlaceOrderNumber": writer.key("marketPlaceOrderNumber", order.number),
        },
        # A bare date: a UTC instant near midnight is another day in Sweden (trap 12).
        "deliveryDate": (order.placed_at.date() + timedelta(days=destination.lead_days)).isoformat(),
        "orderRemark": writer.text("orderRemark", order.note),  # section 5: buyer note to order remark
        # The vendor's example puts "attention of" here (section 1.4).
        "salesCode": writer.text("salesCode", address.full_name if address.company else None),
        **_notifications(order, address, destination),
        **_way_of_delivery(order, destination, writer),
        "consignee": _consignee(order, address, shop, writer),
        "orderLines": [_line(line, order, destination, writer) for line in lines],
    }
    if lines:
        body["orderLines"] += _shipping(order, destination, writer)
    _refuse_equal_rows(body["orderLines"], number)
    body.update(destination.fields)  # over SOAP too: its names are others, and a look-up compares them
    return body, tuple(writer.warnings)


def _address(order: Order, number: str) -> Address:
    address = order.ship_to
    if address is None or not any((address.address1, address.address2, address.city, address.postcode)):
        raise Unmappable(
            "no_address",
            f"Order {number} has goods to ship, but the order has no shipping address.",
            hint="Add ship_to to the order, or mark its lines as not shippable, then replay.",
            hold=True,
        )
    return address


def _consignee(order: Order, address: Address, shop: str, writer: Fitting) -> dict[str, Any]:
    consignee = {
        "name": writer.text("consignee.name", address.company or address.full_name),
        "address1": writer.text("consignee.address1", address.address1),
        "address2": writer.text("consignee.address2", address.address2),
        "postCode": writer.text("consignee.postCode", address.postcode),
        "city": writer.text("consignee.city", address.city),
        "countryCode": address.country,
        "countryStateCode": address.state,
    }
    if not any(consignee.values()):
        return {}
    missing = [name for name in ("name", "countryCode") if not consignee[name]]
    if missing:
        writer.warnings.append(f"the shipping address has no {' and no '.join(missing)}; the warehouse has to add it")
    receiver = [shop, address.full_name, order.email, _phone(order, address), *consignee.values()]
    return {"customerNumber": _customer_number(receiver), **consignee}


def _customer_number(receiver: list[str | None]) -> str:
    """A number for the warehouse's customer register, which every order writes to (trap 25).

    A digest of all that the register would hold: the same receiver keeps the number, and one number never
    means two addresses, so an order to a friend cannot redirect what still waits for the buyer. A digest,
    because an e-mail address as a key would spread through the warehouse's messages and lists.
    """
    parts = [" ".join(unicodedata.normalize("NFKC", part or "").casefold().split()) for part in receiver]
    return "CD-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def _phone(order: Order, address: Address) -> str | None:
    return address.phone or order.phone


def _notifications(order: Order, address: Address, destination: OngoingDestination) -> dict[str, Any]:
    values = {"email": order.email or None, "sms": _phone(order, address) or None}
    told = {way for way in destination.notify if values[way]}
    return {f"{way}Notification": {"toBeNotified": way in told, "value": value} for way, value in values.items()}


def _way_of_delivery(order: Order, destination: OngoingDestination, writer: Fitting) -> dict[str, Any]:
    ways = destination.ways_of_delivery
    # Fees and tips are charges too, after the real ones; a method of delivery has a code first of all.
    parts = sorted(order.shipping, key=lambda part: part.code is None)
    names = [name for part in parts for name in (part.code, part.name) if name]
    way = next((ways[name] for name in (*names, "*") if name in ways), None)
    if way is None:
        if ways:
            named = f"shipping method {cut(names[0], 60)!r}" if names else "order without shipping method"
            writer.warnings.append(f'ways_of_delivery has no "*" and nothing for {named}; the warehouse chooses')
        return {}
    return {"wayOfDelivery": way.model_dump(exclude_none=True)}


def _line(line: Line, order: Order, destination: OngoingDestination, writer: Fitting) -> dict[str, Any]:
    where = f"Line {cut(line.id, 60)} ({cut(line.name, 60) or 'no name'}) of order {writer.number}"
    article = destination.sku(line.sku) if line.sku else ""
    if not article:
        raise Unmappable(
            "no_sku",
            f"{where} has no SKU, and the warehouse knows its articles by nothing else.",
            hint="Give the product a SKU in the shop, or edit the line's sku here, then replay.",
            hold=True,
        )
    options = "; ".join(f"{name}: {value}" for name, value in line.options.items() if value)
    return {
        "rowNumber": writer.key("rowNumber", line.id, where),
        "articleNumber": writer.key("articleNumber", article, where),
        "numberOfItems": _quantity(line.open_quantity, where),
        "shouldBePicked": True,
        "comment": writer.text("comment", options, f"line {line.id}: "),
        "prices": _prices(
            incl=_open(line.total_incl, line, order.currency),
            tax=_open(line.tax, line, order.currency),
            currency=order.currency,
        ),
        "externalId": line.id,
    }


def _quantity(value: Decimal, where: str) -> int | float:
    """A JSON number of exactly that value: an integer, or a float whose shortest text is the decimal."""
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise Unmappable(
            "quantity",
            f"{where} has the quantity {plain(value)}, which a JSON number cannot hold exactly.",
            hint="Edit the line's quantity to at most 15 digits, then replay.",
        )
    return number


def _prices(*, incl: Decimal, tax: Decimal, currency: str) -> dict[str, Any]:
    """Amounts of a whole row in major units: without tax, as the customer pays it, and the tax between them.

    Whole amounts as integers, else the nearest float, which prints as the decimal itself up to 15 digits.
    """
    amounts = {"linePrice": incl - tax, "customerLinePrice": incl, "totalVat": tax}
    numbers = {
        name: int(value) if value == value.to_integral_value() else float(value) for name, value in amounts.items()
    }
    return {**numbers, "currencyCode": currency}


def _open(amount: Decimal, line: Line, currency: str) -> Decimal:
    """The part of a line's amount that belongs to its open quantity; as the shop states it where that is all."""
    if line.open_quantity == line.quantity:
        return amount
    return rounded(Fraction(amount) * Fraction(line.open_quantity) / Fraction(line.quantity), decimals(currency))


def _shipping(order: Order, destination: OngoingDestination, writer: Fitting) -> list[dict[str, Any]]:
    """The shipping charge as a row that nobody picks, where ``shipping_sku`` asks for one.

    Not as ``freightPrice``: amounts of the order have no currency there (trap 11).
    """
    incl = sum((part.total_incl for part in order.shipping), Decimal(0))
    if not destination.shipping_sku or not incl:
        return []
    tax = sum((part.tax for part in order.shipping), Decimal(0))
    row = {
        "rowNumber": SHIPPING_ROW,
        "articleNumber": writer.key("articleNumber", destination.shipping_sku, "The shipping charge"),
        "numberOfItems": 1,
        "shouldBePicked": False,
        "comment": None,
        "prices": _prices(incl=incl, tax=tax, currency=order.currency),
        "externalId": SHIPPING_ROW,
    }
    return [row]


def _refuse_equal_rows(rows: list[dict[str, Any]], number: str) -> None:
    """Rows whose numbers the database takes for one would lose a line without an error (traps 7 and 8)."""
    seen: set[str] = set()
    for row in rows:
        folded = row["rowNumber"].casefold()
        if folded in seen:
            raise Unmappable(
                "same_row",
                f"Order {number} has two lines whose ids Ongoing cannot tell apart: {row['rowNumber']!r}.",
                hint="Give one of the lines another id in the shop, then replay.",
            )
        seen.add(folded)
