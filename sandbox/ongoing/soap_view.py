"""How SOAP shows an order, type ``Order`` of the WSDL of 2016, which knows no market place; and an article."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.ongoing.data import ALLOCATED, CANCELLED, PICKED, OngoingSettings
from sandbox.ongoing.envelope import Tree
from sandbox.ongoing.orders import Order


def seen(order: Order, settings: OngoingSettings) -> Tree:
    """The order as elements, in the WSDL's order."""
    return {
        "Consignee": _consignee(order),
        "OrderInfo": _info(order, settings),
        "Success": True,
        "PickedOrderLines": {"PickedOrderLine": [_line(order, line) for line in order.lines]},
        "Tracking": {"OrderTrackingInfo": [_tracking(row) for row in order.tracking if not row["isReturnTracking"]]},
    }


def stocked(article: Mapping[str, Any], settings: OngoingSettings) -> Tree:
    """An article of GetInventoryByQuery; ``article`` as GET /articles shows it."""
    told = article["inventoryInfo"]
    there, booked = told["numberOfItems"], told["numberOfBookedItems"]
    line = {
        "Article": {
            "SystemId": article["articleSystemId"],
            "Name": article.get("articleName"),
            "ArticleNumber": article["articleNumber"],
        },
        "NumberOfBookedItems": int(booked),
        "NumberOfItems": int(there),
    }
    if settings.soap_stock == "2016":
        return line
    newer = {"NumberOfItemsDecimal": there, "NumberOfBookedItemsDecimal": booked}
    return {**line, **newer, "SellableNumberOfItems": told["sellableNumberOfItems"]}


def _tracking(row: Mapping[str, Any]) -> Tree:
    return {"TrackingUrl": row["trackingUrl"], "Waybill": row["waybill"]}


def _consignee(order: Order) -> Tree:
    sent = order.body["consignee"]
    return {
        "Id": order.customer_id,
        "Name": sent.get("name"),
        "Address": sent.get("address1"),
        "Address2": sent.get("address2"),
        "PostCode": sent.get("postCode"),
        "City": sent.get("city"),
        "CountryCode": sent.get("countryCode"),
        "CountryStateCode": sent.get("countryStateCode"),
        "CustomerNumber": sent.get("customerNumber"),
    }


def _info(order: Order, settings: OngoingSettings) -> Tree:
    body, way = order.body, order.body.get("wayOfDelivery") or {}
    return {
        "OrderId": order.order_id,
        "ReferenceNumber": body.get("referenceNumber"),
        "GoodsOwnerOrderNumber": order.number,
        "GoodsOwnerOrderId": body.get("goodsOwnerOrderId"),
        "ConsigneeOrderNumber": body.get("consigneeOrderNumber"),
        "SalesCode": body.get("salesCode"),
        "OrderRemark": body.get("orderRemark"),
        "DeliveryInstruction": body.get("deliveryInstruction"),
        "WayOfDeliveryTypeCode": way.get("code"),
        "WayOfDeliveryTypeName": way.get("name"),
        "DeliveryDate": f"{body['deliveryDate'][:10]}T00:00:00",
        "CreatedDate": order.created,
        "ShippedTime": order.shipped,
        "OrderStatusNumber": order.status,
        "OrderStatusText": settings.statuses.get(order.status),
        "EmailNotification": _notification(body.get("emailNotification")),
        "SMSNotification": _notification(body.get("smsNotification")),
    }


def _notification(sent: Mapping[str, Any] | None) -> Tree | None:
    return None if sent is None else {"ToBeNotified": bool(sent.get("toBeNotified")), "Value": sent.get("value")}


def _line(order: Order, line: Mapping[str, Any]) -> Tree:
    ordered = line.get("numberOfItems") or 0.0
    return {
        "Article": {"ArticleNumber": line["articleNumber"]},
        "OrderLineSystemId": order.line_ids[line["rowNumber"]],
        "OrderLineComment": line.get("comment"),
        "OrderedNumberOfItems": ordered,
        "PickedNumberOfItems": ordered if PICKED <= order.status < CANCELLED else 0.0,
        "ExternalOrderLineCode": line.get("externalId"),
        "DoPick": line.get("shouldBePicked", True),
        "LinePrice": (line.get("prices") or {}).get("linePrice"),
        "CurrencyCode": (line.get("prices") or {}).get("currencyCode"),
        "AllocatedNumberOfItems": ordered if ALLOCATED <= order.status < PICKED else 0.0,
    }
