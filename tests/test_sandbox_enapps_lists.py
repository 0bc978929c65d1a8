"""Lists, copies and goods of the Enapps stand-in (contracts/enapps.md sections 3 to 5), and the ERP's people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.enapps_calls import (
    HARBOUR,
    MINA,
    body,
    call,
    get,
    order,
    product,
    refused,
)
from tests.sandboxed import Sandboxed

# ------------------------------------------------------------------ lists (sections 3 and 4)


def test_partners_contacts_and_addresses_come_in_the_shapes_of_section_4(sandbox: Sandboxed) -> None:
    assert get(sandbox, "partners", _id=HARBOUR) == [
        {
            "id": HARBOUR,
            "ref": "HARB01",
            "name": "Harbour Prints Ltd",
            "crm_type": "customer",
            "write_date": "2026-01-20 10:02:11",
            "create_date": "2025-11-02 08:30:00",
        }
    ]
    assert get(sandbox, "contacts", _id=MINA) == [
        {
            "id": MINA,
            "partner_id": HARBOUR,
            "first_name": "Mina",
            "last_name": "Okafor",
            "email": "mina@example.test",
            "res_adresses_id": 4410,
            "type": "primary",
            "crm_type": "customer",
            "create_date": "2025-11-02 08:30:00",
            "write_date": "2026-01-20 10:02:11",
        }
    ]
    assert get(sandbox, "addresses", _id=4410) == [
        {
            "id": 4410,
            "partner_id": HARBOUR,
            "type": "Default",
            "street": "14 Quay Street",
            "street2": "",
            "city": "Bristol",
            "zip": "BS1 4XX",
            "country_id": [235, "United Kingdom"],
        }
    ]


FILTERS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("partners", {"crm_type": "prospect"}, [61243]),
    ("partners", {"ref": "NORTH2"}, [61242]),
    ("partners", {"ref": "north2"}, []),
    ("partners", {"_id": 1}, []),
    ("partners", {"id": HARBOUR, "ref": "HARB01"}, [HARBOUR]),
    ("partners", {"write_date": "2026-01-20 10:02:12"}, []),
    ("contacts", {"email": "mina@example.test"}, [MINA]),
    ("contacts", {"email": "MINA@example.test"}, []),
    ("contacts", {"email": "desmond.wren@example.org"}, [954, 955]),
    ("contacts", {"email": "buying@example.test"}, [956, 957]),
    ("contacts", {"partner_id": 61241}, [956, 958]),
    ("contacts", {"partner_id": MINA}, []),
    ("addresses", {"partner_id": 61242}, [4413]),
    ("addresses", {"write_date": "2099-01-01 00:00:00", "partner_id": 61242}, [4413]),
]


@pytest.mark.parametrize("name", ["query", "multipart body"])
@pytest.mark.parametrize(("path", "params", "ids"), FILTERS)
def test_filters_are_taken_from_the_query_and_from_a_multipart_body(
    sandbox: Sandboxed, path: str, params: dict[str, Any], ids: list[int], name: str
) -> None:
    named = {key: str(value) for key, value in params.items()}
    sent: dict[str, Any] = {"params": named}
    if name == "multipart body":
        sent = {"files": {key: (None, value) for key, value in named.items()}}
    answer = call(sandbox, "GET", path, **sent)
    assert [row["id"] for row in answer.json()] == ids


def test_one_email_has_a_primary_and_another_contact_and_one_has_two_primaries(sandbox: Sandboxed) -> None:
    def types(email: str) -> list[tuple[str, int]]:
        return [(row["type"], row["partner_id"]) for row in get(sandbox, "contacts", email=email)]

    assert types("desmond.wren@example.org") == [("primary", 61240), ("contact", 61239)]
    assert types("buying@example.test") == [("primary", 61241), ("primary", 61242)]


BAD_PARAMETERS = [
    ("partners", {"_id": "x"}, "_id must be an integer"),
    ("partners", {"page": "1.5"}, "page must be an integer"),
    ("partners", {"write_date": "2026-01-20"}, "write_date must look like %Y-%m-%d %H:%M:%S"),
    ("contacts", {"create_date": "2026-01-20T10:00:00Z"}, "create_date must look like %Y-%m-%d %H:%M:%S"),
    ("orders", {"create_date": "20 January"}, "create_date must look like %Y-%m-%d %H:%M:%S"),
    ("orders", {"partner_id": "HARB01"}, "partner_id must be an integer"),
    ("invoices", {"partner_id": "1", "invoice_date": "2026-1-2"}, "invoice_date must look like %Y-%m-%d"),
    ("invoices", {}, "partner_id is required"),
    ("stock_pickings", {}, "partner_id is required"),
    ("stock_moves", {}, "picking_id is required"),
    ("order_lines", {}, "order_id is required"),
    ("partners", {"additional_fields": "x_rating"}, "additional_fields: x_rating is not set up"),
]


@pytest.mark.parametrize(("path", "params", "text"), BAD_PARAMETERS)
def test_a_parameter_that_cannot_be_read_is_400(
    sandbox: Sandboxed, path: str, params: dict[str, str], text: str
) -> None:
    order(sandbox)
    refused(call(sandbox, "GET", path, params=params), text)


def test_an_unknown_id_is_an_empty_list_or_404(sandbox: Sandboxed) -> None:
    assert get(sandbox, "orders", _id=5) == []
    sandbox.switch("enapps", unknown_id="404")
    refused(call(sandbox, "GET", "orders", params={"_id": 5}), "There is no record with id 5", 404)
    refused(call(sandbox, "GET", "products/get_detail", params={"product_id": 5}), "There is no record with id 5", 404)
    assert get(sandbox, "orders", partner_id=5) == []


@pytest.mark.parametrize("name", ["data", "results"])
def test_lists_may_come_in_an_envelope(sandbox: Sandboxed, name: str) -> None:
    sandbox.switch("enapps", envelope=name)
    found = get(sandbox, "contacts", _id=MINA)
    assert found.keys() == {name}
    assert [row["id"] for row in found[name]] == [MINA]


@pytest.mark.parametrize(("empty", "shown"), [("false", False), ("null", None), ("missing", "nothing")])
def test_an_empty_relation_comes_in_three_ways(sandbox: Sandboxed, empty: str, shown: object) -> None:
    sandbox.switch("enapps", empty=empty)
    (row,) = get(sandbox, "contacts", _id=962)
    assert (row.get("email", "nothing"), row.get("res_adresses_id", "nothing")) == (shown, shown)


def pages(sandbox: Sandboxed, path: str, numbers: range, **params: Any) -> list[list[int]]:
    return [[row["id"] for row in get(sandbox, path, page=number, **params)] for number in numbers]


def test_pages_are_counted_from_one_or_from_zero(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", page_sizes={"partners": 3})
    whole = [61239, 61240, 61241, 61242, 61243, 61244, 61250]
    assert pages(sandbox, "partners", range(5)) == [whole[:3], whole[:3], whole[3:6], whole[6:], []]
    sandbox.switch("enapps", first_page=0)
    assert pages(sandbox, "partners", range(4)) == [whole[:3], whole[3:6], whole[6:], []]
    assert [row["id"] for row in get(sandbox, "partners")] == whole[:3]


def test_the_last_page_may_come_again_and_again(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", page_sizes={"partners": 4}, past_end="last")
    assert pages(sandbox, "partners", range(2, 5)) == [[61243, 61244, 61250]] * 3


def test_the_catalogue_is_cut_at_1000_and_orders_at_100(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", products={f"X-{number}": {} for number in range(1100)})
    assert [len(page) for page in pages(sandbox, "products/get_basic", range(1, 4))] == [1000, 140, 0]
    sent = body(sandbox, products=[{"product_id": product(sandbox, "TEA-EARL"), "qty": 1}])
    for number in range(101):
        call(sandbox, "POST", "orders", json={**sent, "client_order_ref": f"S-{number}"}).raise_for_status()
    assert [len(page) for page in pages(sandbox, "orders", range(1, 4))] == [100, 1, 0]


def test_a_customers_own_user_sees_and_orders_for_nobody_else(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("enapps", user_partner=61240)
    for path, ids in (("partners", [61240]), ("contacts", [954]), ("addresses", [4411]), ("orders", [])):
        assert [row["id"] for row in get(sandbox, path)] == ids
    answer = call(sandbox, "POST", "orders", json=body(sandbox))
    refused(answer, "You are not permitted to see or order for this customer", 403)
    assert order(sandbox, "SHOP-2", partner_order_id=954)


def test_additional_fields_come_only_where_they_were_agreed_and_are_asked_for(sandbox: Sandboxed) -> None:
    agreed = {"partners": {"x_rating": {"type": "char"}, "x_none": {"type": "char"}}}
    sandbox.switch("enapps", additional_fields=agreed, partners={HARBOUR: {"x_rating": "A"}})
    assert get(sandbox, "additional_fields") == agreed
    assert "x_rating" not in get(sandbox, "partners", _id=HARBOUR)[0]
    for asked in ("x_rating,x_none", '["x_rating", "x_none"]'):
        (row,) = get(sandbox, "partners", _id=HARBOUR, additional_fields=asked)
        assert (row["x_rating"], row["x_none"]) == ("A", False)


# ------------------------------------------------------------------ the ERP's people


def test_a_changed_partner_is_found_by_its_write_date(sandbox: Sandboxed) -> None:
    before = (datetime.now(UTC) - timedelta(seconds=2)).strftime("%Y-%m-%d %H:%M:%S")
    assert get(sandbox, "partners", write_date=before) == []
    sandbox.switch("enapps", partners={HARBOUR: {"name": "Harbour Prints & Sons"}, 7: {"name": "New"}, 61250: None})
    rows = {row["id"]: row for row in get(sandbox, "partners", write_date=before)}
    assert {number: row["name"] for number, row in rows.items()} == {HARBOUR: "Harbour Prints & Sons", 7: "New"}
    assert (rows[HARBOUR]["ref"], rows[HARBOUR]["create_date"]) == ("HARB01", "2025-11-02 08:30:00")
    assert rows[7]["create_date"] == rows[7]["write_date"] > before
    assert get(sandbox, "partners", _id=61250) == []


def test_changes_add_up_and_a_reset_takes_them_back(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", contacts={MINA: {"email": "m@example.test"}})
    sandbox.switch("enapps", contacts={954: {"email": None}}, products={"NEW-1": {"id": 4, "list_price": "3.00"}})
    assert get(sandbox, "contacts", _id=MINA)[0]["email"] == "m@example.test"
    assert get(sandbox, "contacts", _id=954)[0]["email"] is False
    assert product(sandbox, "NEW-1") == 4
    sandbox.reset()
    assert get(sandbox, "contacts", _id=MINA)[0]["email"] == "mina@example.test"


@pytest.mark.parametrize(
    "change",
    [
        {"partners": {"1": {"ref": "X"}}},
        {"partners": {"x": {"name": "X"}}},
        {"contacts": {"1": {"first_name": "X"}}},
        {"products": {"A": {"price": 1}}},
        {"products": {"A": {"id": 7}, "B": {"id": 7}}},
        {"products": ["A"]},
        {"page_sizes": {"partner": 1}},
        {"additional_fields": {"partner": {}}},
    ],
)
def test_a_wrong_record_is_refused_and_changes_nothing(sandbox: Sandboxed, change: dict[str, Any]) -> None:
    before = sandbox.get("settings")
    assert sandbox.http.post("/_sandbox/settings", json={"system": "enapps", **change}).status_code == 400
    assert sandbox.get("settings") == before


# ------------------------------------------------------------------ goods (section 5)


def test_the_catalogue_has_list_prices_and_skus_as_text(sandbox: Sandboxed) -> None:
    rows = {row["default_code"]: row for row in get(sandbox, "products/get_basic")}
    assert rows.keys() >= {"MUG-BLUE", "MUG-ÖL", "BOLT-8", "CARRIAGE", "FREIGHT", "100200"}
    mug = rows["MUG-BLUE"]
    assert mug == {
        "id": mug["id"],
        "default_code": "MUG-BLUE",
        "name": "Mug, blue",
        "family_id": [1, "All products"],
        "list_price": 11.5,
        "parameter_ids": {},
        "web_category_ids": [["Kitchen", 3]],
        "currency": "GBP",
    }
    assert rows["PLATE-STEEL"]["parameter_ids"] == {"FINISHING": ["MATT", "GLOSS", "DBZW"]}
    assert len({row["id"] for row in rows.values()}) == len(rows) == 40


def test_a_product_has_the_same_id_in_every_run(sandbox: Sandboxed) -> None:
    assert product(sandbox) == 1_880_928_495


def test_both_spellings_of_the_path_are_answered(sandbox: Sandboxed) -> None:
    assert get(sandbox, "product/get_basic") == get(sandbox, "products/get_basic")


def test_a_sku_of_digits_may_come_as_a_number(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", numeric_codes=True, products={"000250": {}})
    codes = [row["default_code"] for row in get(sandbox, "products/get_basic")]
    assert 100200 in codes
    assert "000250" in codes


def test_get_full_has_price_and_stock_of_the_partner_without_breaks(sandbox: Sandboxed) -> None:
    mug, bolt = product(sandbox), product(sandbox, "BOLT-8")
    rows = get(sandbox, "products/get_full", product_ids=f"{mug},{bolt},5", partner_id=61240)
    found = [(row["id"], row["list_price"], row["price"], row["qty_available"]) for row in rows]
    assert found == [(mug, 11.5, 10.35, 140), (bolt, 0.32, 0.29, 12500)]
    assert get(sandbox, "products/get_full", product_ids=mug)[0]["price"] == 11.5


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({}, "product_ids is required"),
        ({"product_ids": ",".join(map(str, range(11)))}, "product_ids may hold 10 products at most"),
        ({"product_ids": "MUG-BLUE"}, "product_ids must be integers"),
        ({"product_ids": "1", "partner_id": MINA}, "partner_id 953 is no partner"),
    ],
    ids=["none", "eleven", "a SKU", "a contact for a partner"],
)
def test_get_full_refuses(sandbox: Sandboxed, params: dict[str, Any], text: str) -> None:
    refused(call(sandbox, "GET", "products/get_full", params=params), text)


DETAILS: list[tuple[str, dict[str, Any], float]] = [
    ("MUG-BLUE", {}, 11.5),
    ("MUG-BLUE", {"partner_id": 61240}, 10.35),
    ("BOLT-8", {"qty": 99}, 0.32),
    ("BOLT-8", {"qty": 100}, 0.28),
    ("BOLT-8", {"qty": 5000, "partner_id": 61240}, 0.22),
    ("PLATE-STEEL", {"parameters": '{"FINISHING":"DBZW"}'}, 35),
    ("PLATE-STEEL", {"parameters": '{"FINISHING":"GLOSS"}', "partner_id": 61240}, 30.15),
]


@pytest.mark.parametrize(("sku", "params", "price"), DETAILS)
def test_get_detail_knows_quantity_variant_and_partner(
    sandbox: Sandboxed, sku: str, params: dict[str, Any], price: float
) -> None:
    number = product(sandbox, sku)
    detail = get(sandbox, "products/get_detail", product_id=number, **params)
    assert detail.keys() == {"id", "default_code", "price_unit", "qty", "qty_available", "currency"}
    assert (detail["id"], detail["default_code"], detail["price_unit"]) == (number, sku, price)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"partner_id": MINA}, "partner_id 953 is no partner"),
        ({"qty": "1.5"}, "qty must be an integer"),
        ({"qty": "0"}, "qty must be a whole number of at least 1"),
        ({"parameters": '{"Finishing":"MATT"}'}, "there is no parameter Finishing"),
        ({"parameters": '[{"FINISHING":"MATT"}]'}, "parameters must be an object of texts"),
        ({"parameters": "MATT"}, "parameters is no JSON"),
        ({"product_id": ""}, "product_id is required"),
    ],
)
def test_get_detail_refuses(sandbox: Sandboxed, params: dict[str, Any], text: str) -> None:
    sent = {"product_id": product(sandbox, "PLATE-STEEL"), **params}
    refused(call(sandbox, "GET", "products/get_detail", params=sent), text)
