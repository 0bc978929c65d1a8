"""ManEx's names, texts and switches, as contracts/manex.md has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from sandbox.system import GATEWAY, Documented, Settings

MADE = " [sandbox]"
"""Ends every Message that the documentation does not have."""

NO_ORDER = "Sales Order does not exists."
NO_ITEM = "Sales Order Item does not exists."
NO_PRICE = "Sales Order Price does not exists."
NO_DUE_DATE = "$$Sales Order Due Date does not exists."
NO_DUE_DATE_F = "$$Sales Order Due Date does not exist."  # corrected on paper only, section 8
NO_UNIQUELN = "UniqLn not provided."
NO_PLPRICELNK = "PlPriceLnk not provided."
NO_DUEDT_UNIQ = "DueDt_Uniq not provided."
BAD_KEY = "Invalid API Key."
ADD_FAILED = "Sales Order add failed."
EDIT_FAILED = "Sales Order edit failed."
NO_CUSTOMER = "Customer does not exists."
NULL_REFERENCE = "Object reference not set to an instance of an object."
PRICE_EDITED = "Sales Order Price edited successfully."
SERVER_ERROR = {"Message": "An error has occurred."}


def not_in_order(unique_line: str, sono: str) -> str:
    """The refusal of the Price and DueDate actions; "exits" is the server's spelling (section 8)."""
    return f"Sales Order item with uniqueLn:'{unique_line}' does not exits in SO:'{sono}'."


def not_found(uri: str, detail: str) -> dict[str, str]:
    """The URL error, which has no envelope (section 8)."""
    message = f"No HTTP resource was found that matches the request URI '{uri}'."
    return {"$id": "1", "Message": message, "MessageDetail": detail}


def no_controller(name: str) -> str:
    """MessageDetail for a controller that there is not."""
    return f"No type was found that matches the controller named '{name}'."


def no_action(controller: str) -> str:
    """MessageDetail for an action that there is not, or not with these parameters."""
    return f"No action was found on the controller '{controller}' that matches the request."


def no_method(method: str) -> dict[str, str]:
    """Body of a 405."""
    return {"Message": f"The requested resource does not support http method '{method}'."}


def no_media_type(media_type: str) -> dict[str, str]:
    """Body of a 415."""
    return {"Message": f"The request entity's media type '{media_type}' is not supported for this resource."}


