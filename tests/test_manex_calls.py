"""The calls of controller SO as they go out: verbs, forms, and the field names of both editions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schemas.http import Call
from schemas.manex import ACTIONS, ManexDestination, Part
from schemas.manex.calls import Calls, Resolved
from schemas.manex.desired import Desired, Item, Price
from schemas.manex.reply import DueRow
from tests.manex_wire import CUSTOMER, destination

SO_NO, KEY = "W000000007", "A6WDVN62YM"
MUG = Part(part_no="MUG-11OZ", revision="A")
LINE = Item(line_no=3, part=MUG, description="Mug", quantity=Decimal("2.50"), price=Price(Decimal("39.950")))
BARE = Resolved()
FOUND = Resolved(uniq_key="_1LR0NALBN", unit="PAIR", w_key="_WH1")
ROW = DueRow(key="DUE0000001", due=date(2026, 12, 4), ship=date(2026, 12, 3), quantity=Decimal(2))
ORDER = Desired(
    so_no=SO_NO,
    customer=CUSTOMER,
    po_no="1001",
    order_date=date(2026, 11, 20),
    due=date(2026, 12, 4),
    ship=date(2026, 12, 3),
    note="Ring twice",
    items=(LINE,),
    gone=(),
)
HEADER = {"SoNo": SO_NO, "custNo": CUSTOMER, "PoNo": "1001", "orderDate": "2026-11-20"}
PART = {"part_num": "MUG-11OZ", "part_no": "MUG-11OZ", "revision": "A"}
ADDED = {"SoNo": SO_NO, "line_no": "3", **PART, "ord_qty": "2.50", "soDet_Desc": "Mug"}
OF_LINE = {"SoNo": SO_NO, "UNIQUELN": KEY}
PRICED = {"SoNo": SO_NO, "uniqueLn": KEY, "price": "39.950"}


def site(**changes: Any) -> ManexDestination:
    """A destination without fields of its own."""
    plain: dict[str, Any] = {"line_fields": {}, "price_fields": {}, "item_master": True}
    return destination(**{**plain, **changes})


def all_calls(calls: Calls) -> dict[str, Call]:
    """Each action once, with the fewest fields."""
    return {
        "Get": calls.get(SO_NO),
        "Add": calls.add(ORDER),
        "Edit": calls.edit(ORDER),
        "ItemADD": calls.item_add(SO_NO, LINE, BARE),
        "ItemEdit": calls.item_edit(SO_NO, KEY, LINE, BARE),
        "PriceGet": calls.price_get(KEY),
        "PriceAdd": calls.price_add(SO_NO, KEY, LINE.price),
        "PriceEdit": calls.price_edit(SO_NO, KEY, "PL00000001", LINE.price),
        "DueDateAdd": calls.due_add(SO_NO, KEY, ORDER, LINE.quantity),
        "DueDateEdit": calls.due_edit(SO_NO, KEY, ROW),
    }


FIELDS: dict[str, dict[str, str]] = {
    "Get": {"SoNo": SO_NO},
    "Add": {**HEADER, "SONote": "Ring twice"},
    "Edit": HEADER,
    "ItemADD": {**ADDED, "status": "Standard"},
    "ItemEdit": {**OF_LINE, **PART, "ord_qty": "2.50"},
    "PriceGet": {"uniqueLn": KEY},
    "PriceAdd": PRICED,
    "PriceEdit": {**PRICED, "flat": "0", "PLPRICELNK": "PL00000001"},
    "DueDateAdd": {"SoNo": SO_NO, "uniqueLn": KEY, "Due_DTS1": "2026-12-04", "Ship_Dts": "2026-12-03", "Qty": "2.50"},
    "DueDateEdit": {
        **OF_LINE,
        "dueDt_Uniq": "DUE0000001",
        "Due_DTS1": "2026-12-04",
        "Due_DTS": "2026-12-04",
        "Ship_Dts": "2026-12-03",
        "Qty": "2",
    },
}


@pytest.mark.parametrize("action", ACTIONS)
def test_reads_are_queries_and_writes_are_json_by_default(action: str) -> None:
    fields = FIELDS[action]
    call = all_calls(Calls(site()))[action]
    if action.endswith("Get"):
        assert call == Call("GET", f"API/SO/{action}", params=tuple(fields.items()))
    else:
        assert call == Call("POST", f"API/SO/{action}", body=fields)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE"])
def test_each_action_goes_out_as_the_site_wants_it(action: str, verb: str) -> None:
    query = all_calls(Calls(site(actions={action: {"verb": verb, "form": "query"}})))
    body = all_calls(Calls(site(actions={action: {"verb": verb, "form": "json"}})))
    assert (query[action].method, dict(query[action].params), query[action].body) == (verb, FIELDS[action], None)
    assert (body[action].method, body[action].params, body[action].body) == (verb, (), FIELDS[action])
    others = {name: call for name, call in all_calls(Calls(site())).items() if name != action}
    assert {name: call for name, call in query.items() if name != action} == others


def test_the_fields_of_the_site_go_out_as_text_with_those_of_the_order() -> None:
    calls = Calls(
        site(
            fields={"FOB": "ORIGIN-SHIP", "POAck": True, "SOAMTDSCT": 2.5},
            line_fields={"uOfMeas": "EACH", "deliv_time": "3:00", "trans_days": 2},
            price_fields={"saleTypeID": "OTHER", "taxable": False},
        )
    )
    made = all_calls(calls)
    assert made["Add"].body == {**FIELDS["Add"], "FOB": "ORIGIN-SHIP", "POAck": "1", "SOAMTDSCT": "2.5"}
    lines = {"uOfMeas": "EACH", "deliv_time": "3:00", "trans_days": "2"}
    assert made["ItemADD"].body == {**FIELDS["ItemADD"], **lines}
    for action in ("PriceAdd", "PriceEdit"):
        assert made[action].body == {**FIELDS[action], "saleTypeID": "OTHER", "taxable": "0"}
    for action in ("Edit", "ItemEdit", "DueDateAdd", "DueDateEdit"):  # what is there keeps what it has
        assert made[action].body == FIELDS[action]


@pytest.mark.parametrize("name", ["status", "Status", "STATUS"])
def test_the_status_of_the_site_replaces_ours_in_any_letter_case(name: str) -> None:
    calls = Calls(site(line_fields={name: "Priority-1"}))
    assert calls.item_add(SO_NO, LINE, BARE).body == {**ADDED, name: "Priority-1"}
    assert calls.item_edit(SO_NO, KEY, LINE, BARE).body == FIELDS["ItemEdit"]
    reopened = calls.item_edit(SO_NO, KEY, LINE, BARE, reopen=True).body
    assert reopened == {**FIELDS["ItemEdit"], "status": "Priority-1"}


def test_a_line_that_is_wanted_after_all_gets_the_status_standard_where_the_site_names_none() -> None:
    body = Calls(site()).item_edit(SO_NO, KEY, LINE, BARE, reopen=True).body
    assert body == {**FIELDS["ItemEdit"], "status": "Standard"}


def test_a_note_of_the_site_replaces_that_of_the_order() -> None:
    assert Calls(site(fields={"sonote": "By Crossdock"})).add(ORDER).body == {**HEADER, "sonote": "By Crossdock"}


def test_what_the_item_master_knows_goes_out_with_the_line() -> None:
    calls = Calls(site())
    keys = {"uniq_key": "_1LR0NALBN", "uOfMeas": "PAIR", "w_key": "_WH1"}
    assert calls.item_add(SO_NO, LINE, FOUND).body == {**FIELDS["ItemADD"], **keys}
    assert calls.item_edit(SO_NO, KEY, LINE, FOUND).body == {**FIELDS["ItemEdit"], "uniq_key": "_1LR0NALBN"}
    fixed = Calls(site(line_fields={"UOFMEAS": "EACH", "W_KEY": "_WH2"}))
    assert fixed.item_add(SO_NO, LINE, FOUND).body == {
        **FIELDS["ItemADD"],
        "uniq_key": "_1LR0NALBN",
        "UOFMEAS": "EACH",
        "W_KEY": "_WH2",
    }


@pytest.mark.parametrize("revision", ["A", ""])
def test_the_item_master_is_asked_by_part_and_revision_with_the_key_in_the_query(revision: str) -> None:
    call = Calls(site()).item_master(Part(part_no="MUG", revision=revision))
    params = (("partnum", "MUG"), ("revision", revision))
    assert call == Call("GET", "API/ItemMaster/Get", params=params, key_param="apiKey")


def test_a_line_that_is_not_wanted_any_more_gets_the_status_cancel() -> None:
    call = Calls(site()).item_cancel(SO_NO, KEY, "_1LR0NALBN")
    fields = {**OF_LINE, "uniq_key": "_1LR0NALBN", "status": "Cancel"}
    assert call == Call("POST", "API/SO/ItemEdit", body=fields)


def test_a_flat_price_says_so_and_a_unit_price_takes_it_back() -> None:
    calls, flat = Calls(site()), Price(Decimal("10.00"), flat=True)
    assert calls.price_add(SO_NO, KEY, flat).body == {**PRICED, "price": "10.00", "flat": "1"}
    edited = {**PRICED, "price": "10.00", "flat": "1", "PLPRICELNK": "PL00000001"}
    assert calls.price_edit(SO_NO, KEY, "PL00000001", flat).body == edited


def test_numbers_go_out_without_an_exponent() -> None:
    body = Calls(site()).price_add(SO_NO, KEY, Price(Decimal("1E-8"))).body
    assert body == {**PRICED, "price": "0.00000001"}
    assert Calls(site()).due_add(SO_NO, KEY, ORDER, Decimal("1E+3")).body == {**FIELDS["DueDateAdd"], "Qty": "1000"}


@pytest.mark.parametrize(
    ("date_format", "ordered", "due", "ship"),
    [
        ("YYYY-MM-DD", "2026-11-20", "2026-12-04", "2026-12-03"),
        ("MM-DD-YYYY", "11-20-2026", "12-04-2026", "12-03-2026"),
    ],
)
def test_all_dates_go_out_in_the_format_of_the_site(date_format: str, ordered: str, due: str, ship: str) -> None:
    made = all_calls(Calls(site(date_format=date_format)))
    dates = {
        name: [value for field, value in _body(call).items() if "date" in field.lower() or "dts" in field.lower()]
        for name, call in made.items()
    }
    assert {name: found for name, found in dates.items() if found} == {
        "Add": [ordered],
        "Edit": [ordered],
        "DueDateAdd": [due, ship],
        "DueDateEdit": [due, due, ship],
    }


def test_of_a_due_date_only_what_is_known_goes_out() -> None:
    call = Calls(site()).due_edit(SO_NO, KEY, DueRow(key="DUE0000001", due=None, ship=None, quantity=None))
    assert call.body == {**OF_LINE, "dueDt_Uniq": "DUE0000001"}


def _body(call: Call) -> dict[str, Any]:
    return call.body if isinstance(call.body, dict) else {}
