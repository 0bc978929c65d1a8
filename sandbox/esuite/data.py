"""Esuite's names, constants, texts and switches, as contracts/esuite.md has them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import Field

from sandbox.system import GATEWAY, Documented, Settings

MADE = " [sandbox]"
"""Ends every Description that the documentation does not have."""


def _words(names: str) -> tuple[str, ...]:
    return tuple(names.split())


COMPANY_NO = "36015"
COMPANY_PREFIX = "P"  # PSIN-406223, section 11
LEDGER_FIELDS = ("LedgerCompanyNo", "OriginCompanyNo", "AccountCompanyNo")

HEADER_FIELDS = _words(
    """
    CompanyNo TransNo LedgerCompanyNo LocationNo OriginCompanyNo OriginLocationNo AccountCompanyNo
    AccountNo AccountRef BatchNo BatchType BatchRefCode TransRefCode TransYourRef TransComment
    OrderNo InvoiceNo CampaignCode CostCentreCode SegmentCode TransLedger TransType TransRefNo
    TransDate TransPeriod TransDueDate TransPriceBand PaymentEntryAmt PaymentBankAmt TransCurrency
    TransExRate TransTotalExGST TransTotalGST TransTotalIncGST TransIncGST AccountAmt
    AccountOutstanding EDIInterface PrintRunNo PrintDate ExportRunNo ExportDate TransProformaExGST
    TransProformaGST TransProformaIncGST TransCreated TransModified CreatedUser ModifiedUser
    SourceTransRefCode AltTransRefCode EDIAccountRef TransSaved TransStatus Actioned ActionMessage
    """
)
UNSHOWN_FIELDS = ("TransUserStr1", "DlvAddressNo")  # written, but in no reply sample (section 5)
WRITTEN_FIELDS = frozenset(
    _words(
        """
    LocationNo TransYourRef TransComment OrderNo CampaignCode CostCentreCode SegmentCode TransLedger
    TransType BatchType TransDate TransDueDate TransPriceBand TransCurrency TransExRate TransIncGST
    EDIAccountRef AltTransRefCode SourceTransRefCode TransUserStr1 DlvAddressNo
    """
    )
)
HEADER_DEFAULTS = {
    **dict.fromkeys(("CompanyNo", *LEDGER_FIELDS), COMPANY_NO),
    "LocationNo": "30",
    "OriginLocationNo": "30",
    "TransPriceBand": "R",
    "TransCurrency": "AUD",
    "TransExRate": "1",
    "TransIncGST": "True",
    "AccountAmt": "0",
    "CreatedUser": "53",
    "ModifiedUser": "53",
    "TransSaved": "Y",
    "TransStatus": "Y",
    "BatchNo": "172345",
}

LINE_FIELDS = _words(
    """
    CompanyNo TransNo DetailNo ItemNo AccountCompanyNo AccountNo JobCode StockNo StockCode StockDesc
    LocationNo LocationCode CampaignCode CostCentreCode SegmentCode LineType LineGSTType LineGSTRate
    LineIncGST LinePackQty LinePackInnerQty LineQty LinePriceBand LineUnitPrice LineUnitDiscount
    LineUnitCostExGST LineDiscountType LineTotalExGST LineTotalGST LineTotalIncGST
    LineSourceCompanyNo LineSourceTransNo LineSourceDetailNo LineSourceQty LineActionedQty
    LineCancelledQty LineOutstandingQty LineOutstanding LineDetails LineDlvMode LineDueDate
    LineDlvCompanyNo LineDlvLocationNo LineDlvQty LineUnit LineStockWeight LineStockVolume
    LineUserStr1 LineUserStr2 LineUserStr3 LineUserStr4 LineUserStr5 LineUserStr6 LineUserNum1
    LineUserNum2 LineUserNum3 LineUserNum4 LineUserAmt1 LineUserAmt2 LineUserDate1 LineUserDate2
    """
)
LINE_DEFAULTS = {
    **dict.fromkeys(("CompanyNo", "AccountCompanyNo", "LineDlvCompanyNo"), COMPANY_NO),
    **dict.fromkeys(("LinePackQty", "LinePackInnerQty"), "1"),
    **dict.fromkeys(("LineUnitDiscount", "LineUnitCostExGST", "LineStockWeight", "LineStockVolume"), "0"),
    **dict.fromkeys((f for f in LINE_FIELDS if f.startswith("LineSource") or f.endswith("edQty")), "0"),
    "LocationNo": "30",
    "LineDlvLocationNo": "30",
    "LineType": "S",
    "LineGSTType": "GST",
    "LineDlvMode": "TAK",
    "LinePriceBand": "R",
    "LineOutstandingQty": "0",
}

DELIVERY_FIELDS = _words(
    """
    TransLedger AccountRef DlvContactName DlvTitle DlvSalute DlvFirstname DlvLastname
    DlvBusinessName DlvDivisionName DlvAddress1 DlvAddress2 DlvAddress3 DlvAddress4 DlvSuburb
    DlvState DlvPostcode DlvCountry DlvPhone DlvEmail DlvComments DlvFreightMethod DlvFreightLabels
    DlvFreightLabelQty DlvFreightDate DlvUserStr1 DlvUserStr2
    """
)

BATCH_TYPES = ("SPI", "SO", "SAR", "PO", "POP", "PI", "PIP", "PP", "PRT", "PCR")
SALES_PAYMENT_TYPES = (
    *("ACC", "CASH", "CHQ", "COUP", "CRED", "EFT", "FIN", "LBY", "MO"),
    *("REV", "REX", "VOUCH", "WEB", "XC", "XFR", "ZIP", "NONE"),
)
DEFAULT_TRANS_TYPES = {"SPI": "SIN"}  # the sample leaves TransType out (section 9); everything else becomes SOR


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A row of section 4. ``root``: the object a write must have; ``no_root``: the text where it is missing."""

    methods: str
    root: str = ""
    no_root: str = ""