def envelope(
    message: str, *, code: int = 200, valid: bool = True, session: str | None = None, response: Any = None
) -> dict[str, Any]:
    """A reply of section 2."""
    return {
        "$id": "1",
        "Code": code,
        "Message": message,
        "SessionId": session,
        "IsValidUser": valid,
        "ResponseObject": response,
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a header field of a request is kept. ``width``: where it is cut (Q); 0 never."""

    name: str
    width: int = 0
    kind: Literal["text", "flag", "number"] = "text"


HEADER_FIELDS = {
    "blinkAdd": Kept("BLINKADD", 10),
    "slinkAdd": Kept("SLINKADD", 10),
    "POAck": Kept("POACK", kind="flag"),
    "PoNo": Kept("PONO", 20),
    "SONote": Kept("SONOTE"),
    "SoFoot": Kept("SOFOOT"),
    "FOB": Kept("FOB"),
    "ShipVia": Kept("SHIPVIA"),
    "shipCharge": Kept("SHIPCHARGE"),
    "DELIV_TIME": Kept("DELIV_TIME"),
    "Buyer": Kept("BUYER", 10),
    "ATTENTION": Kept("ATTENTION"),
    "SOAMTDSCT": Kept("SOAMTDSCT", kind="number"),
    "SOAPPROVAL": Kept("SOAPPROVAL", kind="flag"),
    "SOAPPRVINIT": Kept("SOAPPRVINT", 8),  # spelt otherwise in the reply, as BILLACCOUNT is (section 9, trap 7)
    "ACKPO_DOC": Kept("ACKPO_DOC"),
    "TERMS": Kept("TERMS", 15),
    "BILLACCOUNT": Kept("BILLACOUNT"),
}
WIDTHS = {
    "BLINKADD": 10,
    "SLINKADD": 10,
    "PONO": 20,
    "FOB": 15,
    "SHIPVIA": 15,
    "SHIPCHARGE": 15,
    "TERMS": 15,
    "BUYER": 10,
    "SOAPPRVINT": 8,
    "STATUS": 10,
    "UOFMEAS": 4,
    "DELIFREQ": 2,
    "SALETYPEID": 10,
}
"""How wide a field comes back, padded with blanks; others have one blank at least."""
FROM_CUSTOMER = {"SHIPVIA": "UPS-GRND TRACK", "SHIPCHARGE": "PREPAY/BILL CUS", "TERMS": "NET 15"}
STATUSES = ("STANDARD", "PRIORITY-1", "PRIORITY-2", "CANCEL", "CLOSED", "ADMIN HOLD")

_ITEM_ADD = ("uOfMeas", "soDet_Desc", "deliv_time", "status")
_DUE_DATE = ("Due_DTS1", "Ship_Dts", "Qty")
REQUIRED: dict[str, dict[str, tuple[str, ...]]] = {
    "any": {},
    "S": {
        "itemadd": _ITEM_ADD,
        "priceadd": ("price",),
        "priceedit": ("price",),
        "duedateadd": _DUE_DATE,
        "duedateedit": _DUE_DATE,
    },
    "F": {
        "itemadd": (*_ITEM_ADD, "ord_qty"),
        "priceadd": ("price", "saleTypeID"),
        "priceedit": ("price",),
        "duedateadd": _DUE_DATE,
        "duedateedit": _DUE_DATE,
    },
}
"""Required by the tables of an edition (sections 4 to 6); keys and part numbers have replies of their own."""
PART_NAMES = {"any": ("part_no", "part_num"), "S": ("part_num",), "F": ("part_no",)}
"""F renamed it; an unknown member is ignored without a word (section 9, trap 8)."""


def _refusal(message: str, *, section: str = "8", valid: bool = True, documented: bool = True) -> Documented:
    body = envelope(message, code=403, valid=valid)
    return Documented(status=200, body=body, section=section, documented=documented)


def _default(status: int, body: dict[str, str]) -> Documented:
    return Documented(status=status, body=body, section="W", documented=False)


_SAMPLE_URI = "http://localhost/api/SOAdd/123456789"

REPLIES: dict[str, Documented] = {
    "403_invalid_api_key": _refusal(BAD_KEY, valid=False),
    "404_no_controller": Documented(
        status=404, body=not_found(_SAMPLE_URI, no_controller("SOAdd")), section="8", documented=True
    ),
    "404_no_action": Documented(
        status=404, body=not_found("http://localhost/api/SO/Find/123456789", no_action("SO")), section="8"
    ),
    "403_customer_does_not_exist": _refusal(ADD_FAILED + NO_CUSTOMER),
    "403_add_failed": _refusal(f"{ADD_FAILED}Sales Order already exists.{MADE}", documented=False),
    "403_edit_failed": _refusal(EDIT_FAILED + NULL_REFERENCE),
    "403_order_does_not_exist": _refusal(NO_ORDER),
    "403_item_does_not_exist": _refusal(NO_ITEM),
    "403_uniqln_not_provided": _refusal(NO_UNIQUELN),
    "403_item_not_in_order": _refusal(not_in_order("", "0000000799")),
    "403_plpricelnk_not_provided": _refusal(NO_PLPRICELNK),
    "403_price_does_not_exist": _refusal(NO_PRICE),
    "403_due_date_does_not_exist": _refusal(NO_DUE_DATE),
    "403_due_date_does_not_exist_f": _refusal(NO_DUE_DATE_F),
    "403_duedt_uniq_not_provided": _refusal(NO_DUEDT_UNIQ),
    "403_price_edited": _refusal(PRICE_EDITED, section="9"),  # a success, documented so twice
    "403_other": _refusal(f"$$Due_DTS1 2025-12-27 is no working day.{MADE}", documented=False),
    "405_method_not_supported": _default(405, no_method("GET")),
    "415_media_type_not_supported": _default(415, no_media_type("text/plain")),
    "500_error_has_occurred": _default(500, SERVER_ERROR),
    **GATEWAY,
}
"""By short name; the number in front is the envelope's Code where there is one, the HTTP status elsewhere."""


class ManexSettings(Settings):
    """Switches of the ManEx stand-in.

    Attributes:
        verbs: ``any`` takes GET and POST everywhere; ``strict`` GET for reads and POST for writes, else 405.
        bad_key_status, refused_status: HTTP status of a wrong key, and of any other envelope with Code 403.
        numbering: ``manual`` refuses a blank SoNo.
        edition: whose tables say what is required, S or F; ``any`` asks only for what nothing goes without.
        price_edit_code: the Code of PriceEdit's success (section 9, trap 1).
        dollar_signs: due-date messages begin with ``$$``.
        prices_in_list, due_dates_in_list: whether SOPRICESList and DueDateList are filled.
        dates: what is taken; ``swap`` takes any and keeps day and month exchanged where that is a date.
        item_add_returns_line: ItemADD answers the new UNIQUELN.
        customers: the custNos there are; None knows every one of ten digits.
        unknown_parts: patterns of part numbers (and inventory keys) that there are not.
        holidays: days that are no working days, besides Saturdays and Sundays.
        validate_values: spelt ``validate`` outside; dates, quantities and status are checked.
        double_prices: a second PriceAdd on a line makes a second row; otherwise it is refused.
        shipped: what has left, by ``SONO/LINE_NO`` as they are kept: ``{"W000000001/0000002": 1}``.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    verbs: Literal["any", "strict"] = "any"
    bad_key_status: int = Field(default=200, ge=200, le=599)
    refused_status: int = Field(default=200, ge=200, le=599)
    numbering: Literal["automatic", "manual"] = "automatic"
    edition: Literal["any", "S", "F"] = "any"
    price_edit_code: Literal[403, 200] = 403
    dollar_signs: bool = True
    prices_in_list: bool = False
    due_dates_in_list: bool = True
    dates: Literal["any", "mdy-only", "iso-only", "swap"] = "any"
    item_add_returns_line: bool = False
    customers: tuple[str, ...] | None = None
    unknown_parts: tuple[str, ...] = ("UNKNOWN-*",)
    holidays: tuple[date, ...] = ()
    validate_values: bool = Field(default=True, alias="validate")
    double_prices: bool = True
    shipped: dict[str, Annotated[Decimal, Field(ge=0)]] = Field(default_factory=dict)
