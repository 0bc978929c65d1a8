"""Replies and summaries: what is held, written out in the names and the order of sections 3 to 6."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from typing import Any

from sandbox.manex.book import Line, Order, Row, link_key
from sandbox.manex.data import FROM_CUSTOMER, HEADER_FIELDS, WIDTHS, ManexSettings

CENT = Decimal("0.01")
NOBODY = "00000000-0000-0000-0000-000000000000"
LINE_BITS = ("MRPONHOLD", "SOURCEINSP", "FIRSTARTCL", "LFCSTITEM", "LWARRANTY")


def plain(number: Decimal) -> str:
    """A number without trailing zeros: ``15``, ``13.64``."""
    return format(number.normalize() if number else Decimal(0), "f")


def bare(number: Decimal | str) -> int | float:
    """A JSON number."""
    value = Decimal(number)
    return int(value) if value == value.to_integral_value() else float(value)


def char(value: str, width: int = 0) -> str:
    """A value as a CHAR column returns it: blanks up to its width, one where no width is known (section 11)."""
    return value.ljust(width or len(value) + 1)


def _chars(*names: str) -> Row:
    return dict.fromkeys(names, " ")


def with_ids(value: Any, numbers: Iterator[int] | None = None) -> Any:
    """Every object with its ``$id``, counted from the outside in (section 2)."""
    numbers = count(1) if numbers is None else numbers
    if isinstance(value, dict):
        own = {"$id": str(next(numbers))}
        return own | {name: with_ids(inner, numbers) for name, inner in value.items() if name != "$id"}
    if isinstance(value, list):
        return [with_ids(inner, numbers) for inner in value]
    return value


# ------------------------------------------------------------------ money and quantities


def extended(line: Line, price: Row) -> Decimal:
    """The money of a price: flat is not multiplied by the quantity; rounded half up to cents."""
    amount = Decimal(price["PRICE"])
    if price["FLAT"] != "1":
        amount *= line.ordered
    return amount.quantize(CENT, ROUND_HALF_UP)


def total(line: Line) -> Decimal:
    """The money of a line."""
    return sum((extended(line, price) for price in line.prices), Decimal(0))


def shipped(order: Order, line: Line, settings: ManexSettings) -> Decimal:
    """What has left of a line."""
    return settings.shipped.get(f"{order.sono}/{line.row['LINE_NO']}", Decimal(0))


def balance(order: Order, line: Line, settings: ManexSettings) -> Decimal:
    """What is still to be shipped of a line."""
    return line.ordered - shipped(order, line, settings)


# ------------------------------------------------------------------ replies


def price_view(order: Order, line: Line, price: Row) -> dict[str, Any]:
    """PriceGet's ResponseObject."""
    return {
        "PLPRICELNK": price["PLPRICELNK"],
        "SONO": char(order.sono, 10),
        "DESCRIPTIO": char(line.row["Sodet_Desc"], 45),
        "QUANTITY": bare(line.ordered),
        "PRICE": bare(price["PRICE"]),
        "EXTENDED": bare(extended(line, price)),
        "TAXABLE": price["TAXABLE"] == "1",
        "FLAT": price["FLAT"] == "1",
        "RECORDTYPE": char(price["RECORDTYPE"], 1),
        "SALETYPEID": char(price["SALETYPEID"], WIDTHS["SALETYPEID"]),
        "UNIQUELN": line.key,
        "PL_GL_NBR": "4050000-00-00",
        "COG_GL_NBR": "5090000-00-00",
        "OrigPluniqLnk": " ",
    }


def due_date_view(order: Order, line: Line, due: Row) -> dict[str, Any]:
    """DueDateGet's ResponseObject."""
    return {
        "DUEDT_UNIQ": due["DUEDT_UNIQ"],
        "SONO": char(order.sono, 10),
        **{name: due[name] for name in ("DUE_DTS1", "SHIP_DTS", "COMMIT_DTS")},
        "QTY": bare(due["QTY"]),
        **dict.fromkeys(("STDCHG", "PRICHG", "OTHCHG"), 0),
        "JOBPRI": " ",
        "DAYMIN": 0,
        "LOTNO": " ",
        "QUOTE_SEL": False,
        "START_DTS": None,
        "ACT_SHP_QT": 0,
        "ON_SCHED": False,
        "COMPL_DTS": None,
        "UNIQUELN": line.key,
    }


def line_view(order: Order, line: Line, settings: ManexSettings) -> dict[str, Any]:
    """ItemGet's ResponseObject, and an element of SODETAILList."""
    row = line.row
    due_dates = line.due_dates if settings.due_dates_in_list else []
    # The lists may be empty although the rows are there (section 5).
    prices = line.prices if settings.prices_in_list else []
    return {
        "DueDateList": [due_date_view(order, line, due) for due in due_dates],
        "SOPRICESList": [price_view(order, line, price) for price in prices],
        "UNIQUELN": line.key,
        "UNIQ_KEY": char(row["UNIQ_KEY"], 10),
        "SONO": char(order.sono, 10),
        "LINE_NO": char(row["LINE_NO"], 7),
        "UOFMEAS": char(row["UOFMEAS"], WIDTHS["UOFMEAS"]),
        "EACHQTY": bare(row["EACHQTY"]),
        "ORD_QTY": bare(line.ordered),
        "SHIPPEDQTY": bare(shipped(order, line, settings)),
        "BALANCE": bare(balance(order, line, settings)),
        "Sodet_Desc": char(row["Sodet_Desc"], 45),
        "TRANS_DAYS": bare(row["TRANS_DAYS"]),
        "FSTDUEDT": row["FSTDUEDT"],
        "DELIFREQ": char(row["DELIFREQ"], WIDTHS["DELIFREQ"]),
        "CATEGORY": "000000000~",
        "NOTE": row["NOTE"],
        "EXTENDED": bare(total(line)),
        "BULLETIN": "",
        "WONOFLAG": False,
        "QTYFROMINV": 0,
        "STATUS": char(row["STATUS"], WIDTHS["STATUS"]),
        "W_KEY": char(row["W_KEY"], 10),
        **_chars("ORIGINUQLN", "PRJUNIQUE", "ARCSTATUS", "PRODTPUNIQ", "PRODTPUKLN"),
        "CNFGQTYPER": 0,
        **dict.fromkeys(LINE_BITS, False),
        **dict.fromkeys(("PART_NUM", "PRJCT_NUM", "REVISION")),
    }


