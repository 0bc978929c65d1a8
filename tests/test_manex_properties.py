"""What holds for every order: prices give the shop's totals, line numbers are for ever, dates are working days."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any

import holidays
from hypothesis import given
from hypothesis import strategies as st

from schemas.goods import anything_open
from schemas.manex import SO_NUMBER_CHARS, ManexDestination
from schemas.manex.desired import Price, desired, prepare, price
from schemas.money import decimals
from schemas.order import Order
from tests.manex_wire import destination, line, order
from tests.wire import Shelf

EXACT = Context(prec=200)
CENT = Decimal("0.01")

quantities = st.one_of(
    st.integers(1, 1000).map(Decimal),
    st.decimals(min_value="0.001", max_value=100_000, places=3),
    st.sampled_from([Decimal("1E-18"), Decimal("1E+18"), Decimal("0.333"), Decimal(7919)]),
)
totals = st.one_of(
    st.decimals(min_value=0, max_value=5000, places=2),
    st.decimals(min_value=-100, max_value=10**9, places=4),
    st.sampled_from([Decimal(0), CENT, Decimal("0.005"), Decimal("9999999999999999.99")]),
)


def amount(total: Decimal, currency: str) -> Decimal:
    return total.quantize(Decimal(1).scaleb(-decimals(currency)), rounding=ROUND_HALF_UP, context=EXACT)


def product(found: Price, quantity: Decimal) -> Decimal:
    return found.amount if found.flat else EXACT.multiply(found.amount, quantity)


@given(
    quantity=quantities,
    total=totals,
    tax=totals,
    tax_included=st.booleans(),
    price_decimals=st.integers(2, 8),
    currency=st.sampled_from(["USD", "EUR", "JPY", "KWD"]),
)
def test_price_and_quantity_give_the_total_of_the_shop_however_it_is_rounded(
    quantity: Decimal, total: Decimal, tax: Decimal, tax_included: bool, price_decimals: int, currency: str
) -> None:
    site = destination(tax_included=tax_included, price_decimals=price_decimals)
    sold = order(lines=[line(quantity=str(quantity), total_incl=str(total), tax=str(tax))], currency=currency)
    (item,) = _desired(sold, {}, site).items
    wanted = amount(total if tax_included else total - tax, currency)
    places = max(decimals(currency), 2)
    assert item.quantity == quantity
    if item.price.flat:
        assert item.price.amount == wanted
    else:
        assert 2 <= -int(item.price.amount.as_tuple().exponent) <= price_decimals
    for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_HALF_DOWN):
        whole = Decimal(1).scaleb(-places)
        assert product(item.price, quantity).quantize(whole, rounding=rounding, context=EXACT) == wanted


@given(quantity=quantities, total=totals, limit=st.integers(2, 8))
def test_no_shorter_unit_price_would_do(quantity: Decimal, total: Decimal, limit: int) -> None:
    wanted = amount(total, "USD")
    found = price(wanted, quantity=quantity, limit=limit)
    has = limit + 1 if found.flat else -int(found.amount.as_tuple().exponent)
    for places in range(2, has):
        # Of all prices with so many decimals the nearest two; if they miss the total, so do the others.
        nearest = EXACT.divide(wanted, quantity)
        for rounding in ("ROUND_FLOOR", "ROUND_CEILING"):
            unit = nearest.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=EXACT)
            assert abs(EXACT.subtract(product(Price(unit), quantity), wanted)) >= CENT / 2


@given(
    ordered=st.integers(1, 60),
    steps=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6),
    total=st.decimals(min_value=0, max_value=5000, places=2),
)
def test_a_part_of_a_line_never_costs_more_than_the_line(
    ordered: int, steps: list[tuple[int, int]], total: Decimal
) -> None:
    memo: Mapping[str, Any] = {}
    for left, done in steps:
        body = line(quantity=str(ordered), total_incl=str(total), tax="0")
        version = order(
            lines=[{**body, "open_quantity": str(min(left, ordered)), "fulfilled_quantity": str(min(done, ordered))}]
        )
        memo = _prepared(version, memo, destination())
        for item in _desired(version, memo, destination()).items:
            assert 0 < item.quantity <= ordered
            assert item.quantity >= version.lines[0].open_quantity
            assert product(item.price, item.quantity) < total + CENT / 2


versions = st.lists(
    st.builds(
        lambda ids, shut, charge, cancelled, number: order(
            number=f"#{number}",
            lines=[line(one, open_quantity="0" if one in shut else "2") for one in ids],
            shipping=[{"total_incl": "5", "tax": "0"}] if charge else [],
            cancelled=cancelled,
        ),
        st.lists(st.integers(1, 8), max_size=6, unique=True),
        st.sets(st.integers(1, 8), max_size=3),
        st.booleans(),
        st.booleans(),
        st.integers(1001, 1003),
    ),
    min_size=1,
    max_size=8,
)


@given(versions=versions, shipping_sku=st.sampled_from(["FREIGHT", False]))
def test_line_numbers_are_unique_stable_and_never_reused(versions: list[Order], shipping_sku: str | bool) -> None:
    site = destination(shipping_sku=shipping_sku)
    memo: Mapping[str, Any] = {}
    known: dict[str, int] = {}
    for version in versions:
        before, memo = memo, _prepared(version, memo, site)
        wanted = _desired(version, memo, site)
        found = {item.part.part_no: item.line_no for item in wanted.items}
        assert len(found) == len(wanted.items)
        assert list(found.values()) == sorted(set(found.values()))
        assert all(known.get(part, line_no) == line_no for part, line_no in found.items())
        given_out = {int(line_no) for line_no, _ in memo["lines"].values()}
        assert given_out == set(range(1, len(memo["lines"]) + 1))
        assert set(found.values()) | set(wanted.gone) == given_out
        assert set(found.values()).isdisjoint(wanted.gone)
        assert before.get("SoNo", wanted.so_no) == wanted.so_no
        known |= found
        assert len(set(known.values())) == len(known)


@given(versions=versions)
def test_the_sales_order_has_every_open_line_and_nothing_of_a_cancelled_order(versions: list[Order]) -> None:
    memo: Mapping[str, Any] = {}
    for version in versions:
        memo = _prepared(version, memo, destination())
        wanted = _desired(version, memo, destination())
        parts = {item.part.part_no for item in wanted.items}
        if version.cancelled:
            assert parts == set()
        else:
            assert {str(one.sku) for one in version.lines if one.open_quantity} <= parts
            assert ("FREIGHT" in parts) == (bool(version.shipping) and bool(parts - {"FREIGHT"}))
            assert not anything_open(version) or parts


@given(version=versions.map(lambda found: found[0]), memo=st.just({}))
def test_preparing_twice_changes_nothing(version: Order, memo: Mapping[str, Any]) -> None:
    once = _prepared(version, memo, destination())
    assert _prepared(version, once, destination(), number="9") == once


@given(
    prefix=st.from_regex("[A-Za-z][A-Za-z0-9]{0,5}", fullmatch=True),
    number=st.integers(0, 9999),
)
def test_our_number_is_no_automatic_one_and_fits(prefix: str, number: int) -> None:
    site = destination(so_prefix=prefix)
    so_no = prepare(order(), {}, site, Shelf(lambda digits: str(number).zfill(digits)))["SoNo"]
    assert len(so_no) == min(SO_NUMBER_CHARS, len(prefix) + 9)
    assert not so_no.isdigit()
    assert so_no == so_no.upper()


@given(
    placed=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    lead_days=st.integers(0, 60),
    before=st.integers(1, 10),
    calendar=st.sampled_from(["US", "US-CA", "DE-BY", "AE", "JP", None]),
)
def test_the_goods_are_shipped_on_a_working_day_so_many_before_the_due_one(
    placed: datetime, lead_days: int, before: int, calendar: str | None
) -> None:
    site = destination(lead_days=lead_days, ship_days_before_due=before, calendar=calendar)
    wanted = _desired(order(placed_at=placed.isoformat()), {}, site)
    free = _calendar(calendar)
    first = placed.date() + timedelta(days=lead_days)
    assert _works(wanted.due, free)
    assert _works(wanted.ship, free)
    assert not [one for one in _days(first, wanted.due) if _works(one, free)]
    assert len([one for one in _days(wanted.ship, wanted.due) if _works(one, free)]) == before


def _prepared(version: Order, memo: Mapping[str, Any], site: ManexDestination, number: str = "7") -> Mapping[str, Any]:
    kept: Mapping[str, Any] = json.loads(json.dumps(prepare(version, memo, site, Shelf(number.zfill))))
    return kept


def _desired(version: Order, memo: Mapping[str, Any], site: ManexDestination) -> Any:
    return desired(version, number="1001", memo=memo or _prepared(version, memo, site), destination=site)


def _calendar(name: str | None) -> holidays.HolidayBase:
    if name is None:
        return holidays.HolidayBase()
    country, _, part = name.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


def _works(day: date, calendar: holidays.HolidayBase) -> bool:
    return day not in calendar and not calendar.is_weekend(day)


def _days(first: date, last: date) -> list[date]:
    """From the first up to the one before the last."""
    return [first + timedelta(days=number) for number in range((last - first).days)]
