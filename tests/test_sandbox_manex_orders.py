"""The ManEx stand-in keeps orders, items, prices and due dates as contracts/manex.md, 3 to 6, says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manex_calls import (
    KEY,
    MISSING,
    NO_CUSTOMER,
    W1,
    add,
    add_line,
    done,
    due_date,
    get,
    held,
    item,
    line_of_order,
    made_up,
    price,
    refused,
)
from tests.sandboxed import MANEX_KEY, Sandboxed

# ------------------------------------------------------------------ sales orders (section 3)


def test_add_never_says_the_number_and_get_shows_numbers_padded(sandbox: Sandboxed) -> None:
    add(sandbox, SoNo="789", PoNo="1001")
    order = get(sandbox, "0000000789")
    assert (order["SONO"], order["CUSTNO"], order["PONO"]) == ("0000000789", "0000000008", "1001".ljust(20))
    assert (order["SODETAILList"], order["ORD_TYPE"], order["UserId"]) == (
        [],
        "OPEN ",
        f"{'0' * 8}-0000-0000-0000-{'0' * 12}",
    )


def test_a_blank_number_is_the_next_one_that_is_free(sandbox: Sandboxed) -> None:
    add(sandbox, SoNo="790")
    for _ in range(2):
        add(sandbox, SoNo="")
    assert [order["SONO"] for order in held(sandbox)] == ["0000000790", "0000000791", "0000000792"]


def test_a_site_with_manual_numbering_refuses_a_blank_number(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", numbering="manual")
    made_up(sandbox.manex("Add", **W1 | {"SoNo": ""}), "Sales Order add failed.Sales Order number is required.")
    add(sandbox)


@pytest.mark.parametrize("again", ["W1", "w1", " W1 "])
def test_a_number_is_taken_once(sandbox: Sandboxed, again: str) -> None:
    add(sandbox)
    answer = sandbox.manex("Add", **W1 | {"SoNo": again, "PoNo": "other"})
    made_up(answer, "Sales Order add failed.Sales Order already exists.")
    assert sandbox.get("counts")["manex"] == {"1001": 1}


def test_a_number_of_more_than_ten_characters_is_refused(sandbox: Sandboxed) -> None:
    answer = sandbox.manex("Add", **W1 | {"SoNo": "W0000000001"})
    made_up(answer, "Sales Order add failed.Sales Order number has more than 10 characters.")


@pytest.mark.parametrize(
    ("customers", "custno", "known"),
    [
        (None, "8", "0000000008"),
        (None, "0000000008", "0000000008"),
        (None, "ACME", None),
        (None, "12345678901", None),
        (["8"], "0000000008", "0000000008"),
        (["8"], "9", None),
        ([], "8", None),
        (["ACME"], "acme", "ACME"),
    ],
)
def test_a_site_knows_every_customer_of_ten_digits_or_only_its_own(
    sandbox: Sandboxed, customers: list[str] | None, custno: str, known: str | None
) -> None:
    sandbox.switch("manex", customers=customers)
    added = sandbox.manex("Add", **W1 | {"custNo": custno})
    answer = sandbox.http.get(f"/manex/API/Customer/Get/{MANEX_KEY}", params={"CustNumOrName": custno})
    if known is None:
        refused(added, NO_CUSTOMER)
        made_up(answer, "Customer does not exists.")
    else:
        assert held(sandbox)[0]["CUSTNO"] == known
        assert done(answer, "Customer details:")["CUSTNO"] == known


HEADER = [
    ("blinkAdd", "_4560WJU2L", "BLINKADD", "_4560WJU2L"),
    ("slinkAdd", "_4560WL0MU", "SLINKADD", "_4560WL0MU"),
    ("orderDate", "10-23-2014", "ORDERDATE", "2014-10-23T00:00:00"),
    ("orderDate", "2014-10-23T16:03:00", "ORDERDATE", "2014-10-23T16:03:00"),
    ("POAck", "1", "POACK", True),
    ("POAck", False, "POACK", False),
    ("PoNo", "x" * 25, "PONO", "x" * 20),
    ("SONote", "two\nlines", "SONOTE", "two\nlines"),
    ("SoFoot", "foot", "SOFOOT", "foot"),
    ("FOB", "ORIGIN-CUSTOMER P/U", "FOB", "ORIGIN-CUST P/U"),
    ("FOB", "DESTINATION", "FOB", "DESTINATION    "),
    ("ShipVia", "UPS-BLUE", "SHIPVIA", "UPS-BLUE       "),
    ("shipCharge", "NO CHARGE", "SHIPCHARGE", "NO CHARGE      "),
    ("DELIV_TIME", "15:30", "DELIV_TIME", "15:30   "),
    ("Buyer", "Anna", "BUYER", "Anna      "),
    ("ATTENTION", "Anna", "ATTENTION", "Anna "),
    ("SOAMTDSCT", "1.50", "SOAMTDSCT", 1.5),
    ("TERMS", "NET 30", "TERMS", "NET 30         "),
    ("BILLACCOUNT", "4711", "BILLACOUNT", "4711 "),
    ("ACKPO_DOC", "doc", "ACKPO_DOC", "doc "),
]


@pytest.mark.parametrize("way", ["Add", "Edit"])
@pytest.mark.parametrize(("name", "value", "shown", "as_"), HEADER, ids=lambda value: str(value)[:20])
def test_every_header_field_comes_back_under_the_replys_name(
    sandbox: Sandboxed, way: str, name: str, value: object, shown: str, as_: object
) -> None:
    if way == "Add":
        add(sandbox, **{name: value})
    else:
        add(sandbox)
        done(sandbox.manex("Edit", SoNo="W1", **{name: value}), "Sales Order edited successfully.")
    assert get(sandbox)[shown] == as_


def test_what_is_not_sent_comes_from_the_customer_and_is_padded(sandbox: Sandboxed) -> None:
    add(sandbox)
    order = get(sandbox)
    shown = [order[name] for name in ("SHIPVIA", "TERMS", "SHIPCHARGE", "FOB", "ATTENTION", "SONOTE")]
    assert shown == ["UPS-GRND TRACK ", "NET 15         ", "PREPAY/BILL CUS", " " * 15, " ", ""]
    customer = sandbox.http.get(f"/manex/API/Customer/Get/{MANEX_KEY}", params={"CustNumOrName": "8"})
    assert customer.json()["ResponseObject"]["BLINKADD"] == order["BLINKADD"]
    assert KEY.fullmatch(order["BLINKADD"])


def test_edit_changes_what_is_sent_and_nothing_else(sandbox: Sandboxed) -> None:
    add(sandbox, SONote="keep", orderDate="2014-10-23", FOB="DESTINATION")
    done(sandbox.manex("Edit", SoNo="W1", custNo="9", FOB=""), "Sales Order edited successfully.")
    order = get(sandbox)
    shown = [order[name] for name in ("CUSTNO", "SONOTE", "ORDERDATE", "FOB", "PONO")]
    assert shown == ["0000000009", "keep", "2014-10-23T00:00:00", " " * 15, "1001".ljust(20)]


def test_approval_needs_the_approvers_initials(sandbox: Sandboxed) -> None:
    add(sandbox)
    answer = sandbox.manex("Edit", SoNo="W1", SOAPPROVAL="1")
    made_up(answer, "Sales Order edit failed.SOAPPRVINIT not provided.")
    done(sandbox.manex("Edit", SoNo="W1", SOAPPROVAL="1", SOAPPRVINIT="AB"), "Sales Order edited successfully.")
    order = get(sandbox)
    assert (order["SOAPPROVAL"], order["SOAPPRVINT"]) == (True, "AB      ")
    assert order["SOAPPRVDT"] is not None


def test_the_order_has_every_field_of_the_printed_sample(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    due_date(sandbox, line)
    order = get(sandbox)
    assert list(order) == ["$id", *ORDER_FIELDS.split()]
    assert list(order["SODETAILList"][0]) == ["$id", *LINE_FIELDS.split()]
    assert list(order["SODETAILList"][0]["DueDateList"][0]) == ["$id", *DUE_DATE_FIELDS.split()]


ORDER_FIELDS = """
    SODETAILList SONO BLINKADD SLINKADD CUSTNO SHIPNO ORDERDATE TMPACK TMPACKDT TMPACKINIT POACK POACKDT POACKINIT
    PORECEIV POREINIT POREDT PONO CUSTWONO SONOTE ORDPASSWD FOB SHIPVIA SHIPCHARGE IS_CLOSED DATECHG SOFOOT ORD_TYPE
    DELIV_TIME DELIV_AMPM BUYER SOAMOUNT ATTENTION GLDIVNO IS_RMA ORIGINSONO INVOICENO SOAMTDSCT SOEXTEND SOTAX
    PRINTPRDT SOAPPROVAL SOAPPRVINT SOAPPRVDT SAVEINT SAVEDT ACKPO_DOC TERMS SOPTAX SOSTAX SOCHANGES BILLACOUNT
    CustomerName CanApproveSo UserId
