"""IWS's names, texts and switches, as contracts/iws.md has them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from sandbox.system import GATEWAY, HTML_502, Documented, Settings

MADE = " [sandbox]"
"""Ends every title that nobody has seen on the wire."""

NO_CHANGES = "Change log not found."  # the only title that was recorded (section 5)
NO_ROUTE = {"Message": "No HTTP resource was found that matches the request URI."}
NO_DATE = "2079-06-05T00:00:00"  # "none" (section 6.6)
CHALLENGE = {"www-authenticate": 'Basic realm="Interprise.Web.Services"'}

RESOURCES = (
    *("Customer", "CustomerShipTo", "CustomerSpecialPrice", "CustomerSalesOrder", "CustomerSalesOrderDetail"),
    *("CustomerSalesOrderWorkflow", "CustomerInvoice", "CustomerInvoiceDetail", "CRMContact", "InventoryItem"),
    *("InventoryItemPricingDetail", "InventorySpecialPricing", "InventoryUnitMeasure", "InventoryKit"),
    *("InventoryMatrixItem", "InventoryStockTotal", "SystemPaymentTerm", "SystemShippingMethod", "SystemTaxScheme"),
)
"""What a changelog is kept of (section 9)."""


def errors(status: int, title: str) -> dict[str, Any]:
    """An error body; its status is a string (section 5)."""
    return {"errors": [{"status": str(status), "title": title}]}


def _error(status: int, title: str, *, section: str = "5", **headers: str) -> Documented:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Documented(status=status, body=errors(status, title), section=section, headers=named)


def _title(text: str) -> str:
    return text + MADE


IIS_404 = (
    "<html><head><title>404 - File or directory not found.</title></head><body><h1>Server Error</h1></body></html>"
)
SERVER_ERROR = _title("Server execution failed.")
NO_KEY = _title("The API key is missing or invalid.")

REPLIES: dict[str, Documented] = {
    "400_invalid_request": _error(400, _title("The request is invalid.")),
    "400_item_does_not_exist": _error(400, _title("Item 'MUG-11OZ' does not exist.")),
    "400_customer_does_not_exist": _error(400, _title("Customer 'CUST-000101' does not exist.")),
    "400_credit_hold": _error(400, _title("Customer 'CUST-000101' is on credit hold."), section="6.3"),
    "400_empty_body": Documented(status=400, section="5"),
    "401_unauthorized": _error(401, NO_KEY, section="2", www_authenticate=CHALLENGE["www-authenticate"]),
    "401_empty_body": Documented(status=401, section="2", headers=CHALLENGE),
    "404_change_log_not_found": _error(404, NO_CHANGES, section="4"),
    "404_not_found": _error(404, _title("Sales order not found."), section="4"),
    "404_empty_body": Documented(status=404, section="4"),
    "404_html": Documented(status=404, body=IIS_404, section="4", headers={"content-type": "text/html"}),
    "404_no_route": Documented(status=404, body=NO_ROUTE, section="1", documented=False),
    "405_method_not_supported": Documented(
        status=405,
        body={"Message": "The requested resource does not support http method 'POST'."},
        section="1",
        documented=False,
    ),
    "415_media_type_not_supported": Documented(
        status=415, body={"Message": "The request entity's media type is not supported."}, section="3", documented=False
    ),
    "500_server_execution_failed": _error(500, SERVER_ERROR),
    "500_item_does_not_exist": _error(500, _title("Item 'MUG-11OZ' does not exist.")),
    "500_html": Documented(
        status=500, body=HTML_502.replace("502 Bad Gateway", "500"), section="5", headers={"content-type": "text/html"}
    ),
    **{f"{status}_server_execution_failed": _error(status, SERVER_ERROR) for status in (501, 502, 503, 504)},
    **GATEWAY,
}
"""By short name. Statuses are the contract's; titles that end in ``[sandbox]`` are ours."""

Amount = Annotated[Decimal, Field(ge=0)]


