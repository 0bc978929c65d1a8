"""Ongoing WMS over SOAP: reading replies. Sections are those of contracts/ongoing.md.

Namespaces are not asked for: a reply is known by the names of its elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from schemas.echo import exact, whole
from schemas.http import Reply

MAX_CHARS = 2_000_000
"""Half a second of reading. An order with a thousand lines is not so long."""

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault. ``ours``: the envelope could not be read, so nothing was carried out (SOAP 1.1 section 4.4.1)."""

    text: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Result:
    """``FileResultClass`` (section 2.2). ``success`` and ``order_id`` are None where they are not told."""

    success: bool | None
    order_id: int | None
    error: str
    message: str

    @property
    def text(self) -> str:
        """What it says, for people."""
        return self.error or self.message


@dataclass(frozen=True, slots=True)
class Envelope:
    """A reply, read once. ``payload``: what is in the body; None where the reply is no envelope."""

    ok: bool
    payload: Element | None

    @property
    def fault(self) -> Fault | None:
        """Its SOAP fault, whatever the status of the reply."""
        found = self.payload
        if found is None or _local(found) != "Fault":
            return None
        code = _said(found, "faultcode").rpartition(":")[2]
        return Fault(text=_said(found, "faultstring") or "a fault without a text", ours=code.split(".")[0] == "Client")

    @property
    def result(self) -> Result | None:
        """The result of ProcessOrder; None where the reply is something else."""
        found = self._answer("ProcessOrder")
        if found is None:
            return None
        return Result(
            success=_TRUTH.get(_said(found, "Success").lower()),
            order_id=whole(_said(found, "OrderId")),
            error=_said(found, "ErrorMessage"),
            message=_said(found, "Message"),
        )

    @property
    def statuses(self) -> list[int] | None:
        """The numbers of GetOrderStatuses; None where the reply is something else."""
        found = self._answer("GetOrderStatuses")
        if found is None:
            return None
        numbers = (whole(_said(one, "OrderStatusId")) for one in found.iterfind("{*}OrderStatuses/{*}OrderStatus"))
        return [number for number in numbers if number is not None]

    @property
    def orders(self) -> list[dict[str, Any]] | None:
        """The orders of GetOrdersByQuery under the names of GET /orders; None where the reply is something else.

        An element that the reply lacks is a member that is not there: it says nothing. Amounts are left out, since
        what the reply calls a price of a line is not described.
        """
        found = self._answer("GetOrdersByQuery")
        return None if found is None else [_order(one) for one in found.iterfind("{*}Orders/{*}Order")]

    @property
    def articles(self) -> list[dict[str, Any]] | None:
        """The articles of GetInventoryByQuery under the names of GET /articles; None where it is something else."""
        found = self._answer("GetInventoryByQuery")
        return (
            None if found is None else [_article(one) for one in found.iterfind("{*}InventoryLines/{*}InventoryLine")]
        )

    @property
    def goods_owners(self) -> frozenset[int]:
        """Ids of what GetGoodsOwnersByQuery lists; empty where the reply is something else.

        Its shape is not public: whatever has the name of a goods owner and an id is one.
        """
        found = self._answer("GetGoodsOwnersByQuery")
        if found is None or _TRUTH.get(_said(found, "Success").lower()) is False:
            return frozenset()
        owners = [one for one in found.iter() if _local(one).startswith("GoodsOwner")]
        ids = (whole(_said(one, "Id") or _said(one, "GoodsOwnerId")) for one in owners)
        return frozenset(number for number in ids if number is not None)

    def _answer(self, operation: str) -> Element | None:
        if not self.ok or self.payload is None or _local(self.payload) != f"{operation}Response":
            return None
        return self.payload.find(f"{{*}}{operation}Result")


