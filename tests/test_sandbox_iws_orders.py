"""The IWS stand-in's orders: made, refused, read, and worked on by the people at the ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.iws_calls import (
    BASE,
    CODE,
    LINE,
    ORDER,
    SHIP,
    advance,
    attributes,
    call,
    held,
    order,
    read,
    refused,
)
from tests.sandboxed import Sandboxed

# ------------------------------------------------------------------ a new order (section 6)


def test_the_contracts_example_comes_out_to_the_penny(sandbox: Sandboxed) -> None:
    answer = call(sandbox, "POST", "salesorder", json=ORDER).json()
    assert (answer["data"]["type"], answer["data"]["id"], answer["links"]) == ("salesorder", "SO-000001", {})
    wanted = {
        "salesOrderCode": "SO-000001",
        "billToCode": CODE,
        "poCode": "SHOP-10045",
        "salesRepOrderCode": "router-7f3a",
        "salesOrderDate": "2026-02-03T09:15:00",
        "cancelDate": "2079-06-05T00:00:00",
        "type": "Sales Order",
        "orderStatus": "Open",
        "isProcessed": False,
        "isVoided": False,
        "subTotal": 19,
        "freight": 4.95,
        "freightTax": 0.99,
        "tax": 4.79,
        "total": 28.74,
        "totalRate": 28.74,
        "currencyCode": "GBP",
        "shipToName": "Mina Okafor",
        "userCreated": "API",
        "couponDiscountIncludesFreeShipping": 0,
    }
    assert answer["data"]["attributes"].items() >= wanted.items()


def test_names_are_taken_in_any_letter_case_and_null_is_left_out(sandbox: Sandboxed) -> None:
    body = {
        "CUSTOMERCODE": CODE.lower(),
        "POCode": "P1",
        "Notes": None,
        "Items": [{"ItemName": "TEE", "ITEMQUANTITY": "1.5", "netItemPrice": 4}],
    }
    made = call(sandbox, "POST", "salesorder", json=body).json()["data"]["attributes"]
    assert (made["billToCode"], made["poCode"], made["subTotal"]) == (CODE, "P1", 6)
    assert not {"notes", "salesRepOrderCode", "webSiteCode", "shipToCounty"} & made.keys()


@pytest.mark.parametrize(
    ("changes", "amounts"),
    [
        ({"items": [{**LINE, "itemQuantity": 3, "itemUnitPrice": 0.335}]}, ("1.01", "4.95", "0.00", "1.19", "7.15")),
        ({"otherAmount": 1}, ("19.00", "4.95", "1.00", "4.79", "29.74")),
        ({"freightAmount": None}, ("19.00", "0.00", "0.00", "3.80", "22.80")),
        ({"items": [{**LINE, "netItemPrice": 9}]}, ("18.00", "4.95", "0.00", "4.59", "27.54")),
        ({"items": [{"itemName": "A", "itemQuantity": 2}]}, ("20.00", "4.95", "0.00", "4.99", "29.94")),
        ({"items": [LINE, LINE]}, ("38.00", "4.95", "0.00", "8.59", "51.54")),
    ],
    ids=["half a penny", "other charge", "no freight", "net price wins", "list price", "two lines"],
)
def test_the_total_is_lines_freight_other_and_a_tax_that_has_the_freights_in_it(
    sandbox: Sandboxed, changes: dict[str, Any], amounts: tuple[str, ...]
) -> None:
    order(sandbox, **changes)
    (kept,) = held(sandbox)
    assert tuple(kept[name] for name in ("subTotal", "freight", "other", "tax", "total")) == amounts
    assert Decimal(kept["total"]) == sum(Decimal(amount) for amount in amounts[:-1])


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"customerCode": None}, "Customer code is required."),
        ({"customerCode": "HARBOUR"}, "Customer 'HARBOUR' does not exist."),
        ({"items": []}, "The sales order has no items."),
        ({"items": [{"itemCode": "ITEM-1", "itemQuantity": 1}]}, "Item name is required."),
        ({"items": [LINE, {**LINE, "itemName": "unknown-1"}]}, "Item 'unknown-1' does not exist."),
        ({"items": [{**LINE, "itemQuantity": 0}]}, "The quantity of item 'MUG-11OZ-BLU' must be more than zero."),
        ({"shipAddress": {**SHIP, "country": "GB"}}, "Country 'GB' does not exist."),
        ({"billToAddress": {"billToCountry": "USA"}}, "Country 'USA' does not exist."),
        ({"sourceCode": "Shopify"}, "Source 'Shopify' does not exist."),
        ({"warehouseCode": "SOUTH"}, "Warehouse 'SOUTH' does not exist."),
    ],
)
@pytest.mark.parametrize("status", [400, 500])
def test_whatever_breaks_a_rule_is_400_or_500_and_makes_nothing(
    sandbox: Sandboxed, changes: dict[str, Any], title: str, status: int
) -> None:
    sandbox.switch("iws", refused_status=status)
    body = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    refused(call(sandbox, "POST", "salesorder", json=body), title, status)
    assert sandbox.get("counts")["iws"] == {}


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (b"{", "The request is invalid."),
        (b"[]", "The request is invalid."),
        (b'{"notes":"\\ud83c"}', "The request is invalid."),
        (b'{"freightAmount":NaN}', "The request is invalid."),
        (b'{"customerCode":"CUST-1","items":{}}', "The value of items cannot be read."),
        (b'{"customerCode":"CUST-1","items":[{"itemQuantity":"two"}]}', "The value of items[0].itemQuantity"),
        (b'{"customerCode":"CUST-1","items":[{}],"salesOrderDate":"soon"}', "The value of salesOrderDate"),
        (b'{"customerCode":"CUST-1","items":[{}],"shipAddress":"here"}', "The value of shipAddress"),
    ],
)
def test_what_cannot_be_read_is_400(sandbox: Sandboxed, content: bytes, title: str) -> None:
    sandbox.switch("iws", refused_status=500)
    answer = call(sandbox, "POST", "salesorder", content=content, headers={"content-type": "application/json"})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["status"]) == (400, "400")
    assert error["title"].startswith(title)
    assert error["title"].endswith(" [sandbox]")


def test_a_body_that_is_no_json_by_its_type_is_415(sandbox: Sandboxed) -> None:
    answer = call(sandbox, "POST", "salesorder", content=b"<SalesOrderInput/>", headers={"content-type": "text/xml"})
    assert answer.status_code == 415


def test_equal_po_codes_are_as_welcome_as_the_first(sandbox: Sandboxed) -> None:
    assert [order(sandbox)["salesOrderCode"] for _ in range(2)] == ["SO-000001", "SO-000002"]
    assert sandbox.get("counts")["iws"] == {"SHOP-10045": 2}


@pytest.mark.parametrize(
    ("where", "has_id", "has_code"),
    [("both", True, True), ("id", True, False), ("attribute", False, True), ("neither", False, False)],
)
def test_where_a_new_order_has_its_code_is_a_switch(
    sandbox: Sandboxed, where: str, has_id: bool, has_code: bool
) -> None:
    sandbox.switch("iws", order_reply=where)
    data = call(sandbox, "POST", "salesorder", json=ORDER).json()["data"]
    assert ("id" in data, "salesOrderCode" in data["attributes"]) == (has_id, has_code)


def test_a_customer_on_credit_hold_needs_an_approval(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", credit_hold=[CODE])
    refused(call(sandbox, "POST", "salesorder", json=ORDER), f"Customer '{CODE}' is on credit hold.")
    assert read(sandbox, "customer", customercode=CODE)["data"]["attributes"]["isCreditHold"] is True
    order(sandbox, isApprovedCreditHold=True)
    order(sandbox, customerCode="CUST-000102")


def test_a_quote_has_a_number_of_its_own(sandbox: Sandboxed) -> None:
    made = order(sandbox, isQuote=True)
    assert (made["salesOrderCode"], made["type"]) == ("QU-000001", "Quote")
    assert order(sandbox)["salesOrderCode"] == "SO-000001"


@pytest.mark.parametrize("prefix", ["shipTo", "billTo", ""])
def test_an_address_may_be_spelt_either_way(sandbox: Sandboxed, prefix: str) -> None:
    names = ("Name", "Address", "City", "PostalCode", "County", "Country")
    given = {f"{prefix}{name}" if prefix else name[0].lower() + name[1:]: f"{name} 1" for name in names}
    order(sandbox, shipAddress={**given, "nonsense": 1})
    assert held(sandbox)[0]["shipAddress"] == {name[0].lower() + name[1:]: f"{name} 1" for name in names}


def test_custom_fields_stay_as_they_came(sandbox: Sandboxed) -> None:
    fields = [{"field": "Gift_C", "value": {"Text": "x", "n": 1.5}}, {"field": "Rush_C", "value": True}]
    made = order(sandbox, customFields=fields, items=[{**LINE, "customFields": fields[1:]}])
    assert made["customFields"] == fields
    assert attributes(sandbox, "salesorder/SO-000001/detail")[0]["customFields"] == fields[1:]


# ------------------------------------------------------------------ salesorder/advance (section 6.2)


def test_an_unknown_address_makes_a_customer_and_the_next_order_finds_it(sandbox: Sandboxed) -> None:
    codes = [advance(sandbox, email)["billToCode"] for email in ("mina@example.test", "ada@example.test")]
    again = advance(sandbox, "MINA@example.TEST")["billToCode"]
    assert codes == ["CUST-000001", "CUST-000002"]
    assert again == "CUST-000001"
    customer = read(sandbox, "customer", customercode="CUST-000001")["data"]["attributes"]
    assert (customer["customerName"], customer["email"]) == ("Mina Okafor", "mina@example.test")
    assert [row["via"] for row in held(sandbox)] == ["advance"] * 3


def test_a_customer_whom_staff_made_is_found_by_address(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", customers={"cust-000700": "Ada@Example.test"})
    assert advance(sandbox, "ada@example.test")["billToCode"] == "CUST-000700"
    assert advance(sandbox, "other@example.test")["billToCode"] == "CUST-000002"
    refused(call(sandbox, "POST", "salesorder", json=ORDER), f"Customer '{CODE}' does not exist.")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (ORDER, "Email is required."),
        ({**ORDER, "email": "mina"}, "Email is not valid."),
        ({**ORDER, "email": "m@x.test", "shipAddress": None}, "An address is required for a new customer."),
    ],
)
def test_advance_refuses_what_makes_no_customer(sandbox: Sandboxed, body: dict[str, Any], title: str) -> None:
    sandbox.switch("iws", advance_needs_address=True)
    refused(call(sandbox, "POST", "salesorder/advance", json=body), title)
    refused(call(sandbox, "GET", "customer"), "Customers not found.", 404)


# ------------------------------------------------------------------ reading orders (section 6.6)


def test_an_order_is_listed_at_its_customer_and_read_by_its_code(sandbox: Sandboxed) -> None:
    order(sandbox)
    order(sandbox, poCode=None)
    order(sandbox, customerCode="CUST-000102")
    body = read(sandbox, "Customer/SalesOrder", CustomerCode=CODE.lower())
    assert [(row["type"], row["id"]) for row in body["data"]] == [
        ("customersalesorder", "SO-000002"),
        ("customersalesorder", "SO-000001"),
    ]
    assert "poCode" not in body["data"][0]["attributes"]
    single = read(sandbox, "salesorder/so-000001")
    assert single["data"]["attributes"] == body["data"][1]["attributes"]
    assert (single["data"]["type"], single["links"]) == ("salesorder", {})


def test_lines_have_the_item_code_and_not_the_name(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", items={"mug-11oz-blu": "ITEM-000615"})
    order(sandbox, items=[LINE, {**LINE, "itemName": "TEE", "itemDescription": "T-shirt", "itemUnitPrice": 3}])
    body = read(sandbox, "salesorder/SO-000001/detail")["data"]
    assert [(row["type"], row["id"]) for row in body] == [("salesorderdetail", "41"), ("salesorderdetail", "42")]
    first, second = (row["attributes"] for row in body)
    wanted = {"itemCode": "ITEM-000615", "lineNum": 1, "quantityOrdered": 2, "netPrice": 9.5, "extPrice": 19}
    assert first.items() >= wanted.items()
    assert (second["itemDescription"], second["lineNum"]) == ("T-shirt", 2)
    assert "itemName" not in first.keys() | second.keys()
    assert read(sandbox, f"inventory/{second['itemCode']}")["data"]["attributes"]["itemName"] == "TEE"


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("salesorder/SO-000009", "Sales order not found."),
        ("salesorder/SO-000009/detail", "Sales order not found."),
        ("customer?customercode=NOBODY", "Customer not found."),
        ("customer/salesorder?customercode=CUST-000102", "Sales orders not found."),
        ("customer/invoice?customercode=CUST-000101", "Invoices not found."),
        ("inventory/MUG-11OZ-BLU", "Item not found."),
        ("changelog/CustomerInvoice?from=2026-01-01", "Change log not found."),
        ("changelog/Customer?from=2019-01-01&to=2019-01-02", "Change log not found."),
    ],
)
def test_nothing_is_404_with_errors(sandbox: Sandboxed, path: str, title: str) -> None:
    order(sandbox)
    refused(call(sandbox, "GET", path), title, 404)


def test_an_empty_list_may_be_404_without_a_body_or_200(sandbox: Sandboxed) -> None:
    path = "changelog/Customer?from=2019-01-01&to=2019-01-02"
    sandbox.switch("iws", empty_404="empty-body")
    answer = call(sandbox, "GET", path)
    assert (answer.status_code, answer.content) == (404, b"")
    sandbox.switch("iws", empty_404="200")
    assert read(sandbox, path) == {"data": [], "links": {"self": f"{sandbox.url}{BASE}/{path}"}}


# ------------------------------------------------------------------ the people at the ERP


def test_an_invoice_completes_the_order_and_names_it(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("iws", invoiced={"SO-000001": "INV-000007"}, tracking={"INV-000007": "JD0002"})
    (invoice,) = read(sandbox, "customer/invoice", customercode=CODE)["data"]
    assert (invoice["type"], invoice["id"]) == ("customerinvoice", "INV-000007")
    wanted = {
        "sourceInvoiceCode": "SO-000001",
        "orderStatus": "Close",
        "isPosted": True,
        "total": 28.74,
        "poCode": "SHOP-10045",
        "couponDiscountIncludesFreeShipping": False,
        "customFields": [{"field": "TrackingNumber_C", "value": "JD0002"}],
    }
    assert invoice["attributes"].items() >= wanted.items()
    assert "rootOrderCode" not in invoice["attributes"]
    shown = read(sandbox, "salesorder/SO-000001")["data"]["attributes"]
    assert (shown["orderStatus"], shown["isPaid"], shown["balance"]) == ("Completed", False, 28.74)
    (line,) = attributes(sandbox, "salesorder/SO-000001/detail")
    assert (line["quantityShipped"], line["isConverted"]) == (0, True)


def test_an_invoice_may_name_its_order_as_the_root_only(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("iws", invoiced={"SO-000001": "INV-000007"}, invoice_names="root")
    (invoice,) = attributes(sandbox, "customer/invoice", customercode=CODE)
    assert (invoice["sourceInvoiceCode"], invoice["rootDocumentCode"]) == ("", "SO-000001")
    assert invoice["rootOrderCode"] == "SO-000001"


def test_voiding_is_a_flag_and_leaves_the_status_open(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("iws", voided=["SO-000001"])
    shown = read(sandbox, "salesorder/SO-000001")["data"]["attributes"]
    assert (shown["isVoided"], shown["orderStatus"], shown["userModified"]) == (True, "Open", "Admin")
    assert sandbox.get("counts")["iws"] == {"SHOP-10045": 0}
    assert len(held(sandbox)) == 1
    sandbox.switch("iws", voided=[])
    assert sandbox.get("counts")["iws"] == {"SHOP-10045": 1}


def test_an_order_may_be_completed_and_on_hold_and_its_reference_written_over(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", completed=["SO-000001"], on_hold=["SO-000001"], rep_codes={"SO-000001": "call back, Friday"})
    order(sandbox)
    (shown,) = attributes(sandbox, "customer/salesorder", customercode=CODE)
    assert (shown["orderStatus"], shown["isOnHold"]) == ("Completed", True)
    assert (shown["salesRepOrderCode"], shown["poCode"]) == ("call back, Friday", "SHOP-10045")
    assert call(sandbox, "GET", f"customer/invoice?customercode={CODE}").status_code == 404
