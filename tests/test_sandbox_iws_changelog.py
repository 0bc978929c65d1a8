"""The IWS stand-in's changelog, with the traps of contracts/iws.md section 9."""

from __future__ import annotations

import pytest

from tests.iws_calls import (
    BASE,
    advance,
    attributes,
    call,
    changes,
    held,
    order,
    pages,
    read,
    refused,
)
from tests.sandboxed import Sandboxed

# ------------------------------------------------------------------ changelog (section 9)


def test_our_own_writes_come_back_with_several_updates(sandbox: Sandboxed) -> None:
    advance(sandbox)
    insert, update = ("INSERT", "SO-000001", "API"), ("UPDATE", "SO-000001", "API")
    assert changes(sandbox, "CustomerSalesOrder") == [insert, update, update]
    assert changes(sandbox, "customersalesorderworkflow") == [insert]
    customer = ("CUST-000001", "API")
    assert changes(sandbox, "Customer") == [("INSERT", *customer), ("UPDATE", *customer), ("UPDATE", *customer)]
    assert changes(sandbox, "CRMContact") == [("INSERT", "CCTC-000001", "API")]
    (item,) = attributes(sandbox, "inventory")
    assert changes(sandbox, "InventoryItem")[0] == ("INSERT", item["itemCode"], "Admin")


