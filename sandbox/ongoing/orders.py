"""One order at Ongoing, and how GET shows it (contracts/ongoing.md 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.ongoing.data import ALLOCATED, CANCELLED, PICKED, WAREHOUSES, OngoingSettings

ECHOED = (
    *("goodsOwnerOrderId", "referenceNumber", "salesCode", "orderRemark", "deliveryInstruction"),
    *("warehouseInstruction", "servicePointCode", "freeText1", "freeText2", "freeText3"),
    *("orderFreeDateTime1", "orderType", "wayOfDelivery", "emailNotification", "smsNotification"),
    *("telephoneNotification", "customsInfo", "preparedTransportDocumentId", "termsOfDeliveryType"),
    *("customerPrice", "freightPrice", "consigneeOrderNumber", "marketPlace", "pickingPriority"),
    "productionCode",
)
ECHOED_LINE = (
    *("rowNumber", "externalId", "comment", "serialNumber", "batchNumber", "lineTotalCustomsValue"),
    *("lineType", "prices", "customerArticleNumber"),
)
CONSIGNEE = (
    *("customerNumber", "name", "address1", "address2", "address3", "postCode", "city", "countryCode"),
    *("countryStateCode", "remark", "doorCode", "advanced", "invoiceAddress"),
)
"""Absent values come back as null (1.2)."""


@dataclass(frozen=True, slots=True)
class Order:
    """A version of an order. ``body`` is the PUT as it was read; times are as :func:`stamp` writes them."""

    order_id: int
    body: dict[str, Any]
    status: int
    created: str
    updated: str
    status_changed: str
    customer_id: int
    line_ids: Mapping[str, int]
    shipped: str | None = None
    tracking: tuple[Mapping[str, Any], ...] = ()
    writes: int = 1

    @property
    def number(self) -> str:
        """The order number as it was sent last."""
        return str(self.body["orderNumber"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines as they were sent last."""
        return self.body.get("orderLines") or []

    def summary(self) -> dict[str, Any]:
        """What ``/_sandbox/orders`` shows."""
        return {
            "orderId": self.order_id,
            "orderNumber": self.number,
            "goodsOwnerOrderId": self.body.get("goodsOwnerOrderId"),
            "status": self.status,
            "cancelled": self.status == CANCELLED,
            "writes": self.writes,
            "lines": len(self.lines),
            "items": [
                {name: line.get(name) for name in ("rowNumber", "articleNumber", "numberOfItems")}
                for line in self.lines
            ],
        }


def key(number: str) -> str:
    """Numbers are the same in any case, as usual for SQL Server (section 6, trap 8)."""
    return number.rstrip().casefold()


def stamp() -> str:
    """Now, in UTC with ``Z`` and as many fraction digits as there are (1.2)."""
    text = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"


def instant(text: str) -> datetime:
    """A time that was sent or stored; UTC where it does not say. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def view(order: Order, settings: OngoingSettings, article_id: Callable[[str], int]) -> dict[str, Any]:
    """GetOrderModel. ``article_id``: articleSystemId of an articleNumber."""
    empty: list[Any] | None = None if settings.null_arrays else []
    lines = [_line(order, line, article_id, empty) for line in order.lines]
    return {
        "goodsOwner": {"id": settings.goods_owner_id, "name": "Sandbox Goods Owner"},
        "orderInfo": _info(order, settings, lines),
        "consignee": {**dict.fromkeys(CONSIGNEE), **order.body["consignee"], "id": order.customer_id},
        "parcels": empty,
        "orderLines": lines or empty,
        "transporter": _transporter(order.body.get("transporter")),
        "returnTransporter": _transporter(order.body.get("returnTransporter")),
        "tracking": [_tracking(row) for row in order.tracking if not row["isReturnTracking"]] or empty,
        "classes": order.body.get("classes") or empty,
        "shipmentInfo": None,
    }


def _info(order: Order, settings: OngoingSettings, lines: list[dict[str, Any]]) -> dict[str, Any]:
    def total(name: str) -> float:
        return sum((line[name] for line in lines), 0.0)

    advanced = order.body.get("advanced") or {}
    return {
        "orderId": order.order_id,
        "orderNumber": order.number,
        "orderStatus": {"number": order.status, "text": settings.statuses.get(order.status)},
        # A bare date, though the schema says date-time (1.2).
        "deliveryDate": order.body["deliveryDate"][:10],
        "createdDate": order.created,
        "shippedTime": order.shipped,
        "wayBill": None,
        "returnWayBill": None,
        **{f"{n}NumberOfItems": total(f"{n}NumberOfItems") for n in ("ordered", "allocated", "picked")},
        "warehouse": {name: WAREHOUSES[0][name] for name in ("id", "code", "name")},
        "advanced": {
            "invoiceNumber": advanced.get("invoiceNumber"),
            "arrivalDate": advanced.get("arrivalDate"),
            "deliveryDateWithTime": order.body["deliveryDate"],
            "backOrderInfo": None,
        },
        **{name: order.body.get(name) for name in ECHOED},
    }


def _line(
    order: Order, line: dict[str, Any], article_id: Callable[[str], int], empty: list[Any] | None
) -> dict[str, Any]:
    ordered = line.get("numberOfItems") or 0.0
    number = line["articleNumber"]
    return {
        "id": order.line_ids[line["rowNumber"]],
        "article": {
            "articleSystemId": article_id(number),
            "articleNumber": number,
            "articleName": None,
            "productCode": None,
            "articleKind": "Article",
        },
        "orderedNumberOfItems": ordered,
        "allocatedNumberOfItems": ordered if ALLOCATED <= order.status < PICKED else 0.0,
        "pickedNumberOfItems": ordered if PICKED <= order.status < CANCELLED else 0.0,
        "packedNumberOfItems": 0.0,
        "returnedNumberOfItems": 0.0,
        "reportedNumberOfItems": None,
        "reportedReturnedNumberOfItems": None,
        "shouldBePicked": line.get("shouldBePicked", True),
        "pickedArticleItems": empty,
        "subOrderLines": empty,
        "freeValues": line.get("lineFreeValues"),
        **{name: line.get(name) for name in ECHOED_LINE},
    }


def _tracking(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"trackingUrl": row["trackingUrl"], "waybill": row["waybill"], "created": None}


def _transporter(sent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Reply names differ from request names (section 6, trap 15)."""
    if not sent:
        return None
    return {
        "transporterName": sent.get("transporterCode"),
        "name": sent.get("transporterCode"),
        "code": sent.get("transporterCode"),
        "serviceCode": sent.get("transporterServiceCode"),
        "transporterContract": None,
        "serviceComment": None,
    }


def created(order: Order) -> str:
    """Says created/updated for both, and created for a customer that was there (1.5)."""
    number = order.body["consignee"].get("customerNumber")
    who = f"customer number '{number}' and ID" if number else "ID"
    return f"Customer with {who} '{order.customer_id}' created. <br/> <br/>Order number {order.number} created/updated"
