"""Which route an order takes, whether it may leave yet, and under which number: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

from schemas.config import Config, ReleaseAt, Route, Shop, When
from schemas.model import plain
from schemas.order import Order, PaymentState
from schemas.stock import Catalogue
from schemas.stock import lacking as stock_lacking

_RELEASED: dict[ReleaseAt, frozenset[PaymentState]] = {
    "placed": frozenset({"pending", "authorized", "paid", "partially_refunded"}),
    "authorized": frozenset({"authorized", "paid", "partially_refunded"}),
    "paid": frozenset({"paid", "partially_refunded"}),
}
_CLOSEST_NAMED = 3
_LACKS_NAMED = 8


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No route takes the order; ``reason`` says for people why, and what to do. It holds no personal data."""

    reason: str


def route(
    order: Order, *, shop: str, config: Config, stock: Catalogue | None = None, begun: str | None = None
) -> Route | NoRoute:
    """The first route whose every key matches the order.

    Args:
        stock: what destinations say about the order's codes, for routes that ask for it.
        begun: the route on which work has begun. It keeps the order, whatever is left in stock: what the order took is
            missing there now; and no other route gets it by what came in meanwhile.
    """
    facts = _Facts.of(order, shop=shop)
    unmet = [(candidate, _unmet(candidate.when, facts)) for candidate in config.routes]
    lacking: dict[str, tuple[str, ...]] = {}
    for candidate, keys in unmet:
        if keys:
            continue
        if not candidate.when.in_stock or candidate.name == begun:
            return candidate
        if begun is not None:
            keys["stock"] = "what is in stock before work begins"
            continue
        destinations = [config.destinations[name] for name in candidate.deliver]
        lacking[candidate.name] = stock_lacking(order, destinations, stock or {})
        if not lacking[candidate.name]:
            return candidate
    return NoRoute(_why_not_in_stock(lacking) if lacking else _why_none(unmet, facts))


def asks_for_stock(config: Config) -> tuple[str, ...]:
    """The destinations of the routes that take only what is in stock."""
    names = [name for one in config.routes if one.when.in_stock for name in one.deliver]
    return tuple(dict.fromkeys(names))


def release(order: Order, *, shop: Shop) -> str | None:
    """None when the order may leave, else the reason why it is held. Cancelling is not its business."""
    state = order.payment_state
    if state in _RELEASED[shop.release]:
        return None
    if state == "refunded":
        return "the shop says refunded: the money went back, so the order does not leave"
    if state == "voided":
        return "the shop says voided: the payment was called off, so the order does not leave"
    return f"waits for payment: the shop says {state}, this shop releases at {shop.release}"


def number_at_destination(order: Order, shop: Shop) -> str:
    """What the other side calls our order: ``number_prefix`` and the number without one leading ``#``."""
    return shop.number_prefix + (order.number.removeprefix("#").strip() or order.number)


