"""Sale orders at the Enapps stand-in, and what becomes of them (contracts/enapps.md sections 6 to 8)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.enapps_calls import DISCOUNTED, HARBOUR, MINA, SHIPPING, body, call, get, held, order, product, refused
from tests.sandboxed import Sandboxed

# ------------------------------------------------------------------ POST /orders (section 6)

FORMS = ("json", "urlencoded", "multipart")


def as_form(sent: dict[str, Any], way: str) -> dict[str, Any]:
    if way == "json":
        return {"json": sent}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()}
    return {"data": texts} if way == "urlencoded" else {"files": {name: (None, one) for name, one in texts.items()}}


@pytest.mark.parametrize("way", FORMS)
def test_one_call_makes_order_lines_and_address(sandbox: Sandboxed, way: str) -> None:
    sent = body(sandbox, shipping_details=SHIPPING)
    answer = call(sandbox, "POST", "orders", **as_form(sent, way))
    assert (answer.status_code, answer.json()) == (200, {"id": 90211, "name": "SO90211"})
    assert sandbox.get("counts")["enapps"] == {"SHOP-1": 1}
    (kept,) = held(sandbox)
    lines = kept.pop("lines")
    assert abs(datetime.fromisoformat(kept.pop("created") + "+00:00").timestamp() - time.time()) < 60
    assert kept == {
        "id": 90211,
        "name": "SO90211",
        "client_order_ref": "SHOP-1",
        "state": "draft",
        "cancelled": False,
        "contact": MINA,
        "partner": HARBOUR,
        "shop": 1,
        "currency": "GBP",
        "amount_untaxed": "31.50",
        "amount_tax": "6.30",
        "amount_total": "37.80",
        "delivery_address": 9001,
        "shipping_details": SHIPPING,
    }
    assert [(line["default_code"], line["qty"], line["price"], line["subtotal"]) for line in lines] == [
        ("MUG-BLUE", 2, "11.50", "23.00"),
        ("CARRIAGE", 1, "8.50", "8.50"),
    ]
    (address,) = get(sandbox, "addresses", _id=9001)
    assert (address["street"], address["city"], address["country_id"]) == ("Övningsgatan 1", "Malmö", [198, "Sweden"])


def test_without_shipping_details_the_contacts_address_is_taken(sandbox: Sandboxed) -> None:
    order(sandbox)
    assert held(sandbox)[0]["delivery_address"] == 4410
    order(sandbox, "SHOP-2", partner_order_id=962)
    assert get(sandbox, "orders", partner_id=61244)[0]["delivery_address_id"] is False


def test_every_order_brings_another_address(sandbox: Sandboxed) -> None:
    for reference in ("SHOP-1", "SHOP-2"):
        order(sandbox, reference, shipping_details=SHIPPING)
    assert [row["id"] for row in get(sandbox, "addresses", partner_id=HARBOUR)] == [4410, 9001, 9002]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no contact": ({"partner_order_id": None}, "partner_order_id is required"),
    "unknown contact": ({"partner_order_id": 1}, "partner_order_id 1 is no contact"),
    "a partner for a contact": ({"partner_order_id": HARBOUR}, "partner_order_id 61239 is no contact"),
    "a pair as on output": ({"partner_order_id": [MINA, "Mina"]}, "partner_order_id must be an integer"),
    "a contact as text": ({"partner_order_id": "953"}, "partner_order_id must be an integer"),
    "no shop": ({"shop_id": None}, "shop_id is required"),
    "unknown shop": ({"shop_id": 2}, "shop_id 2 is no shop"),
    "true for a shop": ({"shop_id": True}, "shop_id must be an integer"),
    "no reference": ({"client_order_ref": None}, "client_order_ref is required"),
    "empty reference": ({"client_order_ref": ""}, "client_order_ref is required"),
    "a number for a reference": ({"client_order_ref": 7}, "client_order_ref must be a text"),
    "no lines": ({"products": None}, "products is required"),
    "empty lines": ({"products": []}, "products is required"),
    "lines as text in JSON": ({"products": "[]"}, "products must be an array"),
    "a line as text": ({"products": ["x"]}, "products[0]: must be an object"),
    "shipping as text": ({"shipping_details": "x"}, "shipping_details must be an object"),
    "shipping with a number": ({"shipping_details": {"postcode": 3}}, "shipping_details: postcode must be a text"),
    "country in full": (
        {"shipping_details": {"country": "Sweden"}},
        "shipping_details: country must be a code of two letters",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_order_is_400_and_nothing_is_kept(sandbox: Sandboxed, name: str) -> None:
    changes, text = WRONG[name]
    refused(call(sandbox, "POST", "orders", json=body(sandbox, **changes)), text)
    assert sandbox.get("orders")["enapps"] == {}
    assert len(get(sandbox, "addresses")) == 7


WHOLE = "products[0]: qty must be a whole number of at least 1"
WRONG_LINES: dict[str, tuple[str, dict[str, Any], str]] = {
    "no product": ("MUG-BLUE", {"product_id": None}, "products[0]: product_id is required"),
    "unknown product": ("MUG-BLUE", {"product_id": 5}, "products[0]: product_id 5 is no product"),
    "a SKU": ("MUG-BLUE", {"product_id": "MUG-BLUE"}, "products[0]: product_id must be an integer"),
    "no quantity": ("MUG-BLUE", {"qty": None}, WHOLE),
    "a fraction": ("MUG-BLUE", {"qty": 1.5}, WHOLE),
    "a whole number with a point": ("MUG-BLUE", {"qty": 2.0}, WHOLE),
    "a quantity as text": ("MUG-BLUE", {"qty": "2"}, WHOLE),
    "zero": ("MUG-BLUE", {"qty": 0}, WHOLE),
    "another price": ("MUG-BLUE", {"price_unit": 11.49}, "price_unit does not match the pricelist"),
    "the price of one": ("BOLT-8", {"qty": 100, "price_unit": 0.32}, "price_unit does not match the pricelist"),
    "a price as text": ("MUG-BLUE", {"price_unit": "11.50"}, "products[0]: price_unit must be a number"),
    "no variant": ("PLATE-STEEL", {}, "products[0]: parameter FINISHING is required"),
    "a name in another case": (
        "PLATE-STEEL",
        {"parameters": [{"Finishing": "MATT"}]},
        "products[0]: parameter FINISHING is required",
    ),
    "an option that is not": (
        "PLATE-STEEL",
        {"parameters": [{"FINISHING": "matt"}]},
        "products[0]: parameter FINISHING has no option matt",
    ),
    "parameters where there are none": (
        "MUG-BLUE",
        {"parameters": [{"FINISHING": "MATT"}]},
        "products[0]: there is no parameter FINISHING",
    ),
    "one object as in get_detail": (
        "PLATE-STEEL",
        {"parameters": {"FINISHING": "MATT"}},
        "products[0]: parameters must be an array of objects",
    ),
    "two options in one object": (
        "PLATE-STEEL",
        {"parameters": [{"FINISHING": "MATT", "SIZE": "L"}]},
        "products[0]: parameters must be an array of objects with one option each",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_LINES)
def test_a_wrong_line_is_400_and_says_which(sandbox: Sandboxed, name: str) -> None:
    sku, changes, text = WRONG_LINES[name]
    line = {"product_id": product(sandbox, sku), "qty": 1, **changes}
    sent = body(sandbox, products=[{key: value for key, value in line.items() if value is not None}])
    refused(call(sandbox, "POST", "orders", json=sent), text)
    assert sandbox.get("counts")["enapps"] == {}


@pytest.mark.parametrize(("contact", "price"), [(MINA, 11.5), (DISCOUNTED, 10.35)])
def test_a_price_that_is_sent_must_be_that_of_the_contacts_company(
    sandbox: Sandboxed, contact: int, price: float
) -> None:
    other = {11.5: 10.35, 10.35: 11.5}[price]
    line = {"product_id": product(sandbox), "qty": 1}
    wrong = body(sandbox, partner_order_id=contact, products=[{**line, "price_unit": other}])
    refused(call(sandbox, "POST", "orders", json=wrong), "price_unit does not match the pricelist")
    order(sandbox, partner_order_id=contact, products=[{**line, "price_unit": price}])
    (kept,) = held(sandbox)
    assert (kept["lines"][0]["price"], kept["lines"][0]["price_sent"]) == (f"{price:.2f}", True)


def test_a_variant_is_named_by_one_key_objects(sandbox: Sandboxed) -> None:
    line = {"product_id": product(sandbox, "PLATE-STEEL"), "qty": 1, "parameters": [{"FINISHING": "GLOSS"}]}
    order(sandbox, products=[line])
    (kept,) = held(sandbox)[0]["lines"]
    assert (kept["price"], kept["parameters"]) == ("33.50", {"FINISHING": "GLOSS"})


BAD_BODIES = {
    "no JSON": (b"{", "application/json", "the body is no JSON"),
    "nothing": (b"", "application/json", "the body is no JSON"),
    "an array": (b"[]", "application/json", "The body must be an object"),
    "NaN": (b'{"shop_id":NaN}', "application/json", "the body is no JSON"),
    "deep": (b"[" * 100_000, "application/json", "the body is no JSON"),
    "not UTF-8": (b'{"a":"\xff"}', "application/json", "The body is no UTF-8"),
    "half a surrogate pair": (b'{"client_order_ref":"\\ud83d"}', "application/json", "The body is no UTF-8"),
    "text": (b"x", "text/plain", "The body must be JSON or a form"),
    "multipart without boundary": (b"x", "multipart/form-data", "The form cannot be read"),
    "multipart cut off": (b"--x\r\n\r\n", "multipart/form-data; boundary=x", "The form cannot be read"),
    "lines that are no JSON": (
        b"partner_order_id=953&shop_id=1&client_order_ref=1&products=[",
        "application/x-www-form-urlencoded",
        "products is no JSON",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_cannot_be_read_is_400(sandbox: Sandboxed, name: str) -> None:
    content, media_type, text = BAD_BODIES[name]
    refused(call(sandbox, "POST", "orders", content=content, headers={"content-type": media_type}), text)


def test_a_reference_may_come_twice_unless_it_is_refused(sandbox: Sandboxed) -> None:
    assert order(sandbox) != order(sandbox)
    assert sandbox.get("counts")["enapps"] == {"SHOP-1": 2}
    sandbox.switch("enapps", refuse_duplicates=True)
    refused(call(sandbox, "POST", "orders", json=body(sandbox)), "client_order_ref SHOP-1 is already used")
    assert sandbox.get("counts")["enapps"] == {"SHOP-1": 2}


def test_the_reply_may_be_the_whole_order_or_nothing(sandbox: Sandboxed) -> None:
    replies = {}
    for kind in ("full", "empty", "blank"):
        sandbox.switch("enapps", reply=kind)
        answer = call(sandbox, "POST", "orders", json=body(sandbox, kind))
        assert answer.status_code == 200
        replies[kind] = answer.text
    assert json.loads(replies["full"]) == get(sandbox, "orders", _id=90211)[0]
    assert (replies["empty"], replies["blank"]) == ("{}", "")
    assert sandbox.get("counts")["enapps"] == {"full": 1, "empty": 1, "blank": 1}


# ------------------------------------------------------------------ reading orders (section 7)


def test_an_order_is_read_in_the_shape_of_section_7(sandbox: Sandboxed) -> None:
    number = order(sandbox)
    (row,) = get(sandbox, "orders", _id=number)
    created = datetime.fromisoformat(row["create_date"])
    assert abs(created.replace(tzinfo=UTC).timestamp() - time.time()) < 60
    lines = row["order_line"]
    assert row == {
        "id": number,
        "name": f"SO{number}",
        "client_order_ref": "SHOP-1",
        "delivery_address_id": 4410,
        "state": "draft",
        "amount_total": 37.8,
        "amount_tax": 6.3,
        "amount_untaxed": 31.5,
        "date_order": created.date().isoformat(),
        "partner_id": [HARBOUR, "Harbour Prints Ltd"],
        "shop_id": [1, "Web"],
        "partner_shipping_id": [MINA, "Mina Okafor"],
        "partner_order_id": [MINA, "Mina Okafor"],
        "create_date": row["create_date"],
        "order_line": [77101, 77102],
        "currency": "GBP",
    }
    assert get(sandbox, "order_lines", order_id=number)[0] == {
        "id": lines[0],
        "order_id": number,
        "product_id": product(sandbox),
        "qty": 2,
        "price_unit": 11.5,
        "price_subtotal": 23,
    }


def test_orders_are_filtered_by_partner_and_time_and_by_nothing_else(sandbox: Sandboxed) -> None:
    first, second = order(sandbox), order(sandbox, "SHOP-2", partner_order_id=954)
    assert [row["id"] for row in get(sandbox, "orders", partner_id=HARBOUR)] == [first]
    assert get(sandbox, "orders", partner_id=MINA) == []
    created = get(sandbox, "orders", _id=first)[0]["create_date"]
    later = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    assert [row["id"] for row in get(sandbox, "orders", create_date=created)] == [first, second]
    assert get(sandbox, "orders", create_date=later) == []
    ignored = {"client_order_ref": "SHOP-2", "state": "done", "write_date": later}
    assert [row["id"] for row in get(sandbox, "orders", **ignored)] == [first, second]
    sandbox.switch("enapps", newest_first=True)
    assert [row["id"] for row in get(sandbox, "orders")] == [second, first]


def test_times_may_be_of_another_zone_shown_and_asked_for(sandbox: Sandboxed) -> None:
    number = order(sandbox)
    utc = datetime.fromisoformat(get(sandbox, "orders", _id=number)[0]["create_date"])
    sandbox.switch("enapps", utc_offset_h=5.5)
    (row,) = get(sandbox, "orders", create_date=(utc + timedelta(hours=5.5)).isoformat(" "))
    assert datetime.fromisoformat(row["create_date"]) - utc == timedelta(hours=5.5)
    assert get(sandbox, "orders", create_date=(utc + timedelta(hours=5.5, seconds=1)).isoformat(" ")) == []


def test_people_move_orders_on_and_a_cancelled_one_no_longer_counts(sandbox: Sandboxed) -> None:
    numbers = [order(sandbox), order(sandbox), order(sandbox, "SHOP-2")]
    sandbox.switch("enapps", states={f"SO{numbers[0]}": "cancel", "SHOP-1": "done", "SHOP-2": "cancel"})
    assert [row["state"] for row in get(sandbox, "orders")] == ["cancel", "done", "cancel"]
    assert sandbox.get("counts")["enapps"] == {"SHOP-1": 1, "SHOP-2": 0}
    assert [one["cancelled"] for one in held(sandbox)] == [True, False]


# ------------------------------------------------------------------ deliveries and invoices (section 8)


def pickings(sandbox: Sandboxed, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(sandbox, "stock_pickings", partner_id=HARBOUR, **params)
    return found


def moves(sandbox: Sandboxed, picking: int) -> list[tuple[int, int, str]]:
    rows = get(sandbox, "stock_moves", picking_id=picking)
    assert all(row.keys() == {"id", "picking_id", "product_id", "qty", "state"} for row in rows)
    return [(row["product_id"], row["qty"], row["state"]) for row in rows]


def test_a_part_of_an_order_leaves_and_the_rest_is_a_back_order(sandbox: Sandboxed) -> None:
    number, other = order(sandbox), order(sandbox, "SHOP-2")
    mug, carriage = product(sandbox), product(sandbox, "CARRIAGE")
    (open_,) = pickings(sandbox, order_id=number)
    assert moves(sandbox, open_["id"]) == [(mug, 2, "confirmed"), (carriage, 1, "confirmed")]
    sandbox.switch("enapps", shipped={"SHOP-1": {"MUG-BLUE": 1}}, tracking={"SHOP-1": "DPD 1550, by the door"})
    done, rest = pickings(sandbox, order_id=number)
    day = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    assert done == {
        "id": number * 10 + 1,
        "name": f"OUT{number}",
        "delivery_note_ref": "DPD 1550, by the door",
        "delivery_date": day,
        "state": "done",
        "move_lines": [number * 1000 + 101],
    }
    assert (rest["name"], rest["state"], rest["delivery_note_ref"]) == (f"OUT{number}/2", "confirmed", False)
    assert moves(sandbox, done["id"]) == [(mug, 1, "done")]
    assert moves(sandbox, rest["id"]) == [(mug, 1, "confirmed"), (carriage, 1, "confirmed")]
    assert [line["shipped"] for line in held(sandbox)[0]["lines"]] == [1, 0]
    sandbox.switch("enapps", shipped={"SHOP-1": True}, states={"SHOP-2": "cancel"})
    assert [row["state"] for row in pickings(sandbox)] == ["done", "cancel"]
    assert [row["id"] for row in pickings(sandbox, order_id=other)] == [other * 10 + 1]
    assert get(sandbox, "stock_pickings", partner_id=61240) == []


def test_a_partner_may_not_be_required_after_all(sandbox: Sandboxed) -> None:
    number = order(sandbox)
    sandbox.switch("enapps", partner_required=False)
    assert len(get(sandbox, "stock_pickings", order_id=number)) == 1
    assert get(sandbox, "invoices") == []


def test_an_invoice_is_paid_or_unpaid(sandbox: Sandboxed) -> None:
    number = order(sandbox)
    assert get(sandbox, "invoices", partner_id=HARBOUR) == []
    sandbox.switch("enapps", invoiced={"SHOP-1": "unpaid"})
    today = datetime.now(UTC).date()
    (row,) = get(sandbox, "invoices", partner_id=HARBOUR, invoice_date=(today - timedelta(days=1)).isoformat())
    assert row == {
        "id": 40_000 + number,
        "number": f"INV{40_000 + number}",
        "partner_id": HARBOUR,
        "address_invoice_id": 4410,
        "payment_term": "30 days",
        "reference": "SHOP-1",
        "currency": "GBP",
        "invoice_date": row["invoice_date"],
        "due_date": (datetime.fromisoformat(row["invoice_date"]).date() + timedelta(days=30)).isoformat(),
        "state": "unpaid",
        "total_net": 31.5,
        "total_gross": 37.8,
        "amount_tax": 6.3,
    }
    tomorrow = (today + timedelta(days=1)).isoformat()
    assert get(sandbox, "invoices", partner_id=HARBOUR, invoice_date=tomorrow) == []
