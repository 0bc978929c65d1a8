"""Ongoing WMS over SOAP: the body of PUT /orders -> envelopes. Sections are those of contracts/ongoing.md.

Elements stand in the order of the WSDL (contracts/data/ongoing-soap-types-reconstructed.json); those that are newer
than that file stand last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from schemas.http import PASSWORD, USERNAME, Call
from schemas.model import plain
from schemas.text import length

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://ongoingsystems.se/WSI"
AUTOMATION = "http://ongoingsystems.se/Automation"
"""The other API, whose users see all goods owners (section 3)."""

CODE_LIMIT = 400
"""Of ``GoodsOwnerCode`` (section 2.1)."""

_SEQUENCE = (
    *("OrderIdentification", "OrderOperation", "Communication", "OrderId", "ReferenceNumber", "GoodsOwnerOrderNumber"),
    *("GoodsOwnerOrderId", "SalesCode", "OrderRemark", "ConsigneeOrderNumber", "WayOfDelivery", "TermsOfDelivery"),
    *("TermsOfPayment", "ProfitCenter", "DeliveryInstruction", "TransporterOrderNumber", "FreightPrice"),
    *("DeliveryDate", "ArrivalDateFrom", "ArrivalDate", "WayBill", "CustomerPrice", "OrderStatusCreated"),
    *("OrderStatusUpdated", "Language", "OrderType", "WayOfDeliveryType", "TermsOfDeliveryType", "OrderNotification"),
    *("InvoiceNumber", "InvoiceTypeCode", "InvoiceUrl", "OutboundWarehouse", "ProductionCode", "PickingPriority"),
    *("OrderServicePointCode", "FreeText1", "FreeText2", "FreeText3", "MarketPlace", "MarketPlaceOrderNumber"),
    "WarehouseInstruction",
)
_OURS = frozenset(
    {
        *("OrderIdentification", "OrderOperation", "OrderId", "GoodsOwnerOrderNumber", "GoodsOwnerOrderId"),
        *("DeliveryDate", "MarketPlace", "MarketPlaceOrderNumber"),
    }
)
_BESIDE = "TransporterContract"
"""Stands beside ``OrderInfo``, and may be given in ``fields`` all the same."""

_BY_LIMIT = {
    20: "Language",
    30: "ProductionCode",
    50: "ReferenceNumber WayOfDelivery TermsOfDelivery TermsOfPayment WayBill OrderServicePointCode",
    100: "Communication",
    150: "ConsigneeOrderNumber TransporterOrderNumber",
    300: "DeliveryInstruction FreeText1 FreeText2 FreeText3",
    500: "SalesCode OrderRemark WarehouseInstruction",
}
_LIMITS = {name: limit for limit, names in _BY_LIMIT.items() for name in names.split()}

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2, Char): one such character would cost the whole envelope."""


class _Blank(str):
    """Goes into the XML as it stands."""

    __slots__ = ()


Node = tuple[str, "str | Sequence[Node]"]
"""An element: its name, and its text or its children."""


def check_fields(fields: Mapping[str, Any]) -> None:
    """Refuse what ``fields`` of a SOAP destination cannot hold: it goes into ``OrderInfo``, under SOAP's names.

    Raises:
        ValueError: with a sentence for the person who wrote it.
    """
    taken = sorted(_OURS & fields.keys())
    if taken:
        raise ValueError(f"{', '.join(taken)}: written from the order itself; take it out of fields")
    unknown = sorted(fields.keys() - {*_SEQUENCE, _BESIDE})
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no element of OrderInfo; over SOAP, fields has its names: OrderType")
    for name, value in fields.items():
        _check_value(name, value)
        if isinstance(value, str) and length(value) > _LIMITS.get(name, length(value)):
            raise ValueError(f"{name}: {length(value)} characters, and Ongoing takes {_LIMITS[name]}")


def _check_value(name: str, value: Any) -> None:
    if not isinstance(value, str | int | float | Mapping):
        raise ValueError(f"{name}: must be a text, a number, true, false or a table")
    for inner, one in value.items() if isinstance(value, Mapping) else ():
        if not _NAME.fullmatch(inner):
            raise ValueError(f"{name}.{inner}: cannot be the name of an element")
        _check_value(f"{name}.{inner}", one)


