"""ManEx's names, blanks, numbers and lists, read however they come (contracts/manex.md sections 2 to 6 and 9)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.http import Call, Reply
from schemas.manex.reply import (
    DueRow,
    LineRow,
    PriceRow,
    SalesOrder,
    envelope,
    new_line,
    part_keys,
    price_row,
    said,
    sales_order,
    unique_ln,
)

DUE = {
    "$id": "4",
    "DUEDT_UNIQ": "_1H80XL7Q2",
    "SONO": "W000000001",
    "DUE_DTS1": "2026-11-25T00:00:00",
    "SHIP_DTS": "2026-11-24T00:00:00",
    "COMMIT_DTS": "2026-11-25T00:00:00",
    "QTY": 2.00,
    "JOBPRI": " ",
    "START_DTS": None,
    "ON_SCHED": False,
    "UNIQUELN": "A6WDVN62YM",
}
SECOND = {
    "$id": "3",
    "DueDateList": [DUE],
    "SOPRICESList": [],
    "UNIQUELN": "A6WDVN62YM",
    "UNIQ_KEY": "_1EP0Q018E",
    "SONO": "W000000001",
    "LINE_NO": "0000002",
    "UOFMEAS": "EACH",
    "ORD_QTY": 20.00,
    "SHIPPEDQTY": 0.00,
    "BALANCE": 20.00,
    "Sodet_Desc": "Blue mug          ",
    "STATUS": "STANDARD  ",
    "PART_NUM": None,
    "REVISION": None,
}
FIRST = SECOND | {"$id": "2", "LINE_NO": "0000001", "UNIQUELN": "_2TH0Q5B1C", "DueDateList": [], "STATUS": "Cancel    "}
ORDER = {
    "$id": "1",
    "SODETAILList": [SECOND, FIRST],
    "SONO": "W000000001",
    "CUSTNO": "0000000008",
    "SHIPNO": None,
    "ORDERDATE": "2026-11-20T10:14:00",
    "PONO": "1001                ",
    "SONOTE": " ",
    "IS_CLOSED": False,
    "ORD_TYPE": "OPEN ",
    "SOAMOUNT": -12.0,
}

READ_DUE = DueRow(key="_1H80XL7Q2", due=date(2026, 11, 25), ship=date(2026, 11, 24), quantity=Decimal(2))
READ_SECOND = LineRow(
    line_no=2,
    unique_ln="A6WDVN62YM",
    uniq_key="_1EP0Q018E",
    quantity=Decimal(20),
    shipped=Decimal(0),
    balance=Decimal(20),
    status="STANDARD",
    due=(READ_DUE,),
)


def reply(text: str) -> Reply:
    return Reply(Call("GET", "API/SO/Get"), 200, text=text)


def renamed(value: Any, change: Any) -> Any:
    """The same with each name in another letter case."""
    if isinstance(value, dict):
        return {change(name): renamed(one, change) for name, one in value.items()}
    return [renamed(one, change) for one in value] if isinstance(value, list) else value


def lower(value: Any) -> Any:
    return renamed(value, str.lower)


def as_text(value: Any) -> Any:
    """The same as the newer edition prints it: each scalar a string, null as well (section 9, trap 13)."""
    if isinstance(value, dict):
        return {name: as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_text(one) for one in value]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def padded(value: Any) -> Any:
    """The same with each text in blanks, and each empty one a blank."""
    if isinstance(value, dict):
        return {name: padded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [padded(one) for one in value]
    return f" {value}   " if isinstance(value, str) else value


def keeping_references(value: Any) -> Any:
    """The same with lists as Json.NET writes them where it keeps references."""
    if isinstance(value, dict):
        return {name: keeping_references(one) for name, one in value.items()}
    if isinstance(value, list):
        return {"$id": "9", "$values": [keeping_references(one) for one in value]}
    return value


# ---------------------------------------------------------------- a sales order


def test_a_sales_order_is_read_with_its_lines_in_the_order_in_which_they_come() -> None:
    found = sales_order(ORDER)

    assert (found.so_no, found.customer, found.po_no) == ("W000000001", "0000000008", "1001")
    assert found.order_date == date(2026, 11, 20)
    assert [row.line_no for row in found.lines] == [2, 1]
    assert found.lines[0] == READ_SECOND
    assert (found.lines[1].unique_ln, found.lines[1].cancelled, found.lines[1].due) == ("_2TH0Q5B1C", True, ())


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lower, id="names in lower case"),
        pytest.param(lambda order: renamed(order, str.upper), id="names in upper case"),
        pytest.param(lambda order: renamed(order, str.swapcase), id="names in the other case"),
        pytest.param(padded, id="every text in blanks"),
        pytest.param(as_text, id="every value as text"),
        pytest.param(lambda order: padded(as_text(order)), id="every value as text in blanks"),
        pytest.param(keeping_references, id="lists with references"),
        pytest.param(lambda order: lower(keeping_references(order)), id="such lists in lower case"),
    ],
)
def test_a_sales_order_is_the_same_however_it_is_written(written: Any) -> None:
    assert sales_order(json.loads(json.dumps(written(ORDER)))) == sales_order(ORDER)


@pytest.mark.parametrize("rows", [None, [], {}, "", "null", 0, {"$ref": "2"}, {"$values": None}, [None, 1, "x", []]])
def test_a_list_that_is_none_has_no_rows(rows: Any) -> None:
    assert sales_order(ORDER | {"SODETAILList": rows}).lines == ()
    assert sales_order({"SODETAILList": [SECOND | {"DueDateList": rows}]}).lines[0].due == ()
    assert part_keys({"Uniq_Key": "K", "InvtmfHdList": rows}) == ("K", "", "")


def test_a_row_among_others_that_are_none_is_read() -> None:
    assert sales_order({"SODETAILList": [None, SECOND, "x"]}).lines == (READ_SECOND,)


def test_a_sales_order_without_anything_is_empty() -> None:
    assert sales_order({}) == SalesOrder(so_no="", customer="", po_no="", order_date=None, lines=())
    [row] = sales_order({"SODETAILList": [{}]}).lines
    assert row == LineRow(
        line_no=None, unique_ln="", uniq_key="", quantity=None, shipped=None, balance=None, status="", due=()
    )


@pytest.mark.parametrize(
    ("written", "line_no"),
    [
        ("0000002", 2),
        ("2", 2),
        (" 2 ", 2),
        (2, 2),
        (2.0, 2),
        ("0000000", 0),
        ("0" * 5000 + "2", 2),
        ("", None),
        (None, None),
        ("2A", None),
        ("1.5", None),
        (True, None),
        ("9" * 5000, None),
        ("1e999999999", None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_line_number_is_read_from_its_digits(written: Any, line_no: int | None) -> None:
    assert sales_order({"SODETAILList": [{"LINE_NO": written}]}).lines[0].line_no == line_no


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (20, Decimal(20)),
        (20.5, Decimal("20.5")),
        ("20.00", Decimal(20)),
        (" 0.00 ", Decimal(0)),
        ("-12", Decimal(-12)),
        (0, Decimal(0)),
        (None, None),
        ("", None),
        ("twenty", None),
        (True, None),
        ("1,5", None),
        ("NaN", None),
        ("sNaN", None),
        ("-Infinity", None),
        ("1e999999999", None),
        ([], None),
        ({}, None),
    ],
    ids=repr,
)
def test_a_number_is_read_exactly_or_not_at_all(written: Any, number: Decimal | None) -> None:
    [row] = sales_order({"SODETAILList": [{"ORD_QTY": written, "DueDateList": [{"QTY": written}]}]}).lines

    assert row.quantity == row.due[0].quantity == number
    assert price_row({"PRICE": written}).amount == number


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2013-11-28T00:00:00", date(2013, 11, 28)),
        ("2013-11-28T15:30:00", date(2013, 11, 28)),
        ("2013-11-28T23:59:59.997Z", date(2013, 11, 28)),
        ("2013-11-28", date(2013, 11, 28)),
        (" 2013-11-28T00:00:00 ", date(2013, 11, 28)),
        ("0001-01-01T00:00:00", date(1, 1, 1)),
        (None, None),
        ("", None),
        ("null", None),
        ("2013-02-30T00:00:00", None),
        ("11/28/2013", None),
        ("11-28-2013", None),
        ("/Date(1385596800000)/", None),
        ([], None),
    ],
    ids=repr,
)
def test_a_date_is_read_without_its_time_or_not_at_all(written: Any, day: date | None) -> None:
    found = sales_order({"ORDERDATE": written, "SODETAILList": [{"DueDateList": [{"DUE_DTS1": written}]}]})

    assert found.order_date == found.lines[0].due[0].due == day


@pytest.mark.parametrize(
    ("quantity", "balance", "finished"), [(20, 0, True), (20, 10, False), (20, None, False), (0, 0, False)]
)
def test_a_line_is_finished_when_nothing_of_it_is_left(quantity: int, balance: int | None, finished: bool) -> None:
    [row] = sales_order({"SODETAILList": [SECOND | {"ORD_QTY": quantity, "BALANCE": balance}]}).lines

    assert row.finished is finished


# ---------------------------------------------------------------- an item, a price, a part


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ({"UNIQUELN": "A6WDVN62YM"}, "A6WDVN62YM"),
        ({"UniqueLn": " A6WDVN62YM "}, "A6WDVN62YM"),
        ({"UNIQUELN": None}, ""),
        ({}, ""),
        (None, ""),
    ],
    ids=repr,
)
def test_the_key_of_an_added_line_is_taken_where_it_is_told(found: Any, key: str) -> None:
    assert unique_ln(found) == key


def test_a_line_that_was_just_added_has_nothing_shipped_and_no_due_date() -> None:
    row = new_line(3, "A6WDVN62YM", Decimal(2))

    assert (row.line_no, row.unique_ln, row.quantity, row.balance) == (3, "A6WDVN62YM", Decimal(2), Decimal(2))
    assert (row.cancelled, row.finished, row.due) == (False, False, ())


@pytest.mark.parametrize("written", [dict, as_text, padded, lower], ids=["as in the sample", "text", "blanks", "lower"])
@pytest.mark.parametrize(("flat", "is_flat"), [(True, True), (False, False), (1, True), (0, False), (None, False)])
def test_a_price_is_read_with_its_key(written: Any, flat: Any, is_flat: bool) -> None:
    found = {"PLPRICELNK": "A6WDVN630N", "SONO": "0000000785", "PRICE": 1.2, "EXTENDED": 24.0, "FLAT": flat}

    assert price_row(written(found)) == PriceRow(link="A6WDVN630N", amount=Decimal("1.2"), flat=is_flat)


@pytest.mark.parametrize(
    "written", [dict, padded, keeping_references, lower], ids=["as in the sample", "blanks", "references", "lower"]
)
def test_the_first_warehouse_that_a_part_names_is_taken(written: Any) -> None:
    heads = [{"InvtmfGrList": []}, {"InvtmfGrList": [{"W_Key": None}, {"W_Key": "W1"}]}, {"InvtmfGrList": None}]
    found = {"Uniq_Key": "_1EP0Q018E", "Part_No": "X", "U_Of_Meas": "EACH", "InvtmfHdList": heads}

    assert part_keys(written(found)) == ("_1EP0Q018E", "EACH", "W1")


# ---------------------------------------------------------------- the envelope


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        '"Code"',
        "{}",
        '{"Code": 200}',
        '{"Message": "x"}',
        "<html/>",
        "{'Code': 200}",
        "[" * 9**6,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_envelope_is_none(text: str) -> None:
    assert envelope(reply(text)) is None


@pytest.mark.parametrize(
    ("valid", "is_valid"),
    [(True, True), (False, False), ("true", True), ("false", False), (" False ", False), (None, True)],
    ids=repr,
)
def test_a_user_is_refused_only_by_the_word_false(valid: Any, is_valid: bool) -> None:
    found = envelope(reply(json.dumps({"Code": 403, "Message": "x", "IsValidUser": valid})))

    assert found is not None
    assert found.valid_user is is_valid


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"Message": "$$M", "MessageDetail": "D"}', "M D"),
        ('{"Message": " M "}', "M"),
        ('{"Message": null, "MessageDetail": "D"}', "D"),
        ('{"Message": {"a": [1]}}', "{'a': [1]}"),
        ("<h1>Bad\r\n\tGateway</h1>", "<h1>Bad Gateway</h1>"),
        ("[" * 9**6, "[" * 300),
        ("", ""),
        (json.dumps({"Message": "x" * 400}), "x" * 300),
    ],
    ids=lambda value: value[:20],
)
def test_the_words_of_whoever_answered_are_quoted_within_bounds(text: str, words: str) -> None:
    assert said(reply(text)) == words


NAMES = sorted(
    {*ORDER, *SECOND, *DUE, "PLPRICELNK", "PRICE", "FLAT", "Uniq_Key", "InvtmfHdList", "InvtmfGrList", "W_Key"}
)
GARBAGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["NaN", "1e9999999", "²", "٣"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*NAMES, "$values"]) | st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), GARBAGE))
def test_no_garbage_makes_reading_fail(found: dict[str, Any]) -> None:
    for row in sales_order(found).lines:
        assert isinstance(row.unique_ln + row.uniq_key + row.status, str)
        assert row.line_no is None or isinstance(row.line_no, int)
        assert all(number is None or number.is_finite() for number in (row.quantity, row.shipped, row.balance))
    assert isinstance(price_row(found).link + unique_ln(found) + "".join(part_keys(found)), str)


@given(st.dictionaries(st.sampled_from(["Code", "Message", "IsValidUser", "ResponseObject", "MessageDetail"]), GARBAGE))
def test_no_garbage_makes_an_envelope_fail(body: dict[str, Any]) -> None:
    answer = reply(json.dumps(body))

    found = envelope(answer)

    assert (found is not None) is ({"Code", "Message"} <= body.keys())
    assert len(said(answer)) <= 300
