"""``crossdock.toml`` as values: shops, destinations, routes. Reading the file is :mod:`worker.config`'s."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from schemas.codes import COUNTRIES, CURRENCIES
from schemas.destination import Destination
from schemas.model import Number, StrictModel, plain
from schemas.secret import Secret

Platform = Literal["shopify", "woocommerce", "standard"]
ReleaseAt = Literal["placed", "authorized", "paid"]

_OFTEN_MEANT = {"UK": "GB", "EN": "GB", "EL": "GR", "RMB": "CNY", "NTD": "TWD"}


def _code(value: str, *, known: frozenset[str], what: str) -> str:
    code = value.strip().upper()
    if code not in known:
        meant = _OFTEN_MEANT.get(code)
        raise ValueError(f'"{value}" is no {what}' + (f"; perhaps {meant} is meant" if meant in known else ""))
    return code


def _country(value: str) -> str:
    return _code(value, known=COUNTRIES, what="country code (ISO 3166, two letters such as AU)")


def _currency(value: str) -> str:
    return _code(value, known=CURRENCIES, what="currency code (ISO 4217, three letters such as AUD)")


def _visible(value: str) -> str:
    if value != value.strip() or not value.isprintable():
        raise ValueError("must not have blanks at its ends or control characters")
    return value


Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Words = Annotated[tuple[Word, ...], Field(min_length=1)]
CountryCodes = Annotated[tuple[Annotated[str, AfterValidator(_country)], ...], Field(min_length=1)]
CurrencyCodes = Annotated[tuple[Annotated[str, AfterValidator(_currency)], ...], Field(min_length=1)]


class Shop(StrictModel):
    """A webshop connection: ``POST /webhooks/{name}``. ``secrets``: current first, previous after it."""

    name: str
    platform: Platform
    secrets: tuple[Secret, ...] = Field(min_length=1, max_length=2)
    release: ReleaseAt = "paid"
    currency: Literal["shop", "presentment"] = "shop"
    number_prefix: Annotated[str, StringConstraints(max_length=20), AfterValidator(_visible)] = ""


class When(StrictModel):
    """Which orders a route takes: keys are "and", lists are "any of", ``sku`` takes ``*`` and ``?``.

    ``min_total`` and ``max_total`` are in the order's currency, tax included, both ends included.
    ``in_stock``: only orders of which the route's destinations have every article, as they told last.
    """

    shop: Words | None = None
    country: CountryCodes | None = None
    sku: Words | None = None
    tag: Words | None = None
    currency: CurrencyCodes | None = None
    min_total: Number | None = None
    max_total: Number | None = None
    in_stock: bool = False

    @model_validator(mode="after")
    def _some_total_fits(self) -> Self:
        low, high = self.min_total, self.max_total
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_total {plain(low)} is above max_total {plain(high)}, so this route can never match")
        if high is not None and high < Decimal(0):
            raise ValueError(f"max_total {plain(high)} is below 0, so this route can never match")
        return self


CancelOrder = Literal["reverse", "forward", "at once"]


class Route(StrictModel):
    """Which orders go to which destinations, left to right. The first route that matches wins.

    ``cancel``: how a cancelled order is taken back: from right to left, from left to right, or everywhere at once.
    """

    name: Word
    when: When = When()
    deliver: Words
    cancel: CancelOrder = "reverse"


class Config(StrictModel):
    """The whole file. Maps are by name."""

    shops: Mapping[str, Shop]
    destinations: Mapping[str, Destination]
    routes: tuple[Route, ...]