def create_or_update(body: Mapping[str, Any], *, goods_owner_code: str, fields: Mapping[str, Any]) -> Call:
    """``ProcessOrder`` that makes the order there be as the body of PUT /orders says.

    A line is known by the code that we give it (``ExternalOrderLineCode``) and not by its article: an order may well
    have an article twice, at two prices or with two engravings, which the other way makes wrong without an error
    (section 2.2); and a line whose article changes stays that line.
    """
    info = {
        "GoodsOwnerOrderId": body["goodsOwnerOrderId"],
        "SalesCode": body.get("salesCode") or "",  # empty, so that an update clears what was there
        "OrderRemark": body.get("orderRemark") or "",
        "DeliveryDate": f"{body['deliveryDate']}T00:00:00",  # without a zone, which could move it to another day
        "OrderNotification": _notification(body),
        "MarketPlace": body["marketPlace"]["marketPlace"],
        "MarketPlaceOrderNumber": body["marketPlace"]["marketPlaceOrderNumber"],
        **_way_of_delivery(body),
        **{name: value for name, value in fields.items() if name != _BESIDE},
    }
    order: list[Node] = [_info("CreateOrUpdate", body["orderNumber"], info), ("Customer", _customer(body["consignee"]))]
    if _BESIDE in fields:
        order.append((_BESIDE, _content(fields[_BESIDE])))
    order.append(("CustomerOrderLines", [("CustomerOrderLine", _line(row)) for row in body["orderLines"]]))
    return _process(order, goods_owner_code)


def remove(number: str, *, goods_owner_code: str) -> Call:
    """``ProcessOrder`` that cancels the order of that number."""
    return _process([_info("Remove", number, {})], goods_owner_code)


def search(number: str, *, goods_owner_code: str) -> Call:
    """``GetOrdersByQuery`` for one number."""
    query: Node = ("query", [("OrderNumbersToGet", [("string", number)])])
    return _call("GetOrdersByQuery", [("GoodsOwnerCode", goods_owner_code), *_LOGIN, query])


def updated(*, goods_owner_code: str, since: str, until: str | None) -> Call:
    """``GetOrdersByQuery`` for what was updated in a span of time.

    The vendor names this filter as the way to follow orders (developer.ongoingwarehouse.com/GetOrdersByQuery); that of
    REST by the time of the status does not exist here.

    Args:
        since, until: times with their zone; without ``until`` everything since.
    """
    filters: list[Node] = [("LastUpdatedFrom", since)]
    if until is not None:
        filters.append(("LastUpdatedTo", until))
    return _call("GetOrdersByQuery", [("GoodsOwnerCode", goods_owner_code), *_LOGIN, ("query", filters)])


def inventory(*, goods_owner_code: str, first: int, most: int) -> Call:
    """``GetInventoryByQuery`` for a page of all articles with their stock.

    ``MaxArticlesToGet`` and ``ArticleSystemIdFrom`` are newer than the rebuilt WSDL
    (developer.ongoingwarehouse.com/get-inventory-by-query).

    Args:
        first: the least system id that is wanted.
        most: articles of one page.
    """
    query: Node = ("GetInventoryQuery", [("MaxArticlesToGet", str(most)), ("ArticleSystemIdFrom", str(first))])
    return _call("GetInventoryByQuery", [("GoodsOwnerCode", goods_owner_code), *_LOGIN, query])


def statuses(*, goods_owner_code: str) -> Call:
    """``GetOrderStatuses``: the order of its elements is another one (section 2.1)."""
    return _call("GetOrderStatuses", [*_LOGIN, ("GoodsOwnerCode", goods_owner_code)])


def goods_owners(*, up: int) -> Call:
    """``GetGoodsOwnersByQuery`` of the automation API, which stands beside the goods owner's (section 3).

    Args:
        up: how many segments of ``base_url`` come after the warehouse's name.
    """
    asked = _call("GetGoodsOwnersByQuery", [*_LOGIN, ("Query", "")], namespace=AUTOMATION)
    return replace(asked, path="Automation.asmx", up=up)


_LOGIN: tuple[Node, ...] = (("UserName", _Blank(USERNAME)), ("Password", _Blank(PASSWORD)))