class IwsSettings(Settings):
    """Switches of the IWS stand-in.

    The last group plays the people at the ERP: what is set there happens at once, shows in orders, invoices and
    stock, and leaves rows in the changelog. What is taken out again is undone, with rows of its own.

    Attributes:
        customers: code and e-mail of the customers there are; None knows every ``CUST-`` and digits.
        credit_hold: patterns of customer codes or e-mail addresses on credit hold.
        unknown_items: patterns of item names that there are not.
        items: item name to item code; others get a code that follows from the name.
        prices: list price by item name, for lines without a price; 10 for others.
        sources, warehouses: the codes there are; None takes any. Stock lies in the first warehouse.
        tax_rate: of lines and freight.
        price_decimals: to how many places a unit price is kept.
        refused_status: of whatever breaks a rule of the business (section 5 does not know which).
        empty_404: an empty list is 404 with an ``errors`` body, 404 without a body, or 200 with ``[]``.
        order_reply: where the answer to a new order has its code: at both places, one, or neither (section 6.5).
        advance_needs_address: salesorder/advance makes no customer without an address.
        missing_routes: patterns of paths below the base that this build does not have: ``inventory/*/stocktotal``.
        moved_routes: routes as this build has them, by what they are called else:
            ``{"inventory/{code}/stocktotal": "stock/{code}"}``.
        renamed: attributes as this build calls them, by what they are called else: ``{"freeStock": "available"}``.
        stock_data: InventoryStockTotal's ``data`` is the itemCode, or item and warehouse (section 9 does not know).
        stuck_next: the last page's ``next`` is its own address.
        invoice_names: whether an invoice names its order as sourceInvoiceCode or as rootDocumentCode only.
        data: the changelog's ``data`` is the code, or the record (section 9, doc against wire).
        bounds: whether ``from`` and ``to`` belong to a changelog window.
        changelog_lag_s: a row is seen only so many seconds after its dateCreated.
        time_zone: whose local time the server writes.
        clock: where the server's clock stands; None lets it run.
        api_user: the user that the key is bound to.

        invoiced: invoice code by order code: the order is converted and completed, nothing is shipped on the order.
        undispatched: invoice codes; the goods have not left yet.
        voided: order or invoice codes; the flag only, the status stays as it is.
        deleted: order codes; nothing reads them any more, and the changelog says so.
        completed: order codes; without an invoice.
        on_hold: order codes.
        rep_codes: by order code, what staff wrote over salesRepOrderCode.
        tracking: by invoice code, kept in the custom field TrackingNumber_C.
        stock: units by item name, or by warehouse: ``{"MUG": 12, "TEE": {"MAIN": 3, "SHOP": 1}}``.
        allocated: units of the first warehouse's stock that are promised already, by item name.
        touched: by code, how many changes without a visible difference: so many UPDATE rows.
        broken_codes: by resource, the broken code that one row has: ``{"InventoryItem": "ITEM-"}``.
    """

    customers: dict[str, str] | None = None
    credit_hold: tuple[str, ...] = ()
    unknown_items: tuple[str, ...] = ("UNKNOWN-*",)
    items: dict[str, str] = Field(default_factory=dict)
    prices: dict[str, Amount] = Field(default_factory=dict)
    sources: tuple[str, ...] | None = ("Internet",)
    warehouses: tuple[str, ...] = Field(default=("MAIN",), min_length=1)
    tax_rate: Decimal = Field(default=Decimal("0.2"), ge=0, lt=1)
    price_decimals: int = Field(default=6, ge=0, le=6)
    refused_status: Literal[400, 500] = 400
    empty_404: Literal["json", "empty-body", "200"] = "json"
    order_reply: Literal["both", "id", "attribute", "neither"] = "both"
    advance_needs_address: bool = False
    missing_routes: tuple[str, ...] = ()
    moved_routes: dict[str, str] = Field(default_factory=dict)
    renamed: dict[str, str] = Field(default_factory=dict)
    stock_data: Literal["item", "item and warehouse"] = "item"
    stuck_next: bool = False
    invoice_names: Literal["source", "root"] = "source"
    data: Literal["string", "object"] = "string"
    bounds: Literal["inclusive", "exclusive"] = "inclusive"
    changelog_lag_s: float = Field(default=0.0, ge=0, le=3600)
    time_zone: str = "Europe/London"
    clock: datetime | None = None
    api_user: str = "API"

    invoiced: dict[str, str] = Field(default_factory=dict)
    undispatched: tuple[str, ...] = ()
    voided: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    on_hold: tuple[str, ...] = ()
    rep_codes: dict[str, str] = Field(default_factory=dict)
    tracking: dict[str, str] = Field(default_factory=dict)
    stock: dict[str, Amount | dict[str, Amount]] = Field(default_factory=dict)
    allocated: dict[str, Amount] = Field(default_factory=dict)
    touched: dict[str, Annotated[int, Field(ge=0, le=5000)]] = Field(default_factory=dict)
    broken_codes: dict[str, str] = Field(default_factory=dict)

    @field_validator("empty_404", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value  # --set reads 200 as a number

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {name}") from error
        return name

    @field_validator("clock")
    @classmethod
    def _with_zone(cls, clock: datetime | None) -> datetime | None:
        if clock is not None and clock.tzinfo is None:
            raise ValueError("the clock needs an offset: 2026-10-25T00:30:00Z")
        return clock
