"""Ongoing's shapes, constants, texts and switches, as contracts/ongoing.md has them.

Lengths are those of the SOAP fields (1.4): the REST schema shows none, both write the same database.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sandbox.ongoing.shape import anything, flag, integer, moment, number, record, required, rows, text
from sandbox.system import GATEWAY, Documented, Settings

CANCELLED = 1000
ALLOCATED, PICKED, SENT = 320, 400, 450

STATUSES = {
    150: "Error",
    200: "Open",
    300: "Released",
    320: "Allocated",
    400: "Picked",
    450: "Sent",
    500: "Collected",
    800: "Returned",
    1000: "Cancelled",
}
WAREHOUSES = [
    {
        "id": 1,
        "code": "MAIN",
        "name": "Main warehouse",
        "address": {
            "name": "Sandbox Logistics",
            "address1": "Dock 1",
            "postCode": "12345",
            "city": "Stockholm",
            "countryCode": "SE",
        },
    }
]

_pair = record(code=text(50), name=text(100))
_notification = record(toBeNotified=flag, value=text())
_stored_contact = record(
    telephoneNotification=_notification,
    emailNotification=_notification,
    smsNotification=_notification,
    externalCustomerCode=text(),
)
_address = {
    "name": text(200),
    "address1": text(200),
    "address2": text(200),
    "address3": text(),
    "postCode": text(50),
    "city": text(200),
    "countryCode": text(2),
    "countryStateCode": text(),
}
_consignee = record(
    customerNumber=text(50),
    **_address,
    remark=text(),
    doorCode=text(),
    organisationNumber=text(),
    vatNumber=text(),
    deliveryInstruction=text(),
    advanced=_stored_contact,
    invoiceAddress=record(**_address, advanced=_stored_contact),
)
_line = record(
    rowNumber=required(text(40, least=1)),
    articleNumber=required(text(100, least=1)),
    numberOfItems=number,
    comment=text(300),
    shouldBePicked=flag,
    serialNumber=text(),
    batchNumber=text(),
    lineTotalCustomsValue=number,
    lineType=_pair,
    articleItemStatus=_pair,
    prices=record(
        linePrice=number,
        customerLinePrice=number,
        currencyCode=text(20),
        discountPercentage=number,
        totalVat=number,
    ),
    customerArticleNumber=text(100),
    warehouseInstruction=text(300),
    externalId=text(),
    lineFreeValues=record(freeText1=text()),
    minDaysToExpiryDate=integer,
    maxDaysToExpiryDate=integer,
    deliveryDate=moment,
    vat=anything,
    weight=number,
    minWeight=number,
    maxWeight=number,
)
_payer = record(customerNumber=required(text()))
_transporter = record(
    transporterCode=text(),
    transporterServiceCode=text(),
    paymentAdvanced=record(
        consigneeCollects=flag,
        consigneePays=_payer,
        thirdPartyPays=_payer,
        senderPays=record(ediCode=required(text())),
    ),
)

ORDER = record(
    goodsOwnerId=required(integer),
    orderNumber=required(text(50, least=1)),
    deliveryDate=required(moment),
    consignee=required(_consignee),
    referenceNumber=text(50),
    goodsOwnerOrderId=text(50),
    salesCode=text(500),
    orderRemark=text(500),
    deliveryInstruction=text(300),
    warehouseInstruction=text(500),
    servicePointCode=text(50),
    freeText1=text(300),
    freeText2=text(300),
    freeText3=text(300),
    orderFreeDateTime1=moment,
    orderType=_pair,
    wayOfDelivery=_pair,
    emailNotification=_notification,
    smsNotification=_notification,
    telephoneNotification=_notification,
    transporter=_transporter,
    returnTransporter=record(transporterCode=text(), transporterServiceCode=text()),
    orderLines=rows(_line),
    customsInfo=record(customsValueCurrencyCode=text()),
    preparedTransportDocumentId=text(),
    freightPrice=number,
    customerPrice=number,
    warehouseId=integer,
    classes=rows(record(code=text(), name=text(), comment=text(500))),
    termsOfDeliveryType=_pair,
    consigneeOrderNumber=text(150),
    marketPlace=record(marketPlace=text(100), marketPlaceOrderNumber=text(100)),
    pickingPriority=integer,
    productionCode=text(30),
    transporterBulkId=text(),
    advanced=record(
        orderTextLines=rows(record(rowNumber=required(text(40)), comment=text(), numberOfItems=number)),
        arrivalDate=moment,
        arrivalDateFrom=moment,
        wayOfDeliveryString=text(50),
        transporterOrderNumber=text(150),
        invoiceNumber=text(),
        termsOfPaymentString=text(50),
        termsOfDeliveryString=text(50),
        communication=text(100),
    ),
)
ORDER_STATUS = record(orderStatusNumber=required(integer))
TRACKING = record(waybill=required(text(least=1)), trackingUrl=required(text(least=1)), isReturnTracking=required(flag))
WAY_OF_DELIVERY = record(
    goodsOwnerId=required(integer), code=required(text(50, least=1)), name=required(text(100, least=1))
)
ARTICLE_KEPT = (
    *("articleName", "productCode", "unitCode", "description", "isStockArticle", "isActive", "barCodeInfo"),
    *("weight", "length", "width", "height", "volume", "customerPrice", "countryOfOriginCode"),
)
ARTICLE = record(
    goodsOwnerId=required(integer),
    articleNumber=required(text(100, least=1)),
    **dict.fromkeys(ARTICLE_KEPT, anything),
)


def _message(status: int, text: str, *, section: str = "1.8", documented: bool = True) -> Documented:
    return Documented(status=status, body={"message": text}, section=section, documented=documented)


# 1.8: what is public is thin. `documented` is False where the contract marks the reply as an assumption ([A]).
REPLIES: dict[str, Documented] = {
    "401": Documented(
        status=401,
        body={"Message": "Authorization has been denied for this request."},
        section="1.8",
        headers={"www-authenticate": "Basic"},
    ),
    "400_model_state": Documented(
        status=400,
        body={
            "Message": "The request is invalid.",
            "ModelState": {"order.deliveryDate": ["The DeliveryDate field is required."]},
        },
        section="1.8",
        documented=False,
    ),
    "400_refused": _message(400, "Order number 1001 could not be created/updated."),
    "400_unknown_article": _message(400, "Article number 'UNKNOWN-1' does not exist.", documented=False),
    "400_unknown_transporter": _message(
        400, "There is no transporter contract with code 'X' and service code 'Y'.", documented=False
    ),
    "400_work_started": _message(400, "Order number 1001 cannot be changed: the warehouse has started working on it."),
    "400_already_cancelled": _message(400, "Order number 1001 is already cancelled.", documented=False),
    "400_already_shipped": _message(400, "Order number 1001 is already shipped and cannot be cancelled."),
    "400_wrong_goods_owner": _message(400, "You do not have access to goods owner with ID '1'.", documented=False),
    "400_stock_info_too_old": _message(
        400, "stockInfoChangedFrom must be within 24 hours of the current time.", section="1.8, 1.9"
    ),
    "404_unknown_order": _message(404, "There is no order with ID '1'.", section="1.6", documented=False),
    "404_no_resource": Documented(
        status=404,
        body={"Message": "No HTTP resource was found that matches the request URI."},
        section="1.3",
        documented=False,
    ),
    "405": Documented(
        status=405,
        body={"Message": "The requested resource does not support this http method."},
        section="1.3",
        documented=False,
    ),
    "500": Documented(status=500, body={"Message": "An error has occurred."}, section="1.8"),
    "200_without_order_id": Documented(
        status=200, body={"orderId": None, "message": None}, section="1.5", documented=True
    ),
    **GATEWAY,
}


class OngoingSettings(Settings):
    """Switches of the Ongoing stand-in: the simulator checklist of contracts/ongoing.md.

    Attributes:
        goods_owner_id, goods_owner_code: the one goods owner that the credential belongs to; SOAP has the code.
        create_status: 201 or 200 for a PUT that created an order.
        start_status: the number an order starts with.
        locked_from: from this status number on, work has begun: no update, no cancel.
        statuses: the tenant's list.
        articles: the articleNumbers there are; None knows any but ``unknown_articles`` (``*`` and ``?`` work).
        unknown_article, unknown_transporter: refuse the order, or accept it.
        transporters: ``code/service`` pairs of the transporter contracts.
        already_cancelled: cancelling again is fine, or refused.
        error_key: ``message`` or ``Message`` in refusals.
        null_arrays: empty arrays come back as null.
        strict_members: unknown members are refused instead of ignored.
        long_texts: texts over the SOAP length are refused, or accepted.
        read_lag_s: seconds until a GET sees what a PUT wrote.
        any_password: the right user is let in with whatever password: how a refused one is mended from this side.
        create_existing: SOAP's Create for a number that is there makes a second order, or is refused (2.2).
        duplicate_articles: which of two SOAP lines without codes of their own stays, or whether they are summed (2.2).
        soap_login: what a wrong login gets over SOAP: a fault; or ``Success=false`` and empty lists.
        soap_clock_h: by how many hours SOAP takes the times of a query for later than they were meant; whether it
            heeds their zone is not public.
        soap_stock: ``sellable`` as today's pages have it, or the figures that the WSDL of 2016 had.
        other_goods_owners: those of the instance that only the automation user sees, by id.
        automation_api: the instance has one.
        automation_everywhere: its user is let in by the goods owner APIs too (section 3 does not say).
        serialise_writes, write_s: writes run one at a time, each taking so many seconds.
    """

    goods_owner_id: int = 159
    goods_owner_code: str = "ACME"
    create_status: Literal[200, 201] = 201
    start_status: int = 200
    locked_from: int = ALLOCATED
    statuses: dict[int, str] = Field(default_factory=STATUSES.copy)
    articles: tuple[str, ...] | None = None
    unknown_articles: tuple[str, ...] = ("UNKNOWN*",)
    unknown_article: Literal["refuse", "accept"] = "refuse"
    unknown_transporter: Literal["refuse", "accept"] = "refuse"
    transporters: tuple[str, ...] = ("PLAB/P19", "PLAB/P17", "DHLROAD/SE-104")
    already_cancelled: Literal["ok", "refuse"] = "refuse"
    error_key: Literal["message", "Message"] = "message"
    null_arrays: bool = True
    strict_members: bool = False
    long_texts: Literal["refuse", "accept"] = "refuse"
    read_lag_s: float = Field(default=0.0, ge=0, le=600)
    any_password: bool = False
    create_existing: Literal["second", "refuse"] = "second"
    duplicate_articles: Literal["last", "first", "sum"] = "last"
    soap_login: Literal["fault", "refuse"] = "fault"
    soap_clock_h: float = Field(default=0.0, ge=-14, le=14)
    soap_stock: Literal["sellable", "2016"] = "sellable"
    other_goods_owners: dict[int, str] = Field(default_factory=lambda: {160: "BAKERY", 161: "CELLAR"})
    automation_api: bool = True
    automation_everywhere: bool = True
    serialise_writes: bool = True
    write_s: float = Field(default=0.0, ge=0, le=600)