def test_what_staff_do_is_in_the_changelog(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("iws", invoiced={"SO-000001": "INV-000001"}, stock={"MUG-11OZ-BLU": 12})
    sandbox.switch("iws", voided=["SO-000001"], stock={"MUG-11OZ-BLU": 11}, tracking={"INV-000001": "JD1"})
    sandbox.switch("iws", invoiced={}, stock={})
    invoice = [("INSERT", "INV-000001", "Admin"), *[("UPDATE", "INV-000001", "Admin")] * 2]
    assert changes(sandbox, "CustomerInvoice") == [*invoice, ("DELETE", "INV-000001", "Admin")]
    sales = changes(sandbox, "CustomerSalesOrder")
    assert sales[3:] == [("UPDATE", "SO-000001", "Admin")] * 6
    (item,) = attributes(sandbox, "inventory")
    levels = changes(sandbox, "InventoryStockTotal")
    assert levels == [(action, item["itemCode"], "Admin") for action in ("INSERT", "UPDATE", "DELETE")]
    assert call(sandbox, "GET", "changelog/InventoryKit?from=2020-01-01").status_code == 404


def test_a_switch_that_changes_nothing_leaves_no_row(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("iws", voided=["SO-000001"], touched={"SO-000001": 1}, broken_codes={"Customer": "CUST-"})
    before = changes(sandbox, "CustomerSalesOrder"), changes(sandbox, "Customer")
    sandbox.switch("iws", voided=["SO-000001"], latency_s=0)
    assert (changes(sandbox, "CustomerSalesOrder"), changes(sandbox, "Customer")) == before


def test_a_second_has_its_rows_in_descending_id_and_seconds_ascend(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", clock="2026-02-03T09:15:02.310Z")
    order(sandbox)
    sandbox.switch("iws", clock="2026-02-03T09:15:03.999Z")
    sandbox.switch("iws", touched={"SO-000001": 20})
    found = [
        row
        for page in pages(sandbox, f"{BASE}/changelog/CustomerSalesOrder?from=2026-02-03&to=2026-02-04")
        for row in page["data"]
    ]
    times = [row["attributes"]["dateCreated"] for row in found]
    assert times == ["2026-02-03T09:15:02"] * 3 + ["2026-02-03T09:15:03"] * 20
    ids = [int(row["id"]) for row in found]
    assert ids[:3] == sorted(ids[:3], reverse=True)
    assert ids[3:] == sorted(ids[3:], reverse=True)
    assert ids[3] > ids[0]
    first = found[2]
    assert (first["type"], first["attributes"]["data"]) == ("changelog", "SO-000001")
    newest = read(sandbox, "changelog/CustomerSalesOrder", **{"from": "2026-02-03", "sort": "-dateCreated"})["data"]
    assert newest[0]["attributes"]["dateCreated"] == "2026-02-03T09:15:03"


@pytest.mark.parametrize(
    ("begin", "end", "bounds", "rows"),
    [
        ("2026-07-03T10:15:02", "2026-07-03T10:15:02", "inclusive", 3),
        ("2026-07-03T10:15:02", "2026-07-03T10:15:03", "exclusive", 0),
        ("2026-07-03T10:15:01", "2026-07-03T10:15:03", "exclusive", 3),
        ("2026-7-3", "2026-07-3T23:59:59", "inclusive", 3),
        ("2026-07-03T09:15:02Z", "2026-07-03T11:15:02+02:00", "inclusive", 3),
        ("2026-07-03T09:15:03Z", "2026-07-03T12:15:02+0100", "inclusive", 0),
        ("2026-07-04", "", "inclusive", 0),
    ],
)
def test_a_window_is_of_local_time(sandbox: Sandboxed, begin: str, end: str, bounds: str, rows: int) -> None:
    sandbox.switch("iws", clock="2026-07-03T09:15:02.5Z", bounds=bounds, empty_404="200")
    order(sandbox)
    window = {"from": begin, "to": end} if end else {"from": begin}
    assert len(read(sandbox, "changelog/CustomerSalesOrder", **window)["data"]) == rows
    assert held(sandbox)


@pytest.mark.parametrize("path", ["changelog/CustomerSalesOrder?from=yesterday", "changelog/Weather?from=2026-01-01"])
def test_a_window_that_cannot_be_read_is_400(sandbox: Sandboxed, path: str) -> None:
    assert call(sandbox, "GET", path).status_code == 400


def test_an_hour_of_autumn_comes_twice(sandbox: Sandboxed) -> None:
    for moment in ("2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z"):
        sandbox.switch("iws", clock=moment)
        made = order(sandbox)
        assert made["dateCreated"] == f"2026-10-25T01:{moment[14:16]}:00"
    rows = read(sandbox, "changelog/CustomerSalesOrderWorkflow", **{"from": "2026-10-25"})["data"]
    assert [row["attributes"]["data"] for row in rows] == ["SO-000002", "SO-000001"]


def test_a_row_may_be_seen_late(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", clock="2026-02-03T09:15:00Z", changelog_lag_s=30)
    order(sandbox)
    path = "changelog/CustomerSalesOrder?from=2026-02-03"
    assert call(sandbox, "GET", path).status_code == 404
    sandbox.switch("iws", clock="2026-02-03T09:15:30Z")
    assert len(read(sandbox, path)["data"]) == 3


def test_a_code_may_be_broken(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", broken_codes={"InventoryItem": "ITEM-"})
    assert changes(sandbox, "InventoryItem") == [("UPDATE", "ITEM-", "Admin")]
    refused(call(sandbox, "GET", "inventory/ITEM-"), "Item not found.", 404)


def test_data_may_be_the_record_as_the_page_says(sandbox: Sandboxed) -> None:
    advance(sandbox)
    sandbox.switch("iws", data="object", invoiced={"SO-000001": "INV-000001"}, stock={"MUG-11OZ-BLU": 1})
    sandbox.switch("iws", invoiced={})
    rows = changes(sandbox, "CustomerSalesOrder")
    inserted, updated = rows[0][1], rows[1][1]
    assert (inserted["salesOrderCode"], inserted["poCode"]) == ("SO-000001", "SHOP-10045")
    assert updated["old"]["salesOrderCode"] == updated["new"]["salesOrderCode"] == "SO-000001"
    assert changes(sandbox, "CustomerInvoice")[-1][1] == {"invoiceCode": "INV-000001"}
    names = {"Customer": "customerName", "InventoryItem": "itemName", "InventoryStockTotal": "itemCode"}
    for resource, name in names.items():
        assert changes(sandbox, resource)[0][1][name], resource


# ------------------------------------------------------------------ what staff do with invoices and orders


def test_an_invoice_whose_goods_have_not_left_and_a_voided_one_say_so_and_leave_a_change(sandbox: Sandboxed) -> None:
    code = order(sandbox)["salesOrderCode"]
    sandbox.switch("iws", invoiced={code: "INV-000001"}, undispatched=["INV-000001"])
    before = len(changes(sandbox, "CustomerInvoice"))
    [waiting] = attributes(sandbox, "customer/invoice", customercode="CUST-000101")
    assert (waiting["isDispatch"], waiting["isDeliveryNotePrinted"], waiting["isVoided"]) == (False, False, False)

    sandbox.switch("iws", undispatched=[], voided=["INV-000001"])
    [gone] = attributes(sandbox, "customer/invoice", customercode="CUST-000101")
    assert (gone["isDispatch"], gone["isVoided"]) == (True, True)
    assert changes(sandbox, "CustomerInvoice")[before:] == [("UPDATE", "INV-000001", "Admin")]


def test_a_deleted_order_is_nowhere_but_in_the_changelog(sandbox: Sandboxed) -> None:
    code = order(sandbox)["salesOrderCode"]
    sandbox.switch("iws", deleted=[code])

    refused(call(sandbox, "GET", f"salesorder/{code}"), "Sales order not found.", 404)
    refused(call(sandbox, "GET", f"salesorder/{code}/detail"), "Sales order not found.", 404)
    assert call(sandbox, "GET", "customer/salesorder", params={"customercode": "CUST-000101"}).status_code == 404
    assert changes(sandbox, "CustomerSalesOrder")[-1] == ("DELETE", code, "Admin")