"""
LINE_FIELDS = """
    DueDateList SOPRICESList UNIQUELN UNIQ_KEY SONO LINE_NO UOFMEAS EACHQTY ORD_QTY SHIPPEDQTY BALANCE Sodet_Desc
    TRANS_DAYS FSTDUEDT DELIFREQ CATEGORY NOTE EXTENDED BULLETIN WONOFLAG QTYFROMINV STATUS W_KEY ORIGINUQLN PRJUNIQUE
    ARCSTATUS PRODTPUNIQ PRODTPUKLN CNFGQTYPER MRPONHOLD SOURCEINSP FIRSTARTCL LFCSTITEM LWARRANTY PART_NUM PRJCT_NUM
    REVISION
"""
DUE_DATE_FIELDS = """
    DUEDT_UNIQ SONO DUE_DTS1 SHIP_DTS COMMIT_DTS QTY STDCHG PRICHG OTHCHG JOBPRI DAYMIN LOTNO QUOTE_SEL START_DTS
    ACT_SHP_QT ON_SCHED COMPL_DTS UNIQUELN
"""


def test_objects_are_numbered_from_the_outside_in(sandbox: Sandboxed) -> None:
    add(sandbox)
    add_line(sandbox)
    add_line(sandbox)
    body = sandbox.manex("Get", SoNo="W1").json()
    lines = body["ResponseObject"]["SODETAILList"]
    numbers = [body["$id"], body["ResponseObject"]["$id"], *(line["$id"] for line in lines)]
    assert numbers == ["1", "2", "3", "4"]


# ------------------------------------------------------------------ items (section 4)


def test_item_add_does_not_say_the_key_and_get_lists_the_last_line_first(sandbox: Sandboxed) -> None:
    add(sandbox)
    keys = [add_line(sandbox, line_no=number) for number in ("1", "2")]
    lines = get(sandbox)["SODETAILList"]
    assert [line["LINE_NO"] for line in lines] == ["0000002", "0000001"]
    assert [line["UNIQUELN"] for line in lines] == keys[::-1]
    assert all(KEY.fullmatch(key) for key in keys)


def test_a_site_may_answer_the_new_key(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", item_add_returns_line=True)
    add(sandbox)
    answer = sandbox.manex("ItemADD", SoNo="W1", part_no="A")
    response = done(answer, "Sales Order Item added successfully.")
    assert response == {"$id": "2", "UNIQUELN": get(sandbox)["SODETAILList"][0]["UNIQUELN"]}


def test_a_line_shows_what_was_sent_and_neither_part_nor_revision(sandbox: Sandboxed) -> None:
    sent = {"uOfMeas": "EACH", "eachQty": "2", "ord_qty": 20, "soDet_Desc": "Loud", "trans_days": "3"}
    dates = {"fstduedt": "11-13-2014", "deliFreq": "mo", "note": "n", "status": "Priority-1", "w_key": "_4500WBEBA"}
    found = item(sandbox, line_of_order(sandbox, **sent, **dates, line_no="7"))
    shown = {
        "LINE_NO": "0000007",
        "UOFMEAS": "EACH",
        "EACHQTY": 2,
        "ORD_QTY": 20,
        "SHIPPEDQTY": 0,
        "BALANCE": 20,
        "TRANS_DAYS": 3,
        "FSTDUEDT": "2014-11-13T00:00:00",
        "DELIFREQ": "MO",
        "NOTE": "n",
        "STATUS": "PRIORITY-1",
        "W_KEY": "_4500WBEBA",
        "PART_NUM": None,
        "REVISION": None,
        "SONO": "W1".ljust(10),
    }
    assert found.items() >= shown.items()
    assert found["Sodet_Desc"].rstrip() == "Loud"
    assert found == get(sandbox)["SODETAILList"][0] | {"$id": found["$id"]}


def test_a_line_number_may_repeat_and_then_only_the_key_tells_lines_apart(sandbox: Sandboxed) -> None:
    add(sandbox)
    first, second = (add_line(sandbox, line_no="1") for _ in range(2))
    answer = sandbox.manex("ItemEdit", SoNo="W1", line_no="1", ord_qty="5")
    made_up(answer, "line_no 0000001 occurs more than once, UNIQUELN is needed.")
    done(sandbox.manex("ItemEdit", SoNo="W1", UNIQUELN=second, ord_qty="5"), "Sales Order Item edited successfully.")
    assert [item(sandbox, line)["ORD_QTY"] for line in (first, second)] == [2, 5]


def test_lines_without_a_number_get_the_next_one(sandbox: Sandboxed) -> None:
    add(sandbox)
    add_line(sandbox, line_no="7")
    add_line(sandbox)
    assert [line["LINE_NO"] for line in held(sandbox)[0]["lines"]] == ["0000007", "0000008"]


PARTS: list[tuple[str, dict[str, str], bool]] = [
    ("any", {"part_no": "A"}, True),
    ("any", {"part_num": "A"}, True),
    ("any", {"uniq_key": "_44Y0WP6H4"}, True),
    ("any", {"IsMisc": "true", "soDet_Desc": "Freight"}, True),
    ("any", {"IsMisc": "false"}, False),
    ("any", {}, False),
    ("any", {"part_no": "UNKNOWN-7"}, False),
    ("any", {"part_no": "unknown-7"}, False),
    ("S", {"part_num": "A"}, True),
    ("S", {"part_no": "A"}, False),
    ("F", {"part_no": "A"}, True),
    ("F", {"part_num": "A"}, False),
    ("F", {"uniq_key": "_44Y0WP6H4"}, True),
]


@pytest.mark.parametrize(("edition", "part", "taken"), PARTS, ids=str)
def test_a_line_needs_a_part_that_the_site_knows_by_the_name_of_its_edition(
    sandbox: Sandboxed, edition: str, part: dict[str, str], taken: bool
) -> None:
    add(sandbox)
    sandbox.switch("manex", edition=edition)
    sent = {**ITEM, "ord_qty": "1"}
    answer = sandbox.manex("ItemADD", SoNo="W1", **sent | part)
    assert (answer.json()["Code"] == 200) is taken
    assert len(get(sandbox)["SODETAILList"]) == taken


ITEM = {"uOfMeas": "EACH", "soDet_Desc": "x", "deliv_time": "3:00", "status": "Standard"}
DUE_DATE = {"Due_DTS1": "2026-01-06", "Ship_Dts": "2026-01-05", "Qty": "1"}
REQUIRED: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("S", "ItemADD", ITEM, {"part_num": "A"}),
    ("F", "ItemADD", {**ITEM, "ord_qty": "1"}, {"part_no": "A"}),
    ("S", "PriceAdd", {"price": "1"}, {}),
    ("F", "PriceAdd", {"price": "1", "saleTypeID": "SYSTEM"}, {}),
    ("S", "DueDateAdd", DUE_DATE, {}),
    ("F", "DueDateAdd", DUE_DATE, {}),
]


@pytest.mark.parametrize(
    ("edition", "action", "required", "fields"), REQUIRED, ids=[f"{row[1]} of {row[0]}" for row in REQUIRED]
)
def test_an_edition_requires_what_its_tables_require(
    sandbox: Sandboxed, edition: str, action: str, required: dict[str, str], fields: dict[str, str]
) -> None:
    sent = {"SoNo": "W1", "uniqueLn": line_of_order(sandbox), **required, **fields}
    sandbox.switch("manex", edition=edition)
    for name in required:
        without = {key: value for key, value in sent.items() if key != name}
        made_up(sandbox.manex(action, **without), f"{name} not provided.")
    assert sandbox.manex(action, **sent).json()["Code"] == 200


@pytest.mark.parametrize("edition", ["S", "F"])
def test_an_edition_wants_part_and_revision_again_on_an_edit(sandbox: Sandboxed, edition: str) -> None:
    line, part = line_of_order(sandbox), {"S": "part_num", "F": "part_no"}[edition]
    sandbox.switch("manex", edition=edition)
    sent = {"SoNo": "W1", "UNIQUELN": line, "ord_qty": "3"}
    made_up(sandbox.manex("ItemEdit", **sent), f"{part} not provided.")
    made_up(sandbox.manex("ItemEdit", **sent, **{part: "TEA-1"}), "revision not provided.")
    answer = sandbox.manex("ItemEdit", **sent, **{part: "TEA-1"}, revision="A")
    done(answer, "Sales Order Item edited successfully.")


def test_the_first_edition_wants_the_customer_again_on_an_edit(sandbox: Sandboxed) -> None:
    add(sandbox)
    sandbox.switch("manex", edition="S")
    answer = sandbox.manex("Edit", SoNo="W1", FOB="DESTINATION")
    refused(answer, "Sales Order edit failed.Object reference not set to an instance of an object.")


def test_a_part_has_one_key_wherever_it_is_seen(sandbox: Sandboxed) -> None:
    def master(**params: str) -> dict[str, Any]:
        answer = sandbox.http.get("/manex/API/ItemMaster/Get", params={"apiKey": MANEX_KEY, **params})
        found: dict[str, Any] = done(answer, "Inventor details:")
        return found

    part = master(partnum="TEA-1", revision="A")
    assert KEY.fullmatch(part["Uniq_Key"])
    assert part["Uniq_Key"] != master(partnum="TEA-1", revision="B")["Uniq_Key"]
    assert master(uniqkey=part["Uniq_Key"]) == part
    line = item(sandbox, line_of_order(sandbox))
    assert (line["UNIQ_KEY"], line["W_KEY"]) == (
        part["Uniq_Key"],
        part["InvtmfHdList"][0]["InvtmfGrList"][0]["W_Key"],
    )
    add(sandbox, SoNo="W2", PoNo="2")
    done(sandbox.manex("ItemADD", SoNo="W2", uniq_key=part["Uniq_Key"]), "Sales Order Item added successfully.")
    (by_key,) = held(sandbox, "2")[0]["lines"]
    assert (by_key["part_no"], by_key["revision"]) == ("TEA-1", "A")


@pytest.mark.parametrize("params", [{"partnum": "UNKNOWN-1"}, {"partnum": ""}, {"uniqkey": MISSING}], ids=str)
def test_a_part_that_there_is_not_is_refused(sandbox: Sandboxed, params: dict[str, str]) -> None:
    answer = sandbox.http.get("/manex/API/ItemMaster/Get", params={"apiKey": MANEX_KEY, **params})
    made_up(answer, "Inventor does not exists.")


def test_the_item_master_takes_its_key_in_the_query(sandbox: Sandboxed) -> None:
    answer = sandbox.http.get("/manex/API/ItemMaster/Get", params={"apiKey": "wrong", "partnum": "A"})
    assert (answer.json()["Message"], answer.json()["IsValidUser"]) == ("Invalid API Key.", False)


def test_item_edit_changes_what_is_sent_and_knows_both_spellings_of_the_unit(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sent = {"U_of_Meas": "BOX", "ord_qty": "40", "status": "Admin Hold", "part_num": "TEA-1"}
    done(sandbox.manex("ItemEdit", SoNo="W1", line_no="1", **sent), "Sales Order Item edited successfully.")
    found = item(sandbox, line)
    shown = [found[name] for name in ("UOFMEAS", "ORD_QTY", "BALANCE", "STATUS")]
    assert shown == ["BOX ", 40, 40, "ADMIN HOLD"]
    (kept,) = held(sandbox)[0]["lines"]
    assert (kept["part_no"], kept["revision"], kept["desc"]) == ("TEA-1", "A", "Tea")


def test_a_deleted_line_takes_its_price_and_its_due_date_along(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    done(sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price="1"), "Sales Order Price added successfully.")
    key = due_date(sandbox, line)
    done(sandbox.manex("ItemDelete", SoNo="W1", uniqueln=line), "Sales Order Item deleted successfully.")
    refused(sandbox.manex("ItemGet", UNIQUELN=line), "Sales Order Item does not exists.")
    refused(sandbox.manex("PriceGet", UNIQUELN=line), "Sales Order Price does not exists.")
    refused(sandbox.manex("DueDateGet", DueDateUniq=key), "$$Sales Order Due Date does not exists.")
    assert get(sandbox)["SODETAILList"] == []


def test_what_has_left_is_switched_and_lowers_the_balance_at_once(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sandbox.switch("manex", shipped={"W1/0000001": 1.5})
    found = item(sandbox, line)
    assert (found["SHIPPEDQTY"], found["BALANCE"]) == (1.5, 0.5)
    assert held(sandbox)[0]["lines"][0]["BALANCE"] == "0.5"


BALANCE_0 = "Status of an item with balance 0 cannot be changed without increasing the quantity."
ITEM_RULES: list[tuple[str, dict[str, str], str | None]] = [
    ("ItemADD", {"ord_qty": "-1"}, "ord_qty -1 is less than 0."),
    ("ItemADD", {"eachQty": "0"}, "eachQty 0 must be greater than 0 and less than ord_qty."),
    ("ItemADD", {"eachQty": "2"}, "eachQty 2 must be greater than 0 and less than ord_qty."),
    ("ItemADD", {"eachQty": "1"}, None),
    ("ItemADD", {"status": "Cancelled"}, "Status CANCELLED does not exists."),
    ("ItemEdit", {"status": "Cancel"}, BALANCE_0),
    ("ItemEdit", {"status": "Cancel", "ord_qty": "2"}, BALANCE_0),
    ("ItemEdit", {"status": "Cancel", "ord_qty": "3"}, None),
    ("ItemEdit", {"status": "Standard"}, None),
    ("ItemEdit", {"ord_qty": "1"}, "ord_qty 1 is less than the shipped quantity 2."),
    ("ItemEdit", {"eachQty": "5"}, "eachQty 5 must be greater than 0 and less than ord_qty."),
]


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("action", "fields", "text"), ITEM_RULES, ids=str)
def test_quantities_and_status_are_checked_unless_nobody_looks(
    sandbox: Sandboxed, action: str, fields: dict[str, str], text: str | None, validate: bool
) -> None:
    line = line_of_order(sandbox)
    sandbox.switch("manex", validate=validate, shipped={"W1/0000001": 2})
    sent = {"SoNo": "W1", "part_no": "TEA-1", "ord_qty": "2", **({"UNIQUELN": line} if action == "ItemEdit" else {})}
    if action == "ItemEdit":
        del sent["ord_qty"]
    before, answer = sandbox.get("orders"), sandbox.manex(action, **sent | fields)
    if validate and text:
        made_up(answer, text)
        assert sandbox.get("orders") == before
    else:
        assert answer.json()["Code"] == 200


def test_a_quantity_never_falls_below_what_is_scheduled(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    due_date(sandbox, line, Qty="2")
    answer = sandbox.manex("ItemEdit", SoNo="W1", UNIQUELN=line, ord_qty="1")
    made_up(answer, "ord_qty 1 is less than the scheduled quantity 2.")
    done(sandbox.manex("ItemEdit", SoNo="W1", UNIQUELN=line, ord_qty="3"), "Sales Order Item edited successfully.")


# ------------------------------------------------------------------ prices (section 5)


def test_a_price_is_added_read_edited_and_deleted(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sent = {"SoNo": "W1", "uniqueLn": line, "price": "1.2", "taxable": "1", "flat": "0", "saletypeid": "SYSTEM"}
    assert done(sandbox.manex("PriceAdd", **sent), "Sales Order Price added successfully.") is None
    found = price(sandbox, line)
    key = found["PLPRICELNK"]
    assert KEY.fullmatch(key)
    assert found == {
        "$id": "2",
        "PLPRICELNK": key,
        "SONO": "W1".ljust(10),
        "DESCRIPTIO": "Tea".ljust(45),
        "QUANTITY": 2,
        "PRICE": 1.2,
        "EXTENDED": 2.4,
        "TAXABLE": True,
        "FLAT": False,
        "RECORDTYPE": "P",
        "SALETYPEID": "SYSTEM    ",
        "UNIQUELN": line,
        "PL_GL_NBR": "4050000-00-00",
        "COG_GL_NBR": "5090000-00-00",
        "OrigPluniqLnk": " ",
    }
    edited = sandbox.manex("PriceEdit", SoNo="W1", uniqueLn=line, PLPRICELNK=key, price="1.3")
    done(edited, "Sales Order Price edited successfully.", code=403)
    assert price(sandbox, line) == {**found, "PRICE": 1.3, "EXTENDED": 2.6}
    deleted = sandbox.manex("PriceDelete", SoNo="W1", uniqueLn=line, PLPRICELNK=key)
    done(deleted, "Sales Order Price deleted successfully.")
    refused(sandbox.manex("PriceGet", uniqueLn=line), "Sales Order Price does not exists.")


def test_a_site_may_call_an_edited_price_a_success(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price="1")
    sandbox.switch("manex", price_edit_code=200)
    key = price(sandbox, line)["PLPRICELNK"]
    answer = sandbox.manex("PriceEdit", SoNo="W1", uniqueLn=line, PLPRICELNK=key, price="1.3")
    done(answer, "Sales Order Price edited successfully.")


def test_a_second_price_makes_a_second_row_and_only_the_first_is_shown(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    for amount in ("1", "2"):
        sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price=amount)
    assert price(sandbox, line)["PRICE"] == 1
    assert [row["price"] for row in held(sandbox)[0]["lines"][0]["prices"]] == ["1", "2"]


def test_a_site_may_refuse_a_second_price(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sandbox.switch("manex", double_prices=False)
    sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price="1")
    made_up(sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price="2"), "Sales Order Price already exists.")


def test_lists_of_prices_and_due_dates_may_be_empty_although_there_are_rows(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price="1")
    due_date(sandbox, line)

    def lengths() -> tuple[int, int]:
        found = item(sandbox, line)
        return len(found["SOPRICESList"]), len(found["DueDateList"])

    assert lengths() == (0, 1)
    sandbox.switch("manex", prices_in_list=True, due_dates_in_list=False)
    assert lengths() == (1, 0)


@pytest.mark.parametrize(
    ("amount", "flat", "quantity", "extended"),
    [
        ("1.005", "0", "1", "1.01"),
        ("39.95", "0", "2", "79.90"),
        ("39.95", "1", "2", "39.95"),
        ("-12", "true", "20", "-12.00"),
        ("0.3333", "false", "2.5", "0.83"),
        ("999999999999", "0", "999999999999", "999999999998000000000001.00"),
    ],
)
def test_the_money_of_a_price_is_flat_or_times_the_quantity_and_rounded_to_cents(
    sandbox: Sandboxed, amount: str, flat: str, quantity: str, extended: str
) -> None:
    line = line_of_order(sandbox, ord_qty=quantity)
    sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=line, price=amount, flat=flat)
    assert held(sandbox)[0]["lines"][0]["prices"][0]["extended"] == extended
    assert float(price(sandbox, line)["EXTENDED"]) == float(get(sandbox)["SOAMOUNT"]) == float(extended)


# ------------------------------------------------------------------ due dates (section 6)


def test_a_due_date_is_added_found_in_the_list_read_edited_and_deleted(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    key = due_date(sandbox, line)
    assert KEY.fullmatch(key)
    details = "$$Sales Order Due Date details:"
    found = done(sandbox.manex("DueDateGet", DueDateUniq=key), details)
    shown = [found[name] for name in ("DUEDT_UNIQ", "SONO", "DUE_DTS1", "SHIP_DTS", "COMMIT_DTS", "QTY", "UNIQUELN")]
    monday, tuesday = "2026-01-05T00:00:00", "2026-01-06T00:00:00"
    assert shown == [key, "W1".ljust(10), tuesday, monday, tuesday, 1, line]
    sent = {"SoNo": "W1", "uniqueLn": line, "DUE_DTS1": "2026-01-08", "SHIP_DTS": "2026-01-07", "qty": "2"}
    edited = sandbox.manex("DueDateEdit", **sent, dueDt_Uniq=key)
    done(edited, "$$Sales Order Due Date edited successfully.")
    found = done(sandbox.manex("DueDateGet", DueDateUniq=key), details)
    assert (found["DUE_DTS1"], found["SHIP_DTS"], found["QTY"]) == ("2026-01-08T00:00:00", "2026-01-07T00:00:00", 2)
    done(sandbox.manex("DueDateDelete", DueDt_Uniq=key), "$$Sales Order Due Date deleted successfully.")
    assert item(sandbox, line)["DueDateList"] == []


def test_a_later_release_may_drop_the_dollar_signs(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    sandbox.switch("manex", dollar_signs=False)
    answer = sandbox.manex("DueDateAdd", SoNo="W1", uniqueLn=line, Due_DTS1="2026-01-06", Qty="1")
    done(answer, "Sales Order Due Date added successfully.")
    refused(sandbox.manex("DueDateGet"), "Sales Order Due Date does not exists.")


DATES = [
    ("any", "2026-02-03", "2026-02-03"),
    ("any", "02-03-2026", "2026-02-03"),
    ("any", "02/03/2026", "2026-02-03"),
    ("any", "2026-02-03T10:30:00", "2026-02-03"),
    ("any", "2026-02-30", None),
    ("any", "13-01-2026", None),
    ("any", "0001-01-01", None),
    ("any", "tomorrow", None),
    ("mdy-only", "02-03-2026", "2026-02-03"),
    ("mdy-only", "2026-02-03", None),
    ("iso-only", "2026-02-03", "2026-02-03"),
    ("iso-only", "02-03-2026", None),
    ("swap", "2026-02-03", "2026-03-02"),
    ("swap", "02-03-2026", "2026-03-02"),
    ("swap", "2026-02-26", "2026-02-26"),
]


@pytest.mark.parametrize(("dates", "sent", "kept"), DATES)
def test_sites_differ_in_the_dates_they_take(sandbox: Sandboxed, dates: str, sent: str, kept: str | None) -> None:
    line = line_of_order(sandbox)
    sandbox.switch("manex", dates=dates)
    answer = sandbox.manex("DueDateAdd", SoNo="W1", uniqueLn=line, Due_DTS1=sent, Qty="1")
    found = [row["DUE_DTS1"][:10] for row in held(sandbox)[0]["lines"][0]["due_dates"]]
    if kept is None:
        made_up(answer, f"Due_DTS1 {sent} is no date.")
        assert found == []
    else:
        done(answer, "$$Sales Order Due Date added successfully.")
        assert found == [kept]


DUE_DATE_RULES: list[tuple[dict[str, str], str | None]] = [
    ({"Due_DTS1": "2026-01-10"}, "$$Due_DTS1 2026-01-10 is no working day."),
    ({"Due_DTS1": "2026-01-11"}, "$$Due_DTS1 2026-01-11 is no working day."),
    ({"Due_DTS1": "2026-01-01"}, "$$Due_DTS1 2026-01-01 is no working day."),
    ({"Due_DTS1": "2026-01-02"}, None),
    ({"Ship_Dts": "2026-01-06"}, "$$Ship_Dts 2026-01-06 is not prior to Due_DTS1 2026-01-06."),
    ({"Ship_Dts": "2026-01-07"}, "$$Ship_Dts 2026-01-07 is not prior to Due_DTS1 2026-01-06."),
    ({"Ship_Dts": "2026-01-05"}, None),
    ({"Qty": "2"}, "$$The scheduled quantity 3 is greater than the order quantity 2."),
    ({"Qty": "-1"}, "$$Qty -1 is less than 0."),
    ({"Qty": "1"}, None),
]


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("fields", "text"), DUE_DATE_RULES, ids=str)
def test_due_dates_are_checked_unless_nobody_looks(
    sandbox: Sandboxed, fields: dict[str, str], text: str | None, validate: bool
) -> None:
    line = line_of_order(sandbox)
    due_date(sandbox, line)
    sandbox.switch("manex", validate=validate, holidays=["2026-01-01"])
    sent = {"SoNo": "W1", "uniqueLn": line, "Due_DTS1": "2026-01-06", "Qty": "1", **fields}
    answer = sandbox.manex("DueDateAdd", **sent)
    if validate and text:
        made_up(answer, text)
    else:
        done(answer, "$$Sales Order Due Date added successfully.")
    assert len(item(sandbox, line)["DueDateList"]) == (1 if validate and text else 2)


def test_a_ship_date_that_is_not_sent_is_the_working_day_before(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", holidays=["2026-01-01", "2026-01-02"])
    due_date(sandbox, line_of_order(sandbox), Due_DTS1="2026-01-05")
    assert held(sandbox)[0]["lines"][0]["due_dates"][0]["SHIP_DTS"] == "2025-12-31T00:00:00"


def test_an_edited_quantity_counts_once(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    key = due_date(sandbox, line, Qty="2")
    sent = {"SoNo": "W1", "uniqueLn": line, "dueDt_Uniq": key}
    done(sandbox.manex("DueDateEdit", **sent, Qty="1"), "$$Sales Order Due Date edited successfully.")
    answer = sandbox.manex("DueDateEdit", **sent, Qty="3")
    made_up(answer, "$$The scheduled quantity 3 is greater than the order quantity 2.")
