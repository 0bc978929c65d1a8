"""What a shape cannot say: rules about what stands in ``crossdock.toml`` and how its parts fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from schemas.config import Route, When
from schemas.customers import source
from schemas.destination import Destination
from schemas.routing import covers
from schemas.shops import PLATFORMS
from schemas.shops.signatures import decode
from worker.config.lines import KeyPath
from worker.config.references import Secrets
from worker.config.words import Finding, did_you_mean

COPIED_SYSTEM = "enapps"
"""Whose contacts and companies are copied."""

EVERY_SHOP = "*"
"""In a table of customers, one for each shop: any other shop."""

_KEY_BYTES = range(24, 65)
"""Of a Standard Webhooks secret (contracts/webhooks.md section 4)."""


def shop_rules(name: str, raw: Mapping[str, Any], secrets: Secrets) -> Iterator[Finding]:
    """One ``[shops.NAME]`` by itself."""
    platform = raw.get("platform")
    path = ("shops", name)
    if isinstance(platform, str) and platform in PLATFORMS and isinstance(raw.get("secrets"), list):
        for position, written in enumerate(raw["secrets"]):
            secret = secrets.quietly(written)
            if secret is not None:
                yield from _shop_secret((*path, "secrets", position), secret, platform=platform)
    if raw.get("currency") == "presentment" and platform in ("woocommerce", "standard"):
        yield Finding(
            (*path, "currency"),
            f"a {platform} shop sends one currency, so this has no effect",
            "Only shopify sends two; take it out.",
            "warning",
        )


def _shop_secret(path: KeyPath, secret: str, *, platform: str) -> Iterator[Finding]:
    flaw = PLATFORMS[platform].secret_flaw(secret)
    if flaw is not None:
        yield Finding(path, f"the secret cannot serve, {flaw}", "Copy it from the shop once more.")
    elif platform == "standard":
        key = decode(secret.strip().removeprefix("whsec_"))
        if key is not None and len(key) not in _KEY_BYTES:
            yield Finding(
                path,
                f"the secret has {len(key)} bytes; Standard Webhooks asks for 24 to 64",
                "It works; a new one of 32 bytes is better.",
                "warning",
            )


def destination_rules(name: str, raw: Mapping[str, Any], model: type[Destination]) -> Iterator[Finding]:
    """One ``[destinations.NAME]`` by itself."""
    path = ("destinations", name)
    if model.shipping_is_a_line and "shipping_sku" not in raw:
        yield Finding(
            (*path, "shipping_sku"),
            "shipping_sku is missing",
            'Write shipping_sku = "CODE", the stock code that carries the shipping charge, '
            "or shipping_sku = false to leave the charge out.",
        )
    base_url = raw.get("base_url")
    if isinstance(base_url, str) and _travels_open(base_url):
        yield Finding(
            (*path, "base_url"),
            "http:// sends orders and credentials unencrypted",
            "Use https:// unless every network between is your own.",
            "warning",
        )
    in_flight = raw.get("max_in_flight")
    if model.one_at_a_time and isinstance(in_flight, int) and in_flight > 1:
        yield Finding((*path, "max_in_flight"), model.one_at_a_time, "Leave it at 1.", "warning")


def _travels_open(base_url: str) -> bool:
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return False
    host = parts.hostname or ""
    if parts.scheme != "http" or not host or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def reference_rules(
    routes: Sequence[Mapping[str, Any]], *, shops: Sequence[str], destinations: Sequence[str]
) -> Iterator[Finding]:
    """Names in ``[[routes]]`` that nothing has, or that stand there twice."""
    names: set[str] = set()
    for position, raw in enumerate(routes):
        path = ("routes", position)
        name = raw.get("name")
        if isinstance(name, str):
            if name in names:
                yield Finding((*path, "name"), f'a second route is called "{name}"', "Give it another name.")
            names.add(name)
        when = raw.get("when")
        named = when.get("shop") if isinstance(when, Mapping) else None
        yield from _unknown((*path, "when", "shop"), named, known=shops, what="shop")
        yield from _unknown((*path, "deliver"), raw.get("deliver"), known=destinations, what="destination")
        yield from _repeated((*path, "deliver"), raw.get("deliver"))


def _unknown(path: KeyPath, words: object, *, known: Sequence[str], what: str) -> Iterator[Finding]:
    for position, word in enumerate(words if isinstance(words, list) else ()):
        if isinstance(word, str) and word.strip() not in ("", *known):
            hint = did_you_mean(word, known, what="There are") or f"Add [{what}s.NAME]."
            yield Finding((*path, position), f'unknown {what} "{word}"', hint)


def _repeated(path: KeyPath, words: object) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, word in enumerate(words if isinstance(words, list) else ()):
        if isinstance(word, str):
            if word.strip() in seen:
                hint = "An order goes to each destination once; take it out."
                yield Finding((*path, position), f'"{word}" stands here twice', hint)
            seen.add(word.strip())


def shadow_rules(routes: Sequence[Route | None], *, shops: Sequence[str]) -> Iterator[Finding]:
    """Routes that never get an order, because earlier ones take them all. A broken route (None) hides nothing."""
    for position, route in enumerate(routes):
        if route is None or not any(_names_shop(route, shop) for shop in shops):
            continue
        before = [one for one in routes[:position] if one is not None]
        if not any(_gets(route, shop, before=before) for shop in shops):
            hiding = [one.name for one in before if _hides_some(one.when, route.when, shops)]
            yield Finding(
                ("routes", position),
                f"can never match: every such order goes to {_names(hiding)} before it",
                "The first match wins; put the narrower route first, or take this one out.",
            )


def use_rules(routes: Sequence[Route], *, shops: Sequence[str], destinations: Sequence[str]) -> Iterator[Finding]:
    """Shops that no route takes orders of, and destinations that no route delivers to."""
    if not routes:
        return
    for name in shops:
        if not _routes_of(name, routes):
            hint = "Add a [[routes]] entry for it; until then its orders are held."
            yield Finding(("shops", name), "no route takes orders of this shop", hint, "warning")
    used = {destination for route in routes for destination in route.deliver}
    for name in destinations:
        if name not in used:
            hint = "Name it in deliver of a [[routes]] entry, or take it out."
            yield Finding(("destinations", name), "no route delivers to this destination", hint, "warning")


def stock_rules(routes: Sequence[Route], *, destinations: Mapping[str, Destination]) -> Iterator[Finding]:
    """Routes that ask for stock where nobody tells of it."""
    for position, route in enumerate(routes):
        places = [destinations[name] for name in route.deliver if name in destinations]
        if route.when.in_stock and not any(one.tells_stock for one in places):
            yield Finding(
                ("routes", position, "when", "in_stock"),
                "can never match: no destination of this route is asked for its stock",
                "Set stock_minutes at one of them, or take in_stock out.",
            )


def number_rules(routes: Sequence[Route], *, prefixes: Mapping[str, str]) -> Iterator[Finding]:
    """Shops whose equal order numbers would meet at one destination."""
    reached = {name: {one for route in _routes_of(name, routes) for one in route.deliver} for name in prefixes}
    names = list(prefixes)
    for position, name in enumerate(names):
        for other in names[:position]:
            shared = sorted(reached[name] & reached[other])
            # Folded case: "p-1" and "P-1" may be one number to a destination (contracts/ongoing.md section 6, trap 8).
            if shared and prefixes[name].casefold() == prefixes[other].casefold():
                yield Finding(
                    ("shops", name, "number_prefix"),
                    f"equal order numbers of {name} and {other} would meet at {_names(shared)}; the later one is held",
                    "Give one of the two shops a number_prefix of its own.",
                    "warning",
                )
                break


def series_rules(destinations: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """ManEx destinations that count through the same sales order numbers: each would meet the other's orders.

    So do W and W1: W000000001 to W999999999 has what W1 with its eight digits has.
    """
    before: list[tuple[str, str, str]] = []
    for name, raw in destinations.items():
        base_url, prefix = raw.get("base_url"), raw.get("so_prefix")
        if raw.get("system") != "manex" or not isinstance(base_url, str) or not isinstance(prefix, str):
            continue
        site, series = base_url.rstrip("/").casefold(), prefix.casefold()
        for other, its_site, its_series in before:
            if site == its_site and _meet(series, its_series):
                yield Finding(
                    ("destinations", name, "so_prefix"),
                    f"{other} and {name} would count through the same sales order numbers of one ManEx",
                    "Give one of the two another so_prefix, beginning with another letter.",
                )
                break
        before.append((name, site, series))


def copied(destinations: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Those that ``customer = "NAME:ref"`` of another one names: of use without a route."""
    return {named for _, named in _customers(destinations)}


