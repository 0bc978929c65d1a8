"""The goods owner SOAP API on the same book of orders (contracts/ongoing.md section 2): ``/acme/Service.asmx``."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from sandbox.ongoing.data import ORDER
from sandbox.ongoing.envelope import (
    XML_TYPE,
    FaultError,
    Operation,
    Tree,
    answered,
    child,
    children,
    choice,
    faulted,
    flag,
    integer,
    moment,
    number,
    opened,
    text,
)
from sandbox.ongoing.orders import Order, instant, key, stamp
from sandbox.ongoing.query import RefusalError
from sandbox.ongoing.shape import Findings
from sandbox.ongoing.soap_data import INVENTORY, OPERATIONS, PAGE, PROCESS, QUERY, STATUSES, wsdl
from sandbox.ongoing.soap_view import seen, stocked
from sandbox.system import Answer, Entry, Request, make_answer

if TYPE_CHECKING:
    from sandbox.ongoing import Ongoing

PATH = "/acme/service.asmx"

_IDENTIFICATIONS = ("ExternalOrderCode", "GoodsOwnerOrderNumber", "ReferenceNumber", "SystemId", "GoodsOwnerOrderId")
_OPERATIONS = ("Create", "CreateOrUpdate", "Update", "Remove")
_LINES = ("ExternalOrderLineCode", "ArticleNumber", "ArticleName", "ExternalOrderLineId", "SystemId")
_ARTICLES = ("SystemId", "ArticleNumber", "ProductCode", "ArticleName")
_CUSTOMERS = ("ExternalCustomerCode", "SystemId", "CustomerNumber", "FullNameAndAddress")
_CUSTOMER_OPERATIONS = ("Create", "CreateOrUpdate", "CreateNotUpdate", "Find")
"""Enumerations; the first is the default (2.2)."""

_TEXTS = {
    "goodsOwnerOrderId": "GoodsOwnerOrderId",
    "referenceNumber": "ReferenceNumber",
    "salesCode": "SalesCode",
    "orderRemark": "OrderRemark",
    "deliveryInstruction": "DeliveryInstruction",
    "consigneeOrderNumber": "ConsigneeOrderNumber",
    "warehouseInstruction": "WarehouseInstruction",
    "productionCode": "ProductionCode",
    "servicePointCode": "OrderServicePointCode",
    "freeText1": "FreeText1",
    "freeText2": "FreeText2",
    "freeText3": "FreeText3",
}
_CUSTOMER = {
    "customerNumber": "CustomerNumber",
    "name": "Name",
    "address1": "Address",
    "address2": "Address2",
    "address3": "Address3",
    "postCode": "PostCode",
    "city": "City",
    "countryCode": "CountryCode",
    "countryStateCode": "CountryStateCode",
}


def serves(request: Request) -> bool:
    """Whether the request is for this door; IIS does not tell capitals."""
    return request.path.lower() == PATH


def writes(request: Request) -> bool:
    """Whether it asks for a write."""
    return request.method == "POST" and request.headers.get("soapaction", "").strip('"').endswith(f"/{PROCESS}")


class SoapDesk:
    """ProcessOrder, GetOrdersByQuery, GetOrderStatuses and GetInventoryByQuery of one instance."""

    def __init__(self, ongoing: Ongoing) -> None:
        self._ongoing = ongoing

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if request.method == "GET":
            if request.query.lower() != b"wsdl":
                return make_answer(200, PAGE, {"content-type": "text/html; charset=utf-8"})
            host = request.headers.get("host", "localhost")
            return make_answer(200, wsdl(f"http://{host}/ongoing/acme/Service.asmx"), XML_TYPE)
        if request.method != "POST":
            return make_answer(405, "The HTTP verb used to access this page is not allowed.")
        if not request.headers.get("content-type", "").lower().startswith("text/xml"):
            return make_answer(415, "Unsupported Media Type")
        try:
            return self._answer(opened(request, OPERATIONS))
        except FaultError as error:
            return faulted(error)

    def _answer(self, asked: Operation) -> Answer:
        known = self._knows(asked.element)
        if not known and self._ongoing.settings.soap_login == "fault":
            # What a wrong login gets is not public.
            raise FaultError("Server was unable to process request. ---> Access denied.", server=True)
        if asked.name == PROCESS:
            return answered(PROCESS, self._processed(asked.element, known=known))
        if asked.name == QUERY:
            return answered(QUERY, {"Orders": {"Order": self._found(asked.element) if known else []}})
        if asked.name == INVENTORY:
            lines = self._inventory(child(asked.element, "GetInventoryQuery")) if known else []
            return answered(INVENTORY, {"InventoryLines": {"InventoryLine": lines}})
        statuses = sorted(self._ongoing.settings.statuses.items()) if known else []
        told = [{"OrderStatusId": status, "OrderStatusName": name} for status, name in statuses]
        return answered(STATUSES, {"OrderStatuses": {"OrderStatus": told}})

    def _knows(self, element: Element) -> bool:
        """The three that stand in the body (2.1)."""
        sent = {name: (text(element, name) or "").encode() for name in ("UserName", "Password", "GoodsOwnerCode")}
        user, password = (self._ongoing.credentials[name].encode() for name in ("username", "password"))
        right = hmac.compare_digest(sent["Password"], password) or self._ongoing.settings.any_password
        owner = sent["GoodsOwnerCode"].decode() == self._ongoing.settings.goods_owner_code
        known = hmac.compare_digest(sent["UserName"], user) and right
        return owner and (known or self._ongoing.lets_automation_in(sent["UserName"], sent["Password"]))

    # ------------------------------------------------------------------ reading

    def _found(self, element: Element) -> list[Tree]:
        query, book = child(element, "query"), self._ongoing.book
        numbers = [key(one.text or "") for one in children(child(query, "OrderNumbersToGet"), "string")]
        ids = [one.text or "" for one in children(child(query, "OrderIdsToGet"), "int")]
        owner_ids = [one.text or "" for one in children(child(query, "GoodsOwnerOrderIdToGet"), "string")]
        lowest, highest = integer(query, "OrderStatusFrom"), integer(query, "OrderStatusTo")
        visible = (book.seen(order) for order in book.orders.values())
        return [
            seen(order, self._ongoing.settings)
            for order in visible
            if order is not None
            and (not numbers or key(order.number) in numbers)
            and (not ids or str(order.order_id) in ids)
            and (not owner_ids or order.body.get("goodsOwnerOrderId") in owner_ids)
            and (lowest is None or order.status >= lowest)
            and (highest is None or order.status <= highest)
            and self._updated_within(order, query)
        ]

    def _updated_within(self, order: Order, query: Element | None) -> bool:
        since, until = moment(query, "LastUpdatedFrom"), moment(query, "LastUpdatedTo")
        shift, updated = timedelta(hours=self._ongoing.settings.soap_clock_h), instant(order.updated)
        return (since is None or updated >= instant(since) + shift) and (
            until is None or updated <= instant(until) + shift
        )

    def _inventory(self, query: Element | None) -> list[Tree]:
        """Articles that are not in stock too, since ``OnlyArticlesInStock`` was not asked for."""
        first, most = integer(query, "ArticleSystemIdFrom") or 0, integer(query, "MaxArticlesToGet")
        asked = {key(one.text or "") for one in children(child(query, "ArticleNumbersToGet"), "string")}
        found = sorted(self._ongoing.book.articles.values(), key=lambda article: int(article["articleSystemId"]))
        wanted = [
            article
            for article in found
            if article["articleSystemId"] >= first and (not asked or key(article["articleNumber"]) in asked)
        ]
        return [stocked(self._ongoing.article_view(article), self._ongoing.settings) for article in wanted[:most]]

    # ------------------------------------------------------------------ ProcessOrder

    def _processed(self, element: Element, *, known: bool) -> Tree:
        """FileResultClass: what is refused is HTTP 200 with ``Success=false`` (2.2)."""
        order: Order | None = None
        try:
            change = self._read(child(element, "co"))
            if not known:
                raise RefusalError("Access denied.")
            order = self._carry_out(*change)
        except RefusalError as refused:
            told = str(refused)
        ids = {"OrderId": order.order_id if order else 0, "InOrderId": 0, "ArticleDefId": 0}
        if order is None:
            return {"ErrorMessage": told, **ids, "Success": False}
        message = f"Order number {order.number} created/updated"
        return {"GoodsOwnerOrderNumber": order.number, **ids, "Success": True, "Message": message}

    def _read(self, co: Element | None) -> tuple[Element | None, str, str, dict[str, Any]]:
        """``OrderInfo``, identification, operation, and the body that PUT /orders would have had. Raises FaultError."""
        info = child(co, "OrderInfo")
        identification = choice(info, "OrderIdentification", _IDENTIFICATIONS)
        operation = choice(info, "OrderOperation", _OPERATIONS)
        if operation == "Remove":
            return info, identification, operation, {}
        body = {
            "goodsOwnerId": self._ongoing.settings.goods_owner_id,
            "orderNumber": text(info, "GoodsOwnerOrderNumber"),
            "deliveryDate": moment(info, "DeliveryDate") or stamp(),
            **{name: text(info, element) for name, element in _TEXTS.items()},
            "marketPlace": {
                "marketPlace": text(info, "MarketPlace"),
                "marketPlaceOrderNumber": text(info, "MarketPlaceOrderNumber"),
            },
            "freightPrice": number(info, "FreightPrice"),
            "customerPrice": number(info, "CustomerPrice"),
            **_notifications(child(info, "OrderNotification")),
            "wayOfDelivery": self._way_of_delivery(child(info, "WayOfDeliveryType")),
            "consignee": self._customer(child(co, "Customer")),
            "transporter": self._transporter(child(co, "TransporterContract")),
            "orderLines": self._lines(children(child(co, "CustomerOrderLines"), "CustomerOrderLine")),
        }
        findings = Findings(limits=self._ongoing.settings.long_texts == "refuse")
        read: dict[str, Any] = ORDER(body, "order", findings)
        if findings.problems:
            raise RefusalError(" ".join(words for found in findings.problems.values() for words in found))
        return info, identification, operation, read

    def _carry_out(self, info: Element | None, identification: str, operation: str, body: dict[str, Any]) -> Order:
        ongoing = self._ongoing
        target = None if operation == "Create" else self._target(info, identification)
        if target is None and operation in ("Update", "Remove"):
            raise RefusalError("The order does not exist.")
        if target is not None and operation == "Remove":
            ongoing.cancel(target)
            return ongoing.book.orders[target.order_id]
        if target is not None:
            ongoing.check_open(target)
        elif ongoing.settings.create_existing == "refuse" and ongoing.book.find(body["orderNumber"]):
            raise RefusalError(f"Order number {body['orderNumber']} exists already.")
        ongoing.check_lines(body.get("orderLines") or [])
        ongoing.check_transporter(body.get("transporter") or {})
        entry: Entry = {"op": "order", "id": target.order_id if target else None, "at": stamp(), "body": body}
        started = integer(info, "OrderStatusCreated") or ongoing.settings.start_status
        ongoing.commit(entry if target else {**entry, "status": started})
        return ongoing.book.orders[target.order_id] if target else ongoing.book.of(body["orderNumber"])

    def _target(self, info: Element | None, identification: str) -> Order | None:
        """The order that is meant; the last one where several are, since numbers are not unique here (2.4)."""
        book = self._ongoing.book
        if identification == "SystemId":
            return book.orders.get(integer(info, "OrderId") or 0)
        value = text(info, identification)
        if not value:
            raise RefusalError(f"{identification} must be filled, since OrderIdentification says so.")
        if identification == "GoodsOwnerOrderNumber":
            return book.find(value)
        name = identification[0].lower() + identification[1:]
        found = [order for order in book.orders.values() if order.body.get(name) == value]
        return found[-1] if found else None

    def _lines(self, elements: list[Element]) -> list[dict[str, Any]]:
        """Lines with a code of their own stand by it; of others an article stands once, without an error (2.2)."""
        kept: dict[str, dict[str, Any]] = {}
        for element in elements:
            line = self._line(element)
            row = key(line["rowNumber"])
            before = kept.get(row)
            if before is None or self._ongoing.settings.duplicate_articles == "last":
                kept[row] = line
            elif self._ongoing.settings.duplicate_articles == "sum":
                before["numberOfItems"] = (before["numberOfItems"] or 0) + (line["numberOfItems"] or 0)
        return list(kept.values())

    def _line(self, element: Element) -> dict[str, Any]:
        article, code = self._article(element), text(element, "ExternalOrderLineCode")
        by_code = choice(element, "OrderLineIdentification", _LINES) == _LINES[0] and code
        return {
            "rowNumber": code if by_code else article,
            "articleNumber": article,
            "numberOfItems": number(element, "NumberOfItems"),
            "comment": text(element, "OrderLineComment"),
            "shouldBePicked": flag(element, "DoPick"),
            "externalId": code,
            "prices": {
                "linePrice": number(element, "LinePrice"),
                "customerLinePrice": number(element, "CustomerLinePrice"),
                "currencyCode": text(element, "CurrencyCode"),
            },
        }

    def _article(self, element: Element) -> str:
        identification = choice(element, "ArticleIdentification", _ARTICLES)
        if identification == "ArticleNumber" and text(element, "ArticleNumber"):
            return text(element, "ArticleNumber") or ""
        system_id = integer(element, "ArticleSystemId") if identification == "SystemId" else None
        for article in self._ongoing.book.articles.values():
            if article["articleSystemId"] == system_id:
                return str(article["articleNumber"])
        raise RefusalError(f"The article of an order line was not found by its {identification}.")

    def _customer(self, element: Element | None) -> dict[str, Any]:
        operation = choice(element, "CustomerOperation", _CUSTOMER_OPERATIONS)
        identification = choice(element, "CustomerIdentification", _CUSTOMERS)
        customer = {name: text(element, theirs) for name, theirs in _CUSTOMER.items()}
        known = self._ongoing.book.knows_customer(customer["customerNumber"] or "")
        if identification == "CustomerNumber" and not customer["customerNumber"]:
            raise RefusalError("CustomerNumber must be filled, since CustomerIdentification says so.")
        if operation == "Find" and not known:
            raise RefusalError("The customer does not exist.")
        return customer

    def _way_of_delivery(self, element: Element | None) -> dict[str, Any] | None:
        operation = choice(element, "WayOfDeliveryTypeOperation", ("CreateOrUpdate", "CreateOrFind", "Find"))
        choice(element, "WayOfDeliveryTypeIdentification", ("Code", "Name"))
        code = text(element, "Code")
        if not code:
            return None
        known = key(code) in self._ongoing.book.codes.get("wayOfDelivery", {})
        if operation == "Find" and not known:
            raise RefusalError(f"There is no way of delivery with code '{code}'.")
        keeps = known and operation == "CreateOrFind"
        return {"code": code, "name": None if keeps else text(element, "Name")}

    def _transporter(self, element: Element | None) -> dict[str, Any] | None:
        choice(element, "TransporterContractOperation", ("Find", "CreateOrUpdate"))
        pair = {
            "transporterCode": text(element, "TransporterCode"),
            "transporterServiceCode": text(element, "TransporterServiceCode"),
        }
        return pair if any(pair.values()) else None


def _notifications(element: Element | None) -> Mapping[str, Any]:
    ways = {"email": ("NotifyByEmail", "Email"), "sms": ("NotifyBySms", "MobilePhone")}
    ways["telephone"] = ("NotifyByTelephone", "Telephone")
    return {
        f"{way}Notification": {"toBeNotified": flag(element, told), "value": text(element, value)}
        for way, (told, value) in ways.items()
    }