def covers(earlier: When, later: When) -> bool:
    """Every order that ``later`` takes is taken by ``earlier``; where patterns hide that it is so, False."""
    return (
        not earlier.in_stock
        and _wider(earlier.shop, later.shop)
        and _wider(earlier.country, later.country)
        and _wider(earlier.currency, later.currency)
        and _wider(_folded(earlier.tag), _folded(later.tag))
        and _wider_patterns(earlier.sku, later.sku)
        and (earlier.min_total is None or (later.min_total is not None and later.min_total >= earlier.min_total))
        and (earlier.max_total is None or (later.max_total is not None and later.max_total <= earlier.max_total))
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What routes ask about an order."""

    shop: str
    country: str | None
    currency: str
    total: Decimal
    skus: frozenset[str]
    tags: frozenset[str]

    @classmethod
    def of(cls, order: Order, *, shop: str) -> _Facts:
        place = order.ship_to.country if order.ship_to is not None else None
        if place is None and order.bill_to is not None:
            place = order.bill_to.country
        return cls(
            shop=shop,
            country=place,
            currency=order.currency,
            total=order.total_incl if order.total_incl is not None else order.goods_incl,
            skus=frozenset(line.sku for line in order.lines if line.sku is not None),
            tags=frozenset(tag.casefold() for tag in order.tags),
        )


def _unmet(when: When, facts: _Facts) -> dict[str, str]:
    """The keys of ``when`` that the order does not meet, each with what the route takes instead."""
    unmet: dict[str, str] = {}
    if when.shop is not None and facts.shop not in when.shop:
        unmet["shop"] = "shop " + _any_of(when.shop)
    if when.country is not None and facts.country not in when.country:
        unmet["country"] = "country " + _any_of(when.country)
    if when.currency is not None and facts.currency not in when.currency:
        unmet["currency"] = "currency " + _any_of(when.currency)
    if when.sku is not None and not any(_fits(sku, pattern) for sku in facts.skus for pattern in when.sku):
        unmet["sku"] = "SKU " + _any_of(when.sku)
    if when.tag is not None and facts.tags.isdisjoint(tag.casefold() for tag in when.tag):
        unmet["tag"] = "tag " + _any_of(when.tag)
    if when.min_total is not None and facts.total < when.min_total:
        unmet["total"] = f"a total from {plain(when.min_total)}"
    if when.max_total is not None and facts.total > when.max_total:
        unmet["total"] = f"a total up to {plain(when.max_total)}"
    return unmet


def _why_none(unmet: list[tuple[Route, dict[str, str]]], facts: _Facts) -> str:
    if not unmet:
        return f"there are no routes for shop {facts.shop} or any other; add a [[routes]] entry, then replay"
    # A route for this very shop is closer than one that is merely short of a single key.
    ranked = sorted(unmet, key=lambda one: ("shop" in one[1], len(one[1])))
    best = ("shop" in ranked[0][1], len(ranked[0][1]))
    closest = [one for one in ranked if ("shop" in one[1], len(one[1])) == best][:_CLOSEST_NAMED]
    missed = dict.fromkeys(key for _, keys in closest for key in keys if key != "shop")
    subject = " and ".join(_value(key, facts) for key in missed)
    taken = "; ".join(f'"{near.name}" takes {" and ".join(keys.values())}' for near, keys in closest)
    return (
        f"no route takes {subject + ' from ' if subject else ''}shop {facts.shop} (closest: {taken}); "
        "add a [[routes]] entry or widen one, then replay"
    )


def _why_not_in_stock(lacking: Mapping[str, Sequence[str]]) -> str:
    """Routes that would take the order but for their stock, with what is missing."""
    told = [f'"{name}" lacks stock: {_listed(reasons)}' for name, reasons in lacking.items()]
    more = f" (and {len(told) - _CLOSEST_NAMED} more routes)" if len(told) > _CLOSEST_NAMED else ""
    return (
        f"no route takes it for want of stock alone (route {'; '.join(told[:_CLOSEST_NAMED])}{more}); "
        "replay when the stock is there, or add a route without in_stock"
    )


def _listed(reasons: Sequence[str]) -> str:
    shown = ", ".join(reasons[:_LACKS_NAMED])
    return f"{shown} and {len(reasons) - _LACKS_NAMED} more" if len(reasons) > _LACKS_NAMED else shown


def _value(key: str, facts: _Facts) -> str:
    return {
        "country": f"country {facts.country}" if facts.country else "an order without a country",
        "currency": f"currency {facts.currency}",
        "sku": "these SKUs" if facts.skus else "lines without SKU",
        "tag": "these tags" if facts.tags else "an order without tags",
        "total": f"a total of {plain(facts.total)}",
        "stock": "an order on which work has begun",
    }[key]


def _any_of(words: tuple[str, ...]) -> str:
    shown = ", ".join(words[:8])
    return f"{shown} and {len(words) - 8} more" if len(words) > 8 else shown


def _fits(sku: str, pattern: str) -> bool:
    # Only * and ? are promised; SKUs such as "MUG[1]" exist.
    return fnmatchcase(sku, pattern.replace("[", "[[]"))


def _folded(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(word.casefold() for word in words)


def _wider(earlier: Iterable[str] | None, later: Iterable[str] | None) -> bool:
    return earlier is None or (later is not None and set(later) <= set(earlier))


def _wider_patterns(earlier: tuple[str, ...] | None, later: tuple[str, ...] | None) -> bool:
    if earlier is None or later is None:
        return earlier is None
    return all(any(_pattern_covers(wide, narrow) for wide in earlier) for narrow in later)


def _pattern_covers(wide: str, narrow: str) -> bool:
    # Read as a plain text, a narrow pattern stands for what it matches, except that ? must not swallow its *.
    return wide == narrow or (not ("?" in wide and "*" in narrow) and _fits(narrow, wide))