def _process(order: Sequence[Node], goods_owner_code: str) -> Call:
    return _call("ProcessOrder", [("GoodsOwnerCode", goods_owner_code), *_LOGIN, ("co", order)])


def _info(operation: str, number: str, more: Mapping[str, Any]) -> Node:
    """``OrderInfo``. Both choices are sent always: the defaults find nothing and create (section 2.2)."""
    info = {
        "OrderIdentification": "GoodsOwnerOrderNumber",
        "OrderOperation": operation,
        "GoodsOwnerOrderNumber": number,
        **more,
    }
    return "OrderInfo", [(name, _content(info[name])) for name in _SEQUENCE if name in info]


def _notification(body: Mapping[str, Any]) -> dict[str, Any]:
    email, sms = body["emailNotification"], body["smsNotification"]
    return {
        "MobilePhone": sms["value"] or "",
        "Email": email["value"] or "",
        "NotifyByEmail": email["toBeNotified"],
        "NotifyBySms": sms["toBeNotified"],
        "NotifyByTelephone": False,
    }


def _way_of_delivery(body: Mapping[str, Any]) -> dict[str, Any]:
    way = body.get("wayOfDelivery")
    if way is None:
        return {}
    # An existing code keeps the name that the warehouse gave it.
    operation = {"WayOfDeliveryTypeOperation": "CreateOrFind", "WayOfDeliveryTypeIdentification": "Code"}
    return {"WayOfDeliveryType": {**operation, "Code": way["code"], "Name": way.get("name") or way["code"]}}


def _customer(consignee: Mapping[str, Any]) -> list[Node]:
    """What is empty is left out: the number is a digest of all of it, so nothing older stands there to be cleared."""
    customer = {
        "CustomerOperation": "CreateOrUpdate",
        "CustomerIdentification": "CustomerNumber",
        "CustomerNumber": consignee.get("customerNumber"),
        "Name": consignee.get("name"),
        "Address": consignee.get("address1"),
        "Address2": consignee.get("address2"),
        "PostCode": consignee.get("postCode"),
        "City": consignee.get("city"),
        "CountryCode": consignee.get("countryCode"),
        "CountryStateCode": consignee.get("countryStateCode"),
    }
    return [(name, value) for name, value in customer.items() if value]


def _line(row: Mapping[str, Any]) -> list[Node]:
    """No amount of tax: a SOAP line has a VAT code only, and both prices tell it."""
    prices = row["prices"]
    line = {
        "OrderLineIdentification": "ExternalOrderLineCode",
        "ArticleIdentification": "ArticleNumber",
        "ExternalOrderLineCode": row["rowNumber"],
        "OrderLineComment": row["comment"] or "",
        "ArticleNumber": row["articleNumber"],
        "CustomerLinePrice": prices["customerLinePrice"],
        "LinePrice": prices["linePrice"],
        "NumberOfItems": row["numberOfItems"],
        "CurrencyCode": prices["currencyCode"],
        "DoPick": row["shouldBePicked"],
    }
    return [(name, _content(value)) for name, value in line.items()]


def _content(value: Any) -> str | list[Node]:
    if isinstance(value, Mapping):
        return [(name, _content(one)) for name, one in value.items()]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else plain(Decimal(repr(value)))


def _call(operation: str, content: Sequence[Node], *, namespace: str = NAMESPACE) -> Call:
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<soap:Envelope xmlns:soap="{ENVELOPE}">',
        "  <soap:Body>",
        f'    <{operation} xmlns="{namespace}">',
        *(line for node in content for line in _lines(node, "      ")),
        f"    </{operation}>",
        "  </soap:Body>",
        "</soap:Envelope>",
    ]
    return Call("POST", "", xml="\n".join(lines), headers=(("SOAPAction", f'"{namespace}/{operation}"'),))


def _lines(node: Node, indent: str) -> list[str]:
    name, content = node
    if isinstance(content, str):
        return [f"{indent}<{name}>{_text(content)}</{name}>" if content else f"{indent}<{name} />"]
    inner = [line for child in content for line in _lines(child, indent + "  ")]
    return [f"{indent}<{name}>", *inner, f"{indent}</{name}>"]


def _text(text: str) -> str:
    return text if isinstance(text, _Blank) else _UNWRITABLE.sub("", text).translate(_ESCAPED)