def customer_rules(destinations: Mapping[str, Mapping[str, Any]], *, shops: Sequence[str]) -> Iterator[Finding]:
    """``customer = "NAME:ref"``, where NAME is no destination that is copied; customers of shops that do not exist."""
    known = [name for name, raw in destinations.items() if raw.get("system") == COPIED_SYSTEM]
    for name, raw in destinations.items():
        each = raw.get("customer")
        for shop in each if isinstance(each, dict) else ():
            if shop not in (*shops, EVERY_SHOP):
                hint = did_you_mean(shop, shops, what="There are") or "Add [shops.NAME]."
                yield Finding(("destinations", name, "customer", shop), f'unknown shop "{shop}"', hint)
    for name, named in _customers(destinations):
        if named not in known:
            wrong = "is no Enapps destination" if named in destinations else "is no destination"
            near = did_you_mean(named, known, what="Enapps destinations")
            hint = near or 'Add a destination with system = "enapps", or write the customer\'s code itself.'
            yield Finding(("destinations", name, "customer"), f'"{named}" {wrong}', hint)


def _customers(destinations: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for name, raw in destinations.items():
        written = raw.get("customer")
        each = written.values() if isinstance(written, dict) else (written,)
        for named in dict.fromkeys(source(one) for one in each if isinstance(one, str)):
            if named:
                yield name, named


def _meet(prefix: str, other: str) -> bool:
    short, long = sorted((prefix, other), key=len)
    return long.startswith(short) and all(one.isdigit() for one in long[len(short) :])


def _routes_of(shop: str, routes: Sequence[Route]) -> list[Route]:
    return [route for position, route in enumerate(routes) if _gets(route, shop, before=routes[:position])]


def _names_shop(route: Route, shop: str) -> bool:
    return route.when.shop is None or shop in route.when.shop


def _gets(route: Route, shop: str, *, before: Sequence[Route]) -> bool:
    """Whether some order of the shop may come to the route past those before it."""
    if not _names_shop(route, shop):
        return False
    return any(not any(covers(one.when, part) for one in before) for part in _parts(route.when, shop))


def _parts(when: When, shop: str) -> list[When]:
    """The orders of one shop, country by country: what no earlier route hides alone, several may hide together."""
    return [
        when.model_copy(update={"shop": (shop,), "country": country})
        for country in ([(one,) for one in when.country] if when.country is not None else [None])
    ]


def _hides_some(earlier: When, later: When, shops: Sequence[str]) -> bool:
    own = [shop for shop in shops if later.shop is None or shop in later.shop]
    return any(covers(earlier, part) for shop in own for part in _parts(later, shop))


def _names(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
