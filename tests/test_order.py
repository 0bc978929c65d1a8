"""The canonical order: what is accepted, what is refused and how that is told, and what counts as a change."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.order import Order
from schemas.shops.common import difference_note, explain


def line(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "sku": "MUG", "quantity": "2", "total_incl": "79.90", "tax": "7.26", **changes}


def data(**changes: Any) -> dict[str, Any]:
    return {
        "shop_order_id": "7",
        "version": "2026-11-20T10:15:00Z",
        "currency": "AUD",
        "lines": [line()],
        **changes,
    }


def order(**changes: Any) -> Order:
    return Order.model_validate(data(**changes))


@pytest.mark.parametrize(
    ("two", "three"),
    [
        ({"total_incl": "11.00", "total_excl": "10.00", "tax": None}, ("11.00", "10.00", "1.00")),
        ({"total_incl": "11.00", "total_excl": None, "tax": "1.00"}, ("11.00", "10.00", "1.00")),
        ({"total_incl": None, "total_excl": "10.00", "tax": "1.00"}, ("11.00", "10.00", "1.00")),
        ({"total_incl": "630", "total_excl": None, "tax": "0"}, ("630", "630", "0")),
    ],
)
def test_two_of_three_amounts_give_the_third(two: dict[str, Any], three: tuple[str, ...]) -> None:
    only = order(lines=[line(**two)]).lines[0]
    assert (str(only.total_incl), str(only.total_excl), str(only.tax)) == three


def test_amounts_go_out_as_text_without_an_exponent() -> None:
    sent = order(lines=[line(total_incl="1E+3", tax="0.10")]).model_dump(mode="json")["lines"][0]
    assert (sent["total_incl"], sent["tax"], sent["total_excl"]) == ("1000", "0.10", "999.90")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"shop_order_id": None}, "shop_order_id: is missing", id="no id"),
        pytest.param({"version": None}, "version: is missing", id="no version"),
        pytest.param({"version": "yesterday"}, "version: Input should be a valid datetime", id="no time"),
        pytest.param(
            {"version": "0001-01-01T00:00:00+14:00"},
            "version: must be a time between the years 1 and 9999 in UTC",
            id="year 0",
        ),
        pytest.param({"currency": "AU$"}, "currency: must be an ISO 4217 code, three letters", id="currency"),
        pytest.param({"ship_to": {"country": "AUS"}}, "ship_to.country: must be an ISO 3166-1 code", id="country"),
        pytest.param(
            {"lines": [line(quantity="0")]}, "lines[0].quantity: must be greater than 0", id="nothing ordered"
        ),
        pytest.param({"lines": [line(quantity=True)]}, "lines[0].quantity: Decimal input should be", id="true"),
        pytest.param({"lines": [line(open_quantity="-1")]}, "lines[0].open_quantity: must not be negative", id="minus"),
        pytest.param(
            {"lines": [line(open_quantity="3")]}, "lines[0]: open_quantity must not be above", id="open 3 of 2"
        ),
        pytest.param({"lines": [line(), line()]}, "lines 1 and 2 have one id; each line needs its own", id="id twice"),
        pytest.param({"lines": [line(tax="1e19")]}, "lines[0].tax: must be between 1e-18 and 1e18", id="huge"),
        pytest.param(
            {"lines": [line(tax="0e-99999999")]}, "lines[0].tax: must be between 1e-18 and 1e18", id="long zero"
        ),
        pytest.param({"lines": [line(discount="NaN")]}, "lines[0].discount: Input should be a finite number", id="NaN"),
        pytest.param(
            {"lines": [line(sku="x" * 256)]}, "lines[0].sku: String should have at most 255 characters", id="long"
        ),
        pytest.param({"payment_state": "free"}, "payment_state: Input should be 'pending'", id="state"),
    ],
)
def test_a_wrong_field_is_told_by_its_name_and_without_its_value(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        order(**change)
    why = explain(refused.value)
    assert why.startswith(told)
    assert "yesterday" not in why


def test_many_faults_are_told_in_part() -> None:
    with pytest.raises(ValidationError) as refused:
        order(currency=None, payment_state="x", test="perhaps", lines=[line(discount="w")])
    assert explain(refused.value).endswith("; and 1 more")


def test_unknown_keys_are_ignored_and_null_means_default() -> None:
    assert order(colour="green", cancelled=None, tags=None, number=None) == order()


def test_times_are_kept_in_utc() -> None:
    made = order(version="2026-11-20T21:15:00+11:00")
    assert made.model_dump(mode="json")["version"] == "2026-11-20T10:15:00Z"
    assert made.placed_at == datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "amount"),
    [("paid", "79.90"), ("authorized", "79.90"), ("refunded", "79.90"), ("pending", "0"), ("voided", "0")],
)
def test_an_order_without_payments_counts_as_paid_only_where_its_state_says_so(state: str, amount: str) -> None:
    assert [(p.method, str(p.amount)) for p in order(payment_state=state).paid] == [("*", amount)]


def test_named_payments_are_taken_as_they_are() -> None:
    assert (
        order(payments=[{"method": "visa", "amount": "1.00"}]).paid
        == order(payments=[{"method": "visa", "amount": "1.00"}]).payments
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"version": "2026-11-21T10:15:00Z"}, id="a newer version, placed_at left to default"),
        pytest.param({"payment_state": "refunded"}, id="payment state"),
        pytest.param({"payments": [{"method": "visa", "amount": "79.90"}]}, id="payments"),
        pytest.param({"tags": ["vip"]}, id="tags"),
        pytest.param({"lines": [line(open_quantity="0", fulfilled_quantity="2")]}, id="all shipped"),
        pytest.param({"lines": [line(open_quantity="1.0", fulfilled_quantity="1.0")]}, id="one shipped"),
    ],
)
def test_no_destination_sees_these_changes(change: dict[str, Any]) -> None:
    assert order(**change).content() == order().content()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"lines": [line(open_quantity="1")]}, id="one unit less"),
        pytest.param({"lines": [line(), line(id="2")]}, id="one line more"),
        pytest.param({"lines": [line(sku="TEE")]}, id="another article"),
        pytest.param({"lines": [line(total_incl="70.00")]}, id="another price"),
        pytest.param({"ship_to": {"city": "Alabaster"}}, id="an address"),
        pytest.param({"note": "ring"}, id="a note"),
        pytest.param({"cancelled": True}, id="a cancel"),
        pytest.param({"number": "8"}, id="another number"),
        pytest.param({"shipping": [{"total_incl": "5.00", "tax": "0"}]}, id="a shipping charge"),
    ],
)
def test_destinations_see_these_changes(change: dict[str, Any]) -> None:
    assert order(**change).content() != order().content()


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_stored_and_comes_back_unchanged(text: str) -> None:
    made = order(note=text, ship_to={"name": text, "city": text}, lines=[line(name=text, options={"n": text})])
    kept = made.model_dump_json()
    assert Order.model_validate_json(kept) == made
    assert "\\u0000" not in kept
    assert made.note == (made.ship_to.name if made.ship_to else None)


@settings(deadline=None)
@given(st.decimals(allow_nan=True, allow_infinity=True) | st.text(max_size=8))
def test_an_amount_is_taken_exactly_or_refused(amount: Decimal | str) -> None:
    try:
        only = order(lines=[line(discount=amount)]).lines[0]
    except ValidationError as refused:
        told = explain(refused)
    else:
        assert only.discount == Decimal(amount)
        assert len(only.model_dump_json()) < 1000
        return
    assert told.startswith("lines[0].discount: ")


@pytest.mark.parametrize(
    ("currency", "total", "differs"),
    [
        ("AUD", "79.90", False),
        ("AUD", "79.91", False),
        ("AUD", "79.92", True),
        ("JPY", "80.90", False),
        ("JPY", "81.00", True),
        ("KWD", "79.901", False),
        ("KWD", "79.91", True),
    ],
)
def test_a_difference_beyond_a_cent_a_line_is_noted(currency: str, total: str, differs: bool) -> None:
    made = order(currency=currency, total_incl=total)
    assert (difference_note(made) is not None) is differs


def test_an_order_without_a_total_has_no_difference() -> None:
    assert difference_note(order()) is None
