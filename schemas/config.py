"""``crossdock.toml`` as values: shops, destinations, routes. Reading the file is :mod:`worker.config`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, SecretStr

from schemas.destination import Destination
from schemas.model import Number, StrictModel

Platform = Literal["shopify", "woocommerce", "standard"]


class Shop(StrictModel):
    """A webshop connection: ``POST /webhooks/{name}``. ``secrets``: current first, previous after it."""

    name: str
    platform: Platform
    secrets: tuple[SecretStr, ...] = Field(min_length=1, max_length=2)
    release: Literal["placed", "authorized", "paid"] = "paid"
    currency: Literal["shop", "presentment"] = "shop"
    number_prefix: str = ""


class When(StrictModel):
    """Which orders a route takes: keys are "and", lists are "any of", ``sku`` takes ``*`` and ``?``."""

    shop: tuple[str, ...] | None = None
    country: tuple[str, ...] | None = None
    sku: tuple[str, ...] | None = None
    tag: tuple[str, ...] | None = None
    currency: tuple[str, ...] | None = None
    min_total: Number | None = None
    max_total: Number | None = None


class Route(StrictModel):
    """Which orders go to which destinations, left to right. The first route that matches wins."""

    name: str
    when: When = When()
    deliver: tuple[str, ...] = Field(min_length=1)


class Config(StrictModel):
    """The whole file. Maps are by name."""

    shops: Mapping[str, Shop]
    destinations: Mapping[str, Destination]
    routes: tuple[Route, ...]
