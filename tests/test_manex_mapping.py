"""An order in ManEx's words: the desired sales order, and the calls that write it (contracts/manex.md 3 to 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schemas.destination import Unmappable
from schemas.goods import anything_open
from schemas.manex import Part
from schemas.manex.calls import Calls
from schemas.manex.desired import Desired, Item, Price, desired, is_ours, prepare, remarks
from schemas.manex.reply import SalesOrder
from schemas.order import Order
from tests.manex_wire import CUSTOMER, destination, line, order
from tests.wire import Shelf

SO_NO = "W000000007"
SHIPPING = [{"code": "std", "total_incl": "11.00", "tax": "1.00"}]
D = Decimal


def settled(*versions: Order, memo: Mapping[str, Any] | None = None, **section: Any) -> dict[str, Any]:
    """The memo after these versions, one after the other, as the ledger keeps it."""
    kept = dict(memo or {})
    for version in versions:
        kept = json.loads(json.dumps(prepare(version, kept, destination(**section), Shelf("7".zfill))))
    return kept


def goal(*versions: Order, number: str = "1001", **section: Any) -> Desired:
    """What is wanted of the last version."""
    memo = settled(*versions, **section)
    return desired(versions[-1], number=number, memo=memo, destination=destination(**section))


def only(wanted: Desired) -> Item:
    (item,) = wanted.items
    return item


def numbers(wanted: Desired) -> dict[str, int]:
    return {item.part.part_no: item.line_no for item in wanted.items}


def lines(*ids: int) -> Order:
    return order(lines=[line(one) for one in ids])


# ---------------------------------------------------------------- order -> sales order


def test_an_order_becomes_a_header_with_its_lines_in_the_order_of_the_shop() -> None:
    assert goal(order(2)) == Desired(
        so_no=SO_NO,
        customer=CUSTOMER,
        po_no="1001",
        order_date=date(2026, 11, 20),
        due=date(2026, 11, 25),
        ship=date(2026, 11, 24),
        note="",
        items=(
            Item(line_no=1, part=Part(part_no="PART-1"), description="Part 1", quantity=D(2), price=Price(D("39.95"))),
            Item(line_no=2, part=Part(part_no="PART-2"), description="Part 2", quantity=D(2), price=Price(D("39.95"))),
        ),
        gone=(),
    )


def test_a_line_without_a_name_is_described_by_its_sku() -> None:
    assert only(goal(order(lines=[line(name="")]))).description == "PART-1"


def test_the_part_map_gives_part_number_and_revision() -> None:
    mapped = order(lines=[line(1, sku="MUG-BLUE"), line(2, sku="TEE"), line(3, sku="CAP")])
    skus = {"MUG-BLUE": {"part_no": "MUG-11OZ", "revision": "A"}, "TEE": "TEE-M"}
    parts = [item.part for item in goal(mapped, skus=skus).items]
    assert parts == [Part(part_no="MUG-11OZ", revision="A"), Part(part_no="TEE-M"), Part(part_no="CAP")]
    assert [str(part) for part in parts] == ["MUG-11OZ revision A", "TEE-M", "CAP"]


@pytest.mark.parametrize("prefix", ["W", "SHOP", "ABCDEF"])
def test_our_number_is_prefix_and_digits_and_ten_characters_at_most(prefix: str) -> None:
    so_no = goal(order(), so_prefix=prefix).so_no
    assert so_no == prefix + "7".zfill(min(9, 10 - len(prefix)))
    assert len(so_no) == 10


def test_a_series_that_is_used_up_is_said_and_a_shorter_prefix_goes_on() -> None:
    section, longer = {"so_prefix": "ABCDEF"}, lambda _digits: "10000"
    memo = prepare(order(), {}, destination(**section), Shelf(longer))
    with pytest.raises(Unmappable) as raised:
        desired(order(), number="1001", memo=memo, destination=destination(**section))
    assert (raised.value.code, raised.value.hold) == ("series_used_up", False)
    assert raised.value.reason == "The numbers ABCDEF with 4 digits are used up."
    assert raised.value.hint == "Give [destinations.manex-us] a shorter so_prefix, then replay."
    assert prepare(order(), memo, destination(so_prefix="ABCDE"), Shelf(longer))["SoNo"] == "ABCDE10000"


def test_a_line_without_a_sku_is_held_and_named() -> None:
    with pytest.raises(Unmappable) as raised:
        goal(order(lines=[line(1), line(2, id="abc", sku=None)]))
    assert (raised.value.code, raised.value.hold) == ("no_sku", True)
    assert raised.value.reason == "No SKU: line 2 (id abc). ManEx takes a line only with a part number."
    assert "edit" in raised.value.hint


def test_a_line_without_a_sku_and_with_nothing_open_is_no_matter() -> None:
    assert [item.line_no for item in goal(order(lines=[line(1), line(2, sku=None, open_quantity="0")])).items] == [1]


# ---------------------------------------------------------------- line numbers


@pytest.mark.parametrize(
    ("later", "expected", "gone"),
    [
        (lines(1, 2, 3), {"PART-1": 1, "PART-2": 2, "PART-3": 3}, ()),
        (lines(2, 1), {"PART-1": 1, "PART-2": 2}, ()),
        (lines(3, 2), {"PART-2": 2, "PART-3": 3}, (1,)),
        (lines(3), {"PART-3": 3}, (1, 2)),
        (order(lines=[line(2, sku="OTHER")]), {"OTHER": 2}, (1,)),
        (order(2, cancelled=True), {}, (1, 2)),
    ],
    ids=["added", "reordered", "one for another", "all others", "other SKU", "cancelled"],
)
def test_a_line_keeps_its_number_over_changes(later: Order, expected: dict[str, int], gone: tuple[int, ...]) -> None:
    wanted = goal(lines(1, 2), later)
    assert (numbers(wanted), wanted.gone) == (expected, gone)


def test_a_line_that_comes_back_has_the_number_that_it_had() -> None:
    assert numbers(goal(lines(1, 2), lines(2, 3), lines(3, 1))) == {"PART-1": 1, "PART-3": 3}


def test_what_was_settled_once_stands_for_ever() -> None:
    memo = settled(order())
    later = order(number="#1002", placed_at="2026-12-24T00:00:00Z")
    again = prepare(later, memo, destination(so_prefix="X", customer="9"), Shelf(lambda _digits: "8"))
    assert again == {**memo, "named": [["1001", CUSTOMER], ["1002", "0000000009"]]}
    assert prepare(later, again, destination(so_prefix="X", customer="9"), Shelf(lambda _digits: "8")) == again
    assert memo["named"] == [["1001", CUSTOMER]]  # the one before is left as it was


# ---------------------------------------------------------------- quantities and prices


@pytest.mark.parametrize(
    ("first", "later", "quantity"),
    [
        (("5", "0"), ("5", "0"), 5),
        (("3", "2"), ("3", "2"), 3),  # two were gone before there was a sales order
        (("3", "2"), ("1", "4"), 3),  # two more were shipped out of it
        (("3", "2"), ("0", "5"), 3),
        (("5", "0"), ("3", "0"), 3),  # two were refunded
        (("5", "0"), ("1", "2"), 3),  # two refunded, two shipped
        (("5", "0"), ("4", "9"), 5),  # never more than was ordered
        (("3", "2"), ("3", "0"), 3),  # a fulfilment that was taken back
    ],
)
def test_what_was_shipped_out_of_the_sales_order_stays_in_it(
    first: tuple[str, str], later: tuple[str, str], quantity: int
) -> None:
    versions = [
        order(lines=[line(quantity="5", open_quantity=left, fulfilled_quantity=done)]) for left, done in (first, later)
    ]
    assert only(goal(*versions)).quantity == quantity


def test_a_line_with_nothing_open_gets_a_number_only_when_it_opens() -> None:
    shut, opened = line(1, open_quantity="0", fulfilled_quantity="2"), line(1, quantity="3", open_quantity="1")
    first = order(lines=[shut, line(2)])
    assert (numbers(goal(first)), goal(first).gone) == ({"PART-2": 1}, ())
    assert numbers(goal(first, order(lines=[opened, line(2)]))) == {"PART-2": 1, "PART-1": 2}
    assert not anything_open(order(lines=[shut]))
    assert anything_open(first)


def test_a_line_that_is_refunded_whole_is_gone_and_its_shipping_charge_with_it() -> None:
    refunded = order(lines=[line(open_quantity="0")], shipping=SHIPPING)
    wanted = goal(order(1, shipping=SHIPPING), refunded)
    assert (wanted.items, wanted.gone) == ((), (1, 2))


@pytest.mark.parametrize(
    ("section", "changes", "price"),
    [
        ({}, {}, "39.95"),
        ({"tax_included": False}, {}, "36.32"),
        ({}, {"quantity": "3", "total_incl": "10.00", "tax": "0"}, "3.333"),
        ({}, {"quantity": "7", "total_incl": "0.03", "tax": "0"}, "0.004"),
        ({}, {"quantity": "2", "total_incl": "0.01", "tax": "0"}, "0.005"),
        ({}, {"quantity": "0.5", "total_incl": "79.99", "tax": "0"}, "159.98"),
        ({}, {"quantity": "4", "open_quantity": "1"}, "19.98"),
        ({}, {"quantity": "2", "total_incl": "0", "tax": "0"}, "0.00"),
        ({}, {"quantity": "2", "total_incl": "-5", "tax": "0"}, "-2.50"),
        ({}, {"quantity": "5000", "total_incl": "0.03", "tax": "0"}, "0.03 flat"),
        ({"price_decimals": 6}, {"quantity": "5000", "total_incl": "0.03", "tax": "0"}, "0.000006"),
        ({"price_decimals": 2}, {"quantity": "3", "total_incl": "10.00", "tax": "0"}, "10.00 flat"),
        ({"price_decimals": 2}, {"quantity": "0.25", "total_incl": "0.01", "tax": "0"}, "0.04"),
        ({"price_decimals": 2}, {"quantity": "0.5", "total_incl": "0.005", "tax": "0"}, "0.02"),
        # 0.01 would come to 0.015: the way of rounding decides
        ({"price_decimals": 2}, {"quantity": "1.5", "total_incl": "0.02", "tax": "0"}, "0.02 flat"),
    ],
)
def test_the_unit_price_is_the_shortest_that_gives_the_total_or_the_line_is_flat(
    section: dict[str, Any], changes: dict[str, Any], price: str
) -> None:
    assert str(only(goal(order(lines=[line(**changes)]), **section)).price) == price


@pytest.mark.parametrize(
    ("currency", "total", "price"),
    [("JPY", "1000", "333.333"), ("KWD", "1.000", "0.3333"), ("USD", "1.00", "0.333"), ("JPY", "999.6", "333.333")],
)
def test_totals_are_of_the_currency_and_prices_agree_to_the_cent_at_least(
    currency: str, total: str, price: str
) -> None:
    sold = order(lines=[line(quantity="3", total_incl=total, tax="0")], currency=currency)
    assert str(only(goal(sold)).price) == price


def test_shipping_is_the_last_line_and_its_charges_are_added_up() -> None:
    charged = order(1, shipping=[*SHIPPING, {"total_incl": "2.505", "tax": "0.005"}])
    freight = goal(charged).items[-1]
    assert freight == Item(
        line_no=2, part=Part(part_no="FREIGHT"), description="Shipping", quantity=D(1), price=Price(D("13.51"))
    )
    assert goal(charged, tax_included=False).items[-1].price == Price(D("12.50"))
    assert numbers(goal(charged, order(2, shipping=SHIPPING))) == {"PART-1": 1, "FREIGHT": 2, "PART-2": 3}
    assert goal(charged, order(1)).gone == (2,)


def test_the_shipping_part_goes_through_the_part_map() -> None:
    skus = {"FREIGHT": {"part_no": "ZFRT", "revision": "1"}}
    assert goal(order(1, shipping=SHIPPING), skus=skus).items[-1].part == Part(part_no="ZFRT", revision="1")


def test_a_shipping_charge_that_is_left_out_is_told_and_takes_no_number() -> None:
    charged, without = order(1, shipping=SHIPPING), destination(shipping_sku=False)
    wanted = goal(charged, order(2, shipping=SHIPPING), shipping_sku=False)
    # A person may have entered the charge as line 3 by hand: a number that we call gone would be cancelled.
    assert (numbers(wanted), wanted.gone) == ({"PART-1": 1, "PART-2": 2}, ())
    said = ("the shipping charge of 11.00 USD was left out: shipping_sku = false",)
    assert remarks(charged, number="1001", destination=without) == said
    assert remarks(charged, number="1001", destination=destination()) == ()
    assert remarks(order(), number="1001", destination=without) == ()


@pytest.mark.parametrize("shipping", [[], [{"total_incl": "0", "tax": "0"}], [{"total_incl": "0.004", "tax": "0"}]])
def test_no_charge_is_no_line_and_needs_no_part(shipping: list[dict[str, str]]) -> None:
    assert numbers(goal(order(1, shipping=shipping), shipping_sku=None)) == {"PART-1": 1}


def test_a_charge_without_a_part_for_it_is_said() -> None:
    with pytest.raises(Unmappable) as raised:
        goal(order(1, shipping=SHIPPING), shipping_sku=None)
    assert (raised.value.code, raised.value.hold) == ("no_shipping_sku", False)
    assert raised.value.reason == "The order has a shipping charge of 11.00 USD, and manex-us has no part for it."
    assert "shipping_sku in [destinations.manex-us]" in raised.value.hint


# ---------------------------------------------------------------- header: PoNo, note, dates


@pytest.mark.parametrize(
    ("number", "po_no"),
    [
        ("1001", "1001"),
        ("US-1001", "US-1001"),
        ("A" * 20, "A" * 20),
        ("A" * 21, "A" * 20),
        ("A" * 19 + "👩‍🔧", "A" * 19),
    ],
)
def test_pono_is_the_number_cut_to_twenty_characters(number: str, po_no: str) -> None:
    assert goal(order(), number=number).po_no == po_no
    said = remarks(order(), number=number, destination=destination())
    cut = (f"PoNo was cut to {po_no}, the limit at ManEx is 20 characters",)
    assert said == (() if po_no == number else cut)


ADA = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company": "Engines Inc.",
    "address1": "1 Analytical St",
    "address2": "Floor 2",
    "city": "Reno",
    "state": "NV",
    "postcode": "89501",
    "country": "us",
    "phone": "+1 555 0100",
}
PLACE = "Ship to: Engines Inc., Ada Lovelace, 1 Analytical St, Floor 2, 89501 Reno NV, US"


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, ""),
        ({"note": "Ring twice"}, "Ring twice"),
        ({"ship_to": ADA}, PLACE),
        ({"note": "Ring twice", "ship_to": ADA}, f"Ring twice\n{PLACE}"),
        ({"ship_to": {"name": "Ada L", "city": "Reno"}}, "Ship to: Ada L, Reno"),
        ({"ship_to": {}}, ""),
    ],
    ids=["nothing", "note", "place", "both", "half a place", "empty place"],
)
def test_the_note_says_where_the_goods_go(changes: dict[str, Any], note: str) -> None:
    wanted = goal(order(**changes))
    assert wanted.note == note
    assert Calls(destination()).add(wanted).body == {
        "SoNo": SO_NO,
        "custNo": CUSTOMER,
        "PoNo": "1001",
        "orderDate": "2026-11-20",
        **({"SONote": note} if note else {}),
    }


@pytest.mark.parametrize(
    ("placed", "section", "due", "ship"),
    [
        ("2026-11-20T10:00:00Z", {}, "2026-11-25", "2026-11-24"),
        ("2026-11-20T10:00:00Z", {"lead_days": 6}, "2026-11-27", "2026-11-25"),  # Thanksgiving between
        ("2026-11-20T10:00:00Z", {"lead_days": 6, "calendar": "US-CA"}, "2026-11-30", "2026-11-25"),
        ("2026-11-20T10:00:00Z", {"lead_days": 6, "calendar": None}, "2026-11-26", "2026-11-25"),
        ("2026-11-20T10:00:00Z", {"lead_days": 6, "calendar": "DE"}, "2026-11-26", "2026-11-25"),
        ("2026-11-20T10:00:00Z", {"lead_days": 1}, "2026-11-23", "2026-11-20"),  # a Saturday
        ("2026-11-20T10:00:00Z", {"ship_days_before_due": 4}, "2026-11-25", "2026-11-19"),
        ("2026-12-24T10:00:00Z", {"lead_days": 1}, "2026-12-28", "2026-12-24"),
        ("2026-12-31T10:00:00Z", {"lead_days": 1}, "2027-01-04", "2026-12-31"),
        ("2026-11-20T23:30:00-05:00", {"calendar": None}, "2026-11-26", "2026-11-25"),  # the day in UTC
        ("2028-02-24T10:00:00Z", {"calendar": None}, "2028-02-29", "2028-02-28"),
    ],
)
def test_due_and_ship_dates_are_working_days(placed: str, section: dict[str, Any], due: str, ship: str) -> None:
    wanted = goal(order(placed_at=placed), **section)
    assert (str(wanted.due), str(wanted.ship)) == (due, ship)


# ---------------------------------------------------------------- whose sales order it is


def test_a_sales_order_is_ours_by_customer_and_number_with_or_without_prefix_and_under_earlier_ones() -> None:
    memo = settled(order(number="#1001"), order(number="#2002"))
    wanted = goal(order(), number="US-2002")
    for po_no in ("US-2002", "us-2002", "US-1001", "1001"):
        assert is_ours(_there(po_no), wanted, memo)
    for po_no in ("US-3003", "", "US-100"):
        assert not is_ours(_there(po_no), wanted, memo)
    assert not is_ours(_there("US-2002", customer="0000000009"), wanted, memo)


def test_a_sales_order_is_ours_under_the_pono_that_we_know_to_have_written() -> None:
    memo = {**settled(order()), "header": "OLD-77"}
    assert is_ours(_there("old-77"), goal(order()), memo)
    assert is_ours(_there("1001"), goal(order()), memo)
    assert not is_ours(_there("OLD-77"), goal(order()), settled(order()))


def test_a_sales_order_is_ours_after_another_customer_was_configured() -> None:
    memo = settled(order(), memo=settled(order()), customer="9")
    wanted = replace(goal(order()), customer="0000000009")
    assert is_ours(_there("1001"), wanted, memo)
    assert is_ours(_there("1001", customer="0000000009"), wanted, memo)


def test_a_sales_order_is_ours_under_a_number_that_was_cut() -> None:
    long = "ORDER-2026-11-20-000000001"
    memo = settled(order(number=long))
    assert is_ours(_there(long[:20]), goal(order(number=long), number=long), memo)


def _there(po_no: str, customer: str = CUSTOMER) -> SalesOrder:
    return SalesOrder(so_no=SO_NO, customer=customer, po_no=po_no, order_date=None, lines=())