_CODE = Endpoint("GET", "L_Code", "Error with Payload - No L_Code Data presented.")
_CUST = Endpoint("GET POST PUT DELETE OPTIONS", "T_Acc", "Error with Payload - No T_Acc Data presented")
_NOTE = Endpoint("GET POST PUT DELETE OPTIONS", "T_Notes", "Error with Payload - No T_Notes Data presented.")
ENDPOINTS = {
    "company": Endpoint("GET"),
    "trans": Endpoint("GET POST PUT DELETE OPTIONS", "T_Trans", "Error with Payload - No T_Trans Data found"),
    "stock": Endpoint("GET POST PUT DELETE OPTIONS", "Stk", "Error with Payload - No Stock Data presented"),
    "cust": _CUST,
    "supp": _CUST,
    "custdisc": Endpoint("GET POST PUT", "T_AccDisc", _CUST.no_root),
    "note": _NOTE,
    "notes": _NOTE,
    "sp": Endpoint("GET"),
    "code": _CODE,
    "codes": _CODE,
    "campaign": Endpoint("GET OPTIONS"),
    "voucher": Endpoint("GET OPTIONS"),
    "files": Endpoint("GET"),
}


def _error(status: int, text: str, *, documented: bool = True, section: str = "3.2") -> Documented:
    return Documented(
        status=status,
        body={"StatusCode": str(status), "Description": text},
        section=section,
        documented=documented,
    )


REPLIES: dict[str, Documented] = {
    "204_no_data": Documented(status=204, section="3.2"),
    "400_error_with_url": _error(400, "Error with URL - Incomplete URL"),
    "400_no_payload": _error(400, "No Payload Found"),
    "400_no_t_trans": _error(400, ENDPOINTS["trans"].no_root),
    "400_no_stock": _error(400, ENDPOINTS["stock"].no_root),
    "400_no_t_acc": _error(400, ENDPOINTS["cust"].no_root),
    "400_other": _error(400, "Error with Payload - AccountRef CASH99 was not found" + MADE),
    "403_not_authorized": _error(403, "Not Authorized - Issue with Token provided or token missing"),
    "403_read_only": _error(403, "Forbidden - Data is read only"),
    "403_account_read_only": _error(403, "Forbidden - Account data is read only in this database"),
    "403_no_rights": _error(403, "Forbidden - You do not have rights to access this."),
    "404_resource_not_found": _error(404, "Resource not found"),
    "405_not_implemented": _error(405, "Method chosen is not implemented for that endpoint."),
    "406_too_much_data": _error(406, "Missing Parameters - Too much data would be returned"),
    "406_no_parameters": _error(406, "No parameters provided"),
    "500_web_request_failed": _error(500, "Web Request Failed"),
    "501_method_not_supported": _error(501, "Supplied method not supported."),
    "401_unauthorized": _error(401, "Unauthorized" + MADE, documented=False),
    **GATEWAY,
}