def opened(reply: Reply) -> Envelope:
    """Read a reply. A DTD, and with it every entity, is refused unread; so is what is longer than any answer."""
    try:
        if len(reply.text) > MAX_CHARS:
            return Envelope(reply.ok, None)
        envelope: Element = fromstring(reply.text, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):
        return Envelope(reply.ok, None)
    body = envelope.find("{*}Body") if _local(envelope) == "Envelope" else None
    return Envelope(reply.ok, None if body is None or not len(body) else body[0])


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _said(parent: Element, path: str) -> str:
    """The text of the element at that path; empty for none."""
    found = parent.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    if found is None:  # a fault's own parts stand in no namespace
        found = parent.find(path)
    return (found.text or "").strip() if found is not None else ""


def _texts(parent: Element, /, **paths: str) -> dict[str, Any]:
    """Members by the elements that are there: flags as such, all else as text."""
    members: dict[str, Any] = {}
    for name, path in paths.items():
        found = parent.find("/".join(f"{{*}}{step}" for step in path.split("/")))
        if found is not None and not len(found):
            text = found.text or ""
            members[name] = _TRUTH[text] if text in ("true", "false") else text
    return members


def _order(order: Element) -> dict[str, Any]:
    info, consignee = order.find("{*}OrderInfo"), order.find("{*}Consignee")
    lines = order.iterfind("{*}PickedOrderLines/{*}PickedOrderLine")
    return {
        "orderInfo": {} if info is None else _info(info),
        "consignee": {} if consignee is None else _consignee(consignee),
        "orderLines": [_line(line) for line in lines],
        "tracking": [
            _texts(one, waybill="Waybill", trackingUrl="TrackingUrl")
            for one in order.iterfind("{*}Tracking/{*}OrderTrackingInfo")
        ],
    }


def _info(info: Element) -> dict[str, Any]:
    own = {_local(child): child for child in info if not len(child)}
    head = _texts(info, **{name: name for name in own})  # under SOAP's names too, which ``fields`` has
    head |= _texts(
        info,
        orderId="OrderId",
        orderNumber="GoodsOwnerOrderNumber",
        goodsOwnerOrderId="GoodsOwnerOrderId",
        deliveryDate="DeliveryDate",
        salesCode="SalesCode",
        orderRemark="OrderRemark",
        wayBill="WayBill",
    )
    head["orderStatus"] = _texts(info, number="OrderStatusNumber", text="OrderStatusText")
    head["marketPlace"] = _texts(info, marketPlace="MarketPlace", marketPlaceOrderNumber="MarketPlaceOrderNumber")
    for name, element in (("emailNotification", "EmailNotification"), ("smsNotification", "SMSNotification")):
        told = _texts(info, toBeNotified=f"{element}/ToBeNotified", value=f"{element}/Value")
        head |= {name: told} if told else {}
    way = _texts(info, code="WayOfDeliveryTypeCode")
    return head | ({"wayOfDelivery": way} if way else {})


def _consignee(consignee: Element) -> dict[str, Any]:
    return _texts(
        consignee,
        customerNumber="CustomerNumber",
        name="Name",
        address1="Address",
        address2="Address2",
        postCode="PostCode",
        city="City",
        countryCode="CountryCode",
        countryStateCode="CountryStateCode",
    )


def _line(line: Element) -> dict[str, Any]:
    return {
        "article": _texts(line, articleNumber="Article/ArticleNumber"),
        "orderedNumberOfItems": _said(line, "OrderedNumberOfItems"),
        **_texts(line, rowNumber="ExternalOrderLineCode", comment="OrderLineComment", shouldBePicked="DoPick"),
    }


def _article(line: Element) -> dict[str, Any]:
    """``SellableNumberOfItems`` is newer than the rebuilt WSDL; what it replaces is what is there less what is booked
    (developer.ongoingwarehouse.com/inventory)."""
    sellable = exact(_said(line, "SellableNumberOfItems"))
    if sellable is None:
        there, booked = (
            exact(_said(line, f"{name}Decimal") or _said(line, name))
            for name in ("NumberOfItems", "NumberOfBookedItems")
        )
        sellable = None if there is None else there - (booked or 0)
    return {
        **_texts(line, articleSystemId="Article/SystemId", articleNumber="Article/ArticleNumber"),
        **_texts(line, articleName="Article/Name"),
        "inventoryInfo": {} if sellable is None else {"sellableNumberOfItems": sellable},
    }
