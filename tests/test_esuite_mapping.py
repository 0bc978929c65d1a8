"""An order in Esuite's words, and a transaction compared with an order."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.destination import Unmappable
from schemas.esuite.reply import Row, differences, read_created, read_rows
from schemas.esuite.trans import remarks, transaction
from schemas.goods import anything_open
from schemas.order import Order
from tests.esuite_fake import FIELDS, FakeEsuite, destination, line, order


def body(of: Order | None = None, **section: Any) -> dict[str, Any]:
    """The transaction as it arrives: written as JSON and read again."""
    sent = transaction(of or order(), number="1001", destination=destination(**section))
    result: dict[str, Any] = json.loads(json.dumps(sent))
    return result


# ---------------------------------------------------------------- order -> POST trans


def test_an_order_becomes_one_transaction_in_the_types_of_the_sample() -> None:
    assert body() == {
        "T_Trans": {
            "AccountRef": "CASH01",
            "BatchType": "SAR",
            "TransType": "SOR",
            "TransLedger": "S",
            "LocationNo": 23,
            "TransYourRef": "WEB-1001",
            "TransDate": "2026-11-20",
            "TransIncGST": "True",
            "DlvAddressNo": -1,
        },
        "T_TrnDet": [
            {"StockCode": "000250a", "LineQty": 2, "LineUnitPrice": "39.95", "LineIncGST": "True"},
            {"StockCode": "TEE-M", "LineQty": 1, "LineUnitPrice": "12.00", "LineIncGST": "True"},
            {"StockCode": "FREIGHT", "LineQty": 1, "LineUnitPrice": "10.00", "LineIncGST": "True"},
        ],
        "T_TrnDlv": {
            "DlvFirstname": "Ada",
            "DlvLastname": "Lovelace",
            "DlvBusinessName": "",
            "DlvAddress1": "1 Analytical St",
            "DlvAddress2": "",
            "DlvSuburb": "Alabaster",
            "DlvState": "VIC",
            "DlvPostCode": "3188",
            "DlvCountry": "AU",
            "DlvPhone": "+61 2 5550 1234",
            "DlvEmail": "ada@example.com",
            "DlvComments": "",
        },
        "T_Pay": {"PaymentType": "WEB", "AuthBankPosted": "B", "PaymentAmt": "101.90"},
    }


def test_prices_without_tax_go_out_where_the_site_keeps_them_so() -> None:
    sent = body(tax_included=False)

    assert sent["T_Trans"]["TransIncGST"] == "False"
    assert [d["LineUnitPrice"] for d in sent["T_TrnDet"]] == ["36.32", "10.91", "9.09"]
    assert {d["LineIncGST"] for d in sent["T_TrnDet"]} == {"False"}


def test_booleans_among_the_fields_go_out_as_words() -> None:
    assert body(fields={**FIELDS, "Urgent": True})["T_Trans"]["Urgent"] == "True"


@pytest.mark.parametrize(
    ("placed_at", "settings", "date"),
    [
        pytest.param("2026-11-20T22:30:00Z", {}, "2026-11-20", id="sent in UTC"),
        pytest.param("2026-11-21T08:30:00+11:00", {}, "2026-11-21", id="the shop's own day"),
        pytest.param("2026-11-20T22:30:00Z", {"timezone": "Australia/Melbourne"}, "2026-11-21", id="configured zone"),
    ],
)
def test_the_date_is_that_of_the_order(placed_at: str, settings: dict[str, str], date: str) -> None:
    assert body(order(placed_at=placed_at), **settings)["T_Trans"]["TransDate"] == date


def test_the_buyers_note_becomes_the_comment() -> None:
    assert body(order(note="Leave at the door"))["T_Trans"]["TransComment"] == "Leave at the door"


def test_a_configured_comment_stays() -> None:
    sent = body(order(note="Leave at the door"), fields={**FIELDS, "TransComment": "Webshop"})

    assert sent["T_Trans"]["TransComment"] == "Webshop"


@pytest.mark.parametrize("ship_to", [None, {}], ids=["no address", "an empty address"])
def test_without_an_address_none_is_overridden(ship_to: object) -> None:
    sent = body(order(ship_to=ship_to))

    assert "T_TrnDlv" not in sent
    assert "DlvAddressNo" not in sent["T_Trans"]


def test_a_name_in_one_piece_goes_out_whole() -> None:
    delivery = body(order(ship_to={"name": "Ada King Lovelace", "country": "AU"}))["T_TrnDlv"]

    assert (delivery["DlvFirstname"], delivery["DlvLastname"]) == ("", "Ada King Lovelace")


def test_a_line_with_nothing_open_is_left_out() -> None:
    sent = body(order(lines=[line(open_quantity="0"), line(id="2", sku="TEE-M")], shipping=[]))

    assert [d["StockCode"] for d in sent["T_TrnDet"]] == ["TEE-M"]


def test_a_fractional_quantity_is_a_bare_number() -> None:
    sent = body(order(lines=[line(quantity="1.5", total_incl="10.00", tax="0.91")], shipping=[]))

    assert sent["T_TrnDet"][0]["LineQty"] == 1.5
    assert sent["T_TrnDet"][0]["LineUnitPrice"] == "6.667"


@pytest.mark.parametrize(
    ("quantity", "open_quantity", "total", "price"),
    [
        ("2", "2", "79.90", "39.95"),
        ("1", "1", "5", "5.00"),
        ("3", "3", "10.00", "3.333"),
        ("3", "2", "10.00", "3.333"),
        ("7", "7", "0.01", "0.001"),
        ("1000", "1000", "0.05", "0.00005"),
        ("1", "1", "17.647059", "17.65"),
        ("1", "1", "0", "0.00"),
        ("1", "1", "-5.00", "-5.00"),
        ("2", "1", "0.01", "0.01"),
    ],
)
def test_a_unit_price_has_as_many_decimals_as_the_line_total_needs(
    quantity: str, open_quantity: str, total: str, price: str
) -> None:
    one = line(quantity=quantity, open_quantity=open_quantity, total_incl=total, tax="0")

    assert body(order(lines=[one], shipping=[]))["T_TrnDet"][0]["LineUnitPrice"] == price


MONEY = st.decimals(min_value=0, max_value=100_000, places=2)
FINE_MONEY = st.decimals(min_value=-1000, max_value=100_000, places=6)
QUANTITY = st.one_of(
    st.integers(1, 5000).map(Decimal), st.decimals(min_value=Decimal("0.001"), max_value=500, places=3)
)


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    quantity = draw(QUANTITY)
    whole = draw(st.booleans())
    opened = quantity if whole else (quantity * draw(st.integers(0, 10)) / 10)
    total = draw(st.one_of(MONEY, FINE_MONEY))
    return line(quantity=str(quantity), open_quantity=str(opened), total_incl=str(total), tax=str(draw(MONEY)))


DECIMALS = {"AUD": 2, "JPY": 0, "KWD": 3}


@given(st.lists(lines(), min_size=1, max_size=5), st.lists(MONEY, max_size=2), st.booleans(), st.sampled_from("AJK"))
def test_the_lines_add_up_to_the_shops_totals_to_the_cent_however_esuite_rounds(
    given_lines: list[dict[str, Any]], charges: list[Decimal], tax_included: bool, initial: str
) -> None:
    currency = next(code for code in DECIMALS if code.startswith(initial))
    cent = Decimal(1).scaleb(-DECIMALS[currency])
    shop = order(
        currency=currency,
        lines=[{**one, "id": str(position)} for position, one in enumerate(given_lines)],
        shipping=[{"total_incl": str(charge), "total_excl": str(charge)} for charge in charges],
        payments=[],
        payment_state="pending",
    )
    amounts = [(part.total_incl if tax_included else part.total_excl) for part in shop.lines]
    wanted = [
        (amount * one.open_quantity / one.quantity).quantize(cent, ROUND_HALF_UP)
        for amount, one in zip(amounts, shop.lines, strict=True)
        if one.open_quantity > 0
    ]
    wanted += [rounded for charge in charges if (rounded := charge.quantize(cent, ROUND_HALF_UP))]

    sent = body(shop, tax_included=tax_included)["T_TrnDet"]

    for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN):
        for places in {cent, min(cent, Decimal("0.01"))}:
            made = [(Decimal(str(d["LineQty"])) * Decimal(d["LineUnitPrice"])).quantize(places, rounding) for d in sent]
            assert made == wanted
    assert all(Decimal(d["LineUnitPrice"]).as_tuple().exponent <= -2 for d in sent)  # type: ignore[operator]


def test_every_line_without_sku_is_named_by_place_and_id_and_held() -> None:
    shop = order(
        lines=[line(), line(id="77", sku=None, name="Ring for Ada"), line(id="78", sku=""), line(id="79", sku=" ")]
    )

    with pytest.raises(Unmappable) as caught:
        body(shop)

    assert (caught.value.code, caught.value.hold) == ("no_sku", True)
    assert "line 2 (id 77), line 3 (id 78), line 4 (id 79)" in caught.value.reason
    assert "Ada" not in caught.value.reason


def test_a_line_without_sku_is_no_hindrance_when_nothing_of_it_is_open() -> None:
    shop = order(lines=[line(), line(id="2", sku=None, open_quantity="0")], shipping=[])

    assert len(body(shop)["T_TrnDet"]) == 1


# ---------------------------------------------------------------- shipping


def test_each_shipping_charge_is_a_freight_line_and_a_free_one_is_none() -> None:
    charges = [{"total_incl": total, "tax": "0"} for total in ("10.00", "0.00", "2.50")]

    freight = [d for d in body(order(shipping=charges))["T_TrnDet"] if d["StockCode"] == "FREIGHT"]

    assert [d["LineUnitPrice"] for d in freight] == ["10.00", "2.50"]


def test_a_charge_that_is_to_be_left_out_is_left_out_and_said() -> None:
    section = destination(shipping_sku=False)

    sent = transaction(order(), number="1001", destination=section)

    assert "FREIGHT" not in json.dumps(sent)
    assert remarks(order(), destination=section) == (
        "the shipping charge of 10.00 AUD was left out: shipping_sku = false",
    )


def test_a_charge_without_a_stock_code_cannot_be_mapped() -> None:
    with pytest.raises(Unmappable) as caught:
        body(shipping_sku=None)

    assert caught.value.code == "no_shipping_sku"
    assert "shipping_sku in [destinations.esuite-au]" in caught.value.hint


def test_free_shipping_needs_no_stock_code() -> None:
    shop = order(shipping=[{"total_incl": "0.00", "tax": "0"}])

    assert len(body(shop, shipping_sku=None)["T_TrnDet"]) == 2


# ---------------------------------------------------------------- payment


@pytest.mark.parametrize("state", ["pending", "authorized", "voided", "refunded"])
def test_what_was_not_paid_is_not_booked(state: str) -> None:
    assert "T_Pay" not in body(order(payment_state=state))


def test_a_payment_of_nothing_is_not_booked() -> None:
    assert "T_Pay" not in body(order(payments=[{"method": "gift", "amount": "0.00"}]))


def test_a_shop_that_names_no_method_is_booked_by_the_star() -> None:
    assert body(order(payments=[]))["T_Pay"] == {"PaymentType": "ACC", "PaymentAmt": "101.90"}


def test_payments_of_one_type_are_added_up() -> None:
    paid = [{"method": "cod", "amount": "1.90"}, {"method": "bank", "amount": "100"}]

    assert body(order(payments=paid))["T_Pay"] == {"PaymentType": "ACC", "PaymentAmt": "101.90"}
    assert remarks(order(payments=paid), destination=destination()) == ()


def test_payments_of_several_types_are_booked_as_the_largest_and_said() -> None:
    paid = [{"method": "gift_card", "amount": "21.90"}, {"method": "shopify_payments", "amount": "80.00"}]
    shop = order(payments=paid)

    assert body(shop)["T_Pay"] == {"PaymentType": "WEB", "AuthBankPosted": "B", "PaymentAmt": "101.90"}
    (said,) = remarks(shop, destination=destination())
    assert "ACC 21.90, WEB 80.00" in said
    assert "booked as WEB 101.90" in said


def test_a_partly_refunded_payment_is_booked_as_it_was_and_said() -> None:
    shop = order(payment_state="partially_refunded")

    assert body(shop)["T_Pay"]["PaymentAmt"] == "101.90"
    assert "refunded a part" in remarks(shop, destination=destination())[0]


def test_a_method_without_a_payment_type_cannot_be_mapped() -> None:
    with pytest.raises(Unmappable) as caught:
        body(payments={"paypal": {"PaymentType": "XC"}})

    assert caught.value.code == "no_payment_type"
    assert "'shopify_payments'" in caught.value.reason
    assert "[destinations.esuite-au.payments]" in caught.value.hint


def test_a_method_that_is_false_is_not_booked() -> None:
    assert "T_Pay" not in body(payments={"*": False})


def test_an_amount_in_a_currency_without_cents_has_none() -> None:
    shop = order(currency="JPY", payments=[{"method": "bank", "amount": "14319"}], shipping=[])

    assert body(shop)["T_Pay"]["PaymentAmt"] == "14319"


# ---------------------------------------------------------------- crossdock.toml


@pytest.mark.parametrize("name", ["BatchType", "TransType", "TransLedger"])
@pytest.mark.parametrize("value", [None, " "], ids=["absent", "blank"])
def test_a_required_field_that_is_missing_is_named(name: str, value: str | None) -> None:
    fields = {key: field for key, field in FIELDS.items() if key != name}
    if value is not None:
        fields[name] = value

    with pytest.raises(ValidationError, match=f"{name} (is missing, for example {name} = |must be)"):
        destination(fields=fields)


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        destination(fields={})

    for name in ("BatchType", "TransType", "TransLedger", "the account"):
        assert f"{name} is missing" in str(caught.value)


@pytest.mark.parametrize(
    "account", [{"AccountRef": "A"}, {"AccountNo": 2}, {"AccountAltRef": "A"}, {"AccountBusinessNumber": "1"}], ids=str
)
def test_any_of_the_four_account_identifiers_will_do(account: dict[str, str | int]) -> None:
    fields = {key: field for key, field in FIELDS.items() if key != "AccountRef"}

    assert destination(fields={**fields, **account})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"TransYourRef": "X"}, "TransYourRef is set for each order"),
        ({"DlvAddressNo": -1}, "DlvAddressNo is set for each order"),
        ({"AccountNo": -1}, "would open a new account for every order"),
        ({"TransLedger": "P"}, 'TransLedger must be "S"'),
    ],
    ids=["the key", "the address", "a new account", "the purchase ledger"],
)
def test_a_field_that_would_do_harm_is_refused(fields: dict[str, str | int], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        destination(fields={**FIELDS, **fields})


@pytest.mark.parametrize("timezone", ["Melbourne", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(timezone: str) -> None:
    with pytest.raises(ValidationError, match="no time zone"):
        destination(timezone=timezone)


# ---------------------------------------------------------------- GET trans -> rows


def held(shop: Order | None = None, **section: Any) -> dict[str, Any]:
    """What Esuite shows after it took the order."""
    return FakeEsuite().create(body(shop, **section))


def unlike(shop: Order, row: dict[str, Any], **section: Any) -> tuple[str, ...]:
    return differences(shop, destination=destination(**section), row=Row.model_validate(row))


@pytest.mark.parametrize("tax_included", [True, False], ids=["with tax", "without tax"])
def test_a_transaction_that_we_sent_agrees_with_its_order(tax_included: bool) -> None:
    row = held(tax_included=tax_included)

    assert unlike(order(), row, tax_included=tax_included) == ()


def test_what_the_shop_has_shipped_since_still_agrees() -> None:
    sent = order(lines=[line(quantity="3", total_incl="10.00", tax="0.91")])
    later = order(lines=[line(quantity="3", total_incl="10.00", tax="0.91", open_quantity="1", fulfilled_quantity="2")])

    assert unlike(later, held(sent)) == ()


def test_what_was_partly_shipped_when_we_sent_it_and_wholly_shipped_since_still_agrees() -> None:
    ten = {"quantity": "3", "total_incl": "10.00", "tax": "0.91"}
    sent = order(lines=[line(**ten, open_quantity="2", fulfilled_quantity="1")])
    later = order(lines=[line(**ten, open_quantity="0", fulfilled_quantity="3")])

    assert unlike(later, held(sent)) == ()


def test_what_was_refunded_since_does_not_agree() -> None:
    refunded = order(lines=[line(open_quantity="1")], shipping=[], total_incl=None)

    assert unlike(refunded, held(order(lines=[line()], shipping=[]))) == (
        "000250a: Esuite has 2 for 79.90, the shop has 1 for 39.95",
        "total: Esuite has 79.90, the shop has 39.95",
    )


def test_a_line_too_few_and_a_line_too_many_are_both_named() -> None:
    row = held(order(lines=[line(sku="HAT")], shipping=[]))

    assert unlike(order(lines=[line(sku="CAP")], shipping=[]), row) == (
        "CAP: Esuite has 0 for 0.00, the shop has 2 for 79.90",
        "HAT: Esuite has 2 for 79.90, the shop has 0 for 0.00",
    )


def test_equal_quantities_and_an_equal_total_do_not_hide_other_prices() -> None:
    def shop(first: str, second: str, **left: str) -> Order:
        amounts = {"quantity": "2", "tax": "0", **left}
        pair = [line(**amounts, total_incl=first), line(**amounts, id="2", sku="HAT", total_incl=second)]
        return order(lines=pair, shipping=[])

    row = held(shop("10.00", "20.00"))

    for since in ({}, {"open_quantity": "0", "fulfilled_quantity": "2"}):
        assert unlike(shop("10.00", "20.00", **since), row) == ()
        said = unlike(shop("20.00", "10.00", **since), row)
        assert [one.partition(":")[0] for one in said] == ["000250a", "HAT"]


def test_descriptions_and_headers_are_no_goods() -> None:
    row = held()
    row["T_TrnDet"] += [{"StockCode": "NOTE", "LineType": kind, "LineQty": "1"} for kind in "DH"]

    assert unlike(order(), row) == ()


def test_two_lines_of_one_stock_code_are_compared_together() -> None:
    shop = order(lines=[line(), line(id="2", quantity="1", total_incl="40.00", tax="3.64")])

    assert unlike(shop, held(shop)) == ()


def test_without_details_the_total_decides() -> None:
    row = held()
    del row["T_TrnDet"]

    assert unlike(order(), row) == ()
    assert unlike(order(), {**row, "TransTotalIncGST": "101.91"}) == ("total: Esuite has 101.91, the shop has 101.90",)


@pytest.mark.parametrize("figure", ["", "many", "NaN", "1e999999", None])
def test_a_figure_that_cannot_be_read_is_a_difference(figure: str | None) -> None:
    assert unlike(order(), {**held(), "TransTotalIncGST": figure}) == (
        "total: Esuite has no figure, the shop has 101.90",
    )


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        ({"Trans": []}, 0),
        ({"Trans": None}, 0),
        ({"Trans": {"TransNo": 5, "T_TrnDet": {"StockCode": 7}}}, 1),
        ({"Trans": [{"TransNo": "5", "TransStatus": True}, {}]}, 2),
    ],
    ids=["none", "null", "one bare object", "two"],
)
def test_replies_are_read_leniently(reply: object, count: int) -> None:
    rows = read_rows(reply)

    assert rows is not None
    assert len(rows) == count


@pytest.mark.parametrize("reply", [None, [], {}, "Trans", {"Trans": "none"}, {"Trans": [1]}], ids=str)
def test_a_reply_that_is_no_list_of_transactions_is_told_apart_from_none(reply: object) -> None:
    assert read_rows(reply) is None


@pytest.mark.parametrize("reply", [None, {}, {"T_Trans": {"CompanyNo": "1"}}, {"T_Trans": "made"}], ids=str)
def test_a_reply_that_names_no_transaction_created_none(reply: object) -> None:
    assert read_created(reply) is None


def test_an_order_is_open_as_long_as_one_line_is() -> None:
    assert anything_open(order(lines=[line(open_quantity="0"), line(id="2")]))
    assert not anything_open(order(lines=[line(open_quantity="0")]))
    assert not anything_open(order(lines=[]))