def _defaults(order: Order) -> Row:
    links = {"BLINKADD": link_key(order.custno, "billing"), "SLINKADD": link_key(order.custno, "shipping")}
    return {**dict.fromkeys((kept.name for kept in HEADER_FIELDS.values()), ""), **FROM_CUSTOMER, **links}


def order_view(order: Order, settings: ManexSettings) -> dict[str, Any]:
    """SO/Get's ResponseObject."""
    header = {**_defaults(order), **order.header}
    text = {name: char(value, WIDTHS.get(name, 0)) for name, value in header.items()}
    amount = bare(sum((total(line) for line in order.lines), Decimal(0)))
    return {
        # The last line comes first, as in the sample.
        "SODETAILList": [line_view(order, line, settings) for line in reversed(order.lines)],
        "SONO": char(order.sono, 10),
        "BLINKADD": text["BLINKADD"],
        "SLINKADD": text["SLINKADD"],
        "CUSTNO": char(order.custno, 10),
        "SHIPNO": " ",
        "ORDERDATE": order.order_date,
        "TMPACK": False,
        "TMPACKDT": None,
        "TMPACKINIT": " ",
        "POACK": header["POACK"] == "1",
        "POACKDT": None,
        "POACKINIT": " ",
        "PORECEIV": False,
        "POREINIT": " ",
        "POREDT": None,
        "PONO": text["PONO"],
        "CUSTWONO": " ",
        "SONOTE": header["SONOTE"],
        "ORDPASSWD": " ",
        **{name: text[name] for name in ("FOB", "SHIPVIA", "SHIPCHARGE")},
        "IS_CLOSED": False,
        "DATECHG": None,
        "SOFOOT": header["SOFOOT"],
        "ORD_TYPE": "OPEN ",
        "DELIV_TIME": char(header["DELIV_TIME"], 8),
        "DELIV_AMPM": " ",
        "BUYER": text["BUYER"],
        "SOAMOUNT": amount,
        "ATTENTION": text["ATTENTION"],
        "GLDIVNO": " ",
        "IS_RMA": False,
        **_chars("ORIGINSONO", "INVOICENO"),
        "SOAMTDSCT": bare(header["SOAMTDSCT"] or "0"),
        "SOEXTEND": amount,
        "SOTAX": 0,
        "PRINTPRDT": False,
        "SOAPPROVAL": header["SOAPPROVAL"] == "1",
        "SOAPPRVINT": text["SOAPPRVINT"],
        "SOAPPRVDT": order.saved if header["SOAPPROVAL"] == "1" else None,
        "SAVEINT": "NA ",
        "SAVEDT": order.saved,
        "ACKPO_DOC": text["ACKPO_DOC"],
        "TERMS": text["TERMS"],
        "SOPTAX": 0,
        "SOSTAX": 0,
        "SOCHANGES": "",
        "BILLACOUNT": text["BILLACOUNT"],
        "CustomerName": None,
        "CanApproveSo": False,
        "UserId": NOBODY,
    }


# ------------------------------------------------------------------ what /_sandbox/orders shows


def summary(order: Order, settings: ManexSettings) -> dict[str, Any]:
    """A sales order with the header fields that were sent, and its lines by LINE_NO."""
    header = {name: value for name, value in order.header.items() if name != "SONOTE"}
    return {
        "SONO": order.sono,
        "CUSTNO": order.custno,
        "PONO": "",
        "ORDERDATE": order.order_date,
        "note": order.header.get("SONOTE", ""),
        **header,
        "lines": [
            _line_summary(order, line, settings) for line in sorted(order.lines, key=lambda line: line.row["LINE_NO"])
        ],
    }


def _line_summary(order: Order, line: Line, settings: ManexSettings) -> dict[str, Any]:
    row = line.row
    return {
        **{name: row[name] for name in ("LINE_NO", "part_no", "revision", "UNIQ_KEY", "STATUS", "UOFMEAS")},
        "UNIQUELN": line.key,
        "ORD_QTY": row["ORD_QTY"],
        "BALANCE": plain(balance(order, line, settings)),
        "desc": row["Sodet_Desc"],
        "note": row["NOTE"],
        "prices": [
            {
                "price": price["PRICE"],
                "flat": price["FLAT"] == "1",
                "taxable": price["TAXABLE"] == "1",
                "saleTypeID": price["SALETYPEID"],
                "extended": str(extended(line, price)),
            }
            for price in line.prices
        ],
        "due_dates": [{name: due[name] for name in ("DUE_DTS1", "SHIP_DTS", "QTY")} for due in line.due_dates],
    }