# Values are wrapped over lines inside the JSON strings, as in the sample; strict parsers refuse it (section 6).
TRANS_OPTIONS = """{
    "Version": "1.0.0",
    "Sales": {
        "Active Batch Types": "POS Invoice=SPI,
                               Sales Order=SO,
                               Order with Receipt/New Customer=SAR",
        "Custom Fields Transaction": "Sales Person=STransUserStr1,
                                      Message=STransMsgNo",
        "Custom Fields Items": "SLineUserStr1=SLineUserStr1,
                                Line Comments=SLineUserStr6",
        "Sales Payment Types": "ACC,CASH,CHQ,COUP,
                                CRED,EFT,FIN,LBY,
                                MO,REV,REX,VOUCH,
                                WEB,XC,XFR,ZIP,
                                NONE"
    },
    "Purchase": {
        "Active Batch Types": "Order=PO,
                               Order With Payment=POP,
                               Invoice=PI",
        "Custom Fields Transaction": "Container No=PTransUserStr4",
        "Custom Fields Items": "Our Colour=PLineUserStr1",
        "Purchase Payment Types": "CASH,
                                   CHQ,
                                   NONE"
    }
}
"""
STOCK_OPTIONS = {
    "Version": "1.0.0",
    "LineTypes": "S,D,H,F,V,G",
    "GSTType": "CAP,DEF,FRE,GST,INP,ITS,NCF,NCG,NT",
    "Mandatory Fields": "StockCode,LineType",
}
OTHER_OPTIONS = {"Version": "1.0.0"}
COMPANIES = {
    "Company": [
        {
            "CompanyNo": int(COMPANY_NO),
            "CompanyCode": "SANDBOX",
            "CompanyPrefix": COMPANY_PREFIX,
            "CompanyName": "Sandbox Company",
            "CompanyPhone": "02 5550 0000",
        }
    ]
}


class EsuiteSettings(Settings):
    """Switches of the Esuite stand-in.

    Attributes:
        auth: the one way in which the credential must travel, or any of them (section 2).
        unauthorized: 403 as documented, 401 as a gateway before it would answer.
        strict: ``table`` asks for what the tables require, ``sample`` takes the sample as printed.
        filter: a filter of trans GET compares exactly, contains, or is ignored (section 10, step 2).
        show_deleted: ``ShowDeleted=1`` finds deleted ones only, or also.
        accounts: the AccountRefs there are; None knows any.
        stock: the StockCodes there are; None knows any but ``unknown_stock`` (``*`` and ``?`` work).
        levels: what was counted of a StockCode last; one that is not among the seeded articles is there by it.
        discontinued: StockCodes that are taken out of the range.
        stock_pages: PageNo is heeded; or every page of stock is the first one (``ignore``); or paging alone is
            answered 406 as no parameter at all (``refuse``).
        stock_filter: QtyModified and InfoCreated of stock are heeded, or everything is returned.
        batch_types, payment_types: the site's lists; None takes any.
        banked_payments: payment types that need AuthBankPosted.
        post_status: the success status, which the page never names.
        put: what PUT does to lines, payments and delivery (section 13 has it open): a table that is sent replaces
            what is there; ``merge`` matches lines by StockCode, adds the others, and leaves out none that are there;
            ``ignore`` answers as if it were done.
        begun: TransYourRefs whose transactions can be neither changed nor deleted any more; the text is made up.
        return_all: stock and cust without parameters answer everything instead of 406.
        read_only: writes are answered 403.
    """

    auth: Literal["any", "bearer", "basic", "header", "query"] = "any"
    unauthorized: Literal[403, 401] = 403
    strict: Literal["table", "sample"] = "table"
    filter: Literal["exact", "like", "ignore"] = "exact"
    show_deleted: Literal["only", "also"] = "only"
    accounts: tuple[str, ...] | None = ("CASH01",)
    stock: tuple[str, ...] | None = None
    unknown_stock: tuple[str, ...] = ("UNKNOWN*",)
    levels: dict[str, int] = Field(default_factory=dict)
    discontinued: tuple[str, ...] = ("LAMP-OIL",)
    stock_pages: Literal["heed", "ignore", "refuse"] = "heed"
    stock_filter: Literal["heed", "ignore"] = "heed"
    batch_types: tuple[str, ...] | None = BATCH_TYPES
    payment_types: tuple[str, ...] | None = SALES_PAYMENT_TYPES
    banked_payments: tuple[str, ...] = ("CASH", "CHQ", "CRED", "EFT", "MO")
    gst_rate: Decimal = Field(default=Decimal("0.1"), ge=0, lt=1)
    post_status: Literal[200, 201] = 200
    put: Literal["replace", "merge", "ignore"] = "replace"
    begun: tuple[str, ...] = ()
    return_all: bool = False
    read_only: bool = False
