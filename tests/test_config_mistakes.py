"""One mistake, one problem: each rule of ``crossdock.toml`` broken by itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.config_file import ENV, GOOD, found, line_of, write
from worker.config import load


class Mistake(NamedTuple):
    """``was`` becomes ``now`` in the right file: ``key`` is reported, on the first line that changed."""

    key: str
    was: str
    now: str
    words: str

    def text(self) -> str:
        assert self.was in GOOD
        return GOOD.replace(self.was, self.now, 1)

    def line(self) -> int:
        """The first changed line; for what was taken out, the line of the table that lacks it."""
        if not self.now and self.key != "routes":
            return line_of(GOOD, f"[{'.'.join(self.key.split('.')[:2])}]")
        both = zip(GOOD.splitlines(), self.text().splitlines(), strict=False)
        return 1 + next(number for number, (was, now) in enumerate(both) if was != now)


BOOKS, WMS, FIRST = "destinations.books", "destinations.wms", "routes.down-under"
COUNTRY = 'country = ["AU", "nz"]'

ERRORS = {
    "unknown key at the top": Mistake("shop", "[shops.au]", "[shop.x]\n[shops.au]", 'Did you mean "shops"'),
    "unknown key": Mistake(f"{BOOKS}.timeout", "shipping_sku", "timeout = 3\nshipping_sku", 'Did you mean "timeout_s"'),
    "unknown key in auth": Mistake(f"{BOOKS}.auth.tokn", "token =", 'tokn = "x", token =', 'Did you mean "token"'),
    "unknown key in when": Mistake(f"{FIRST}.when.countries", "country", "countries", 'Did you mean "country"'),
    "unknown key in retry": Mistake(
        f"{BOOKS}.retry.tries", "shipping_sku", "retry = { tries = 1 }\nshipping_sku", "base_s, cap_s, give_up_h"
    ),
    "key of when": Mistake(f"{FIRST}.in_stock", "when = {", "in_stock = true\nwhen = {", "It belongs into when."),
    "key of auth": Mistake(f"{BOOKS}.token", "auth = {", 'token = "x"\nauth = {', "It belongs into auth."),
    "one word of some": Mistake(f"{FIRST}.cancel", "when = {", 'cancel = "back"\nwhen = {', '"forward" or "at once"'),
    "below a limit": Mistake(f"{BOOKS}.stock_minutes", "auth = {", "stock_minutes = -1\nauth = {", "at least 0."),
    "REST at SOAP's address": Mistake(
        f"{WMS}.api", "goods_owner_id", 'api = "soap"\ngoods_owner_code = "A"\ngoods_owner_id', "/Service.asmx"
    ),
    "name as a key": Mistake("shops.au.name", "platform", 'name = "x"\nplatform', "[shops.au]"),
    "name of a shop": Mistake('shops."B 2"', "[shops.b2b]", '[shops."B 2"]', "cannot be a name"),
    "shop that is no table": Mistake("shops.x", "[shops.au]", "shops.x = 3\n[shops.au]", "must be a table"),
    "platform left out": Mistake("shops.au.platform", 'platform = "shopify"\n', "", "platform is missing"),
    "system left out": Mistake(
        f"{WMS}.system", 'system = "ongoing"\n', "", "Crossdock knows enapps, esuite, iws, manex, ongoing"
    ),
    "system unknown": Mistake(
        f"{BOOKS}.system", '"esuite"', '"sap"', "Crossdock knows enapps, esuite, iws, manex, ongoing"
    ),
    "system misspelt": Mistake(f"{BOOKS}.system", '"esuite"', '"esuit"', 'Did you mean "esuite"'),
    "auth left out": Mistake(
        f"{BOOKS}.auth", 'auth = { mode = "bearer", token = "env:TOKEN" }\n', "", "auth is missing"
    ),
    "auth mode": Mistake(f"{BOOKS}.auth.mode", "bearer", "barer", "must be one of basic, bearer, header, query"),
    "auth without mode": Mistake(f"{BOOKS}.auth.mode", 'mode = "bearer", ', " ", "mode is missing"),
    "header name": Mistake(f"{BOOKS}.auth.name", '"bearer"', '"header", name = "X Key"', "X-Api-Key"),
    "base_url": Mistake(f"{BOOKS}.base_url", "https://erp", "erp", "must be an address such as"),
    "password in base_url": Mistake(f"{BOOKS}.base_url", "//erp", "//me:hunter2@erp", "belong into auth"),
    "query in base_url": Mistake(f"{BOOKS}.base_url", "/api/v2/", "/api/v2?x=1", "before ? and #"),
    "whole number": Mistake(f"{WMS}.goods_owner_id", "159", '"a"', "must be a whole number"),
    "in flight": Mistake(f"{BOOKS}.max_in_flight", "auth", "max_in_flight = 0\nauth", "must be at least 1"),
    "endless retry": Mistake(f"{BOOKS}.retry.give_up_h", "auth", "retry = { give_up_h = inf }\nauth", "at most 8760"),
    "shipping_sku left out": Mistake(f"{BOOKS}.shipping_sku", 'shipping_sku = "FREIGHT"\n', "", "shipping_sku = false"),
    "shipping_sku true": Mistake(f"{BOOKS}.shipping_sku", '"FREIGHT"', "true", "a text in quotes or false"),
    "shipping_sku empty": Mistake(f"{BOOKS}.shipping_sku", '"FREIGHT"', '""', "at least one character or false"),
    "rule of a system": Mistake(
        f"{BOOKS}.fields",
        '[destinations.books.fields]\nAccountRef = "CASH01"\n',
        "[destinations.books.fields]\n",
        "AccountRef",
    ),
    "secrets empty": Mistake("shops.au.secrets", '["env:SHOP"]', "[]", "Name at least one"),
    "secrets no list": Mistake("shops.au.secrets", '["env:SHOP"]', '"env:SHOP"', "must be a list in square brackets"),
    "three secrets": Mistake("shops.au.secrets", '"env:SHOP"', '"env:SHOP", "env:SHOP", "env:SHOP"', "2 entries"),
    "secret literal": Mistake("shops.au.secrets[0]", "env:SHOP", "hunter2", "Write env:NAME or file:PATH"),
    "secret empty": Mistake("shops.au.secrets[0]", '"env:SHOP"', '""', "the secret is empty"),
    "password literal": Mistake(f"{WMS}.auth.password", "env:WMS", "hunter2", "Write env:NAME or file:PATH"),
    "token empty": Mistake(f"{BOOKS}.auth.token", '"env:TOKEN"', '""', "the secret is empty"),
    "no variable name": Mistake("shops.au.secrets[0]", "env:SHOP", "env:MY SHOP", "no name of a variable"),
    "variable not set": Mistake("shops.au.secrets[0]", "env:SHOP", "env:SHOPP", "SHOPP is not set"),
    "variable empty": Mistake("shops.au.secrets[0]", "env:SHOP", "env:BLANK", "BLANK is empty"),
    "secret file missing": Mistake("shops.au.secrets[0]", "env:SHOP", "file:no.txt", "no.txt does not exist"),
    "secret file a folder": Mistake("shops.au.secrets[0]", "env:SHOP", "file:.", "cannot be read"),
    "standard secret": Mistake("shops.b2b.secrets[0]", "env:STD", "env:TOKEN", "not base64"),
    "unknown shop": Mistake(f"{FIRST}.when.shop[0]", '["au"]', '["aau"]', 'Did you mean "au"'),
    "unknown destination": Mistake(f"{FIRST}.deliver[1]", '"books", "wms"', '"books", "wmss"', 'Did you mean "wms"'),
    "destination twice": Mistake(f"{FIRST}.deliver[2]", '"books", "wms"', '"books", "wms", "wms"', "stands here twice"),
    "deliver empty": Mistake(f"{FIRST}.deliver", '["books", "wms"]', "[]", "Name at least one"),
    "empty list in when": Mistake(f"{FIRST}.when.country", '["AU", "nz"]', "[]", "can never match"),
    "when no list": Mistake(f"{FIRST}.when.country", '["AU", "nz"]', '"AU"', "must be a list in square brackets"),
    "country code": Mistake(f"{FIRST}.when.country[1]", '"nz"', '"UK"', "perhaps GB is meant"),
    "currency code": Mistake(f"{FIRST}.when.currency[0]", COUNTRY, 'currency = ["EURO"]', "no currency code"),
    "totals": Mistake(f"{FIRST}.when", COUNTRY, "min_total = 20, max_total = 9.5", "20 is above max_total 9.5"),
    "total below zero": Mistake(f"{FIRST}.when", COUNTRY, "max_total = -1", "can never match"),
    "routes of one name": Mistake(f"{FIRST}.name", '"rest"', '"down-under"', "a second route"),
    "route without a name": Mistake("routes[1].name", 'name = "rest"\ndeliver', "deliver", "name is missing"),
}


@pytest.mark.parametrize("mistake", ERRORS.values(), ids=ERRORS)
def test_a_mistake_is_one_error_with_place_and_remedy(tmp_path: Path, mistake: Mistake) -> None:
    errors = [one for one in found(tmp_path, mistake.text(), {**ENV, "BLANK": " "}) if one.severity == "error"]
    assert [one.key for one in errors] == [mistake.key]
    assert mistake.words in str(errors[0])
    assert "hunter2" not in str(errors[0])
    nearby = 1 if mistake.key in (f"{BOOKS}.fields", "routes[1].name") else 0  # the header above names the table
    assert errors[0].line == mistake.line() - nearby


def test_routes_want_two_brackets(tmp_path: Path) -> None:
    text = GOOD[: GOOD.rindex("[[routes]]")].replace("[[routes]]", "[routes]")
    (problem,) = found(tmp_path, text)
    assert (problem.key, problem.line) == ("routes", line_of(text, "[routes]"))
    assert "two brackets" in problem.hint


NEVER = {
    "everything before it": ("", 'when = { shop = ["au"] }'),
    "the same shop before it": ('when = { shop = ["au", "b2b"] }', 'when = { shop = ["au"], country = ["AU"] }'),
    "the same tag in other letters": ('when = { tag = ["VIP"] }', 'when = { tag = ["vip"] }\n# equal'),
    "a wider pattern before it": ('when = { sku = ["PRE-*"] }', 'when = { sku = ["PRE-A?", "PRE-B*"] }'),
    "a wider total before it": ("when = { min_total = 5 }", "when = { min_total = 10, max_total = 20 }"),
}


@pytest.mark.parametrize(("wide", "narrow"), NEVER.values(), ids=NEVER)
def test_a_route_that_an_earlier_one_hides_can_never_match(tmp_path: Path, wide: str, narrow: str) -> None:
    head = GOOD[: GOOD.index("[[routes]]")]
    first = f'[[routes]]\nname = "wide"\ndeliver = ["books"]\n{wide}\n'
    second = f'[[routes]]\nname = "narrow"\ndeliver = ["wms"]\n{narrow}\n'
    text = head + first + second
    (hidden,) = [one for one in found(tmp_path, text) if one.severity == "error"]
    assert (hidden.key, hidden.line) == ("routes.narrow", line_of(text, second))
    assert '"wide" before it' in hidden.message
    if "equal" not in narrow:
        assert not [one for one in found(tmp_path, head + second + first) if one.severity == "error"]


def test_a_route_that_several_earlier_ones_hide_together_can_never_match(tmp_path: Path) -> None:
    routes = """
[[routes]]
name = "one"
when = { shop = ["au"] }
deliver = ["wms"]
[[routes]]
name = "two"
when = { country = ["SE"] }
deliver = ["wms"]
[[routes]]
name = "three"
when = { shop = ["b2b"], country = ["FI", "NO"] }
deliver = ["books"]
[[routes]]
name = "four"
when = { country = ["FI", "SE"] }
deliver = ["books"]
"""
    (problem,) = found(tmp_path, GOOD[: GOOD.index("[[routes]]")] + routes)
    assert (problem.key, problem.severity) == ("routes.four", "error")
    assert '"one", "two" and "three"' in problem.message


ALL_ROUTES = GOOD[GOOD.index("[[routes]]") :]
WARNINGS = {
    "shop without a route": Mistake("shops.b2b", ALL_ROUTES, ALL_ROUTES + 'when = { shop = ["au"] }', "no route takes"),
    "destination without a route": Mistake(BOOKS, '"books", ', "", "no route delivers"),
    "no routes": Mistake("routes", ALL_ROUTES, "", "every order is held"),
    "equal prefixes": Mistake("shops.b2b.number_prefix", 'number_prefix = "B-"\n', "", 'would meet at "wms"'),
    "http": Mistake(f"{BOOKS}.base_url", "https://erp", "http://erp", "unencrypted"),
    "many at a time": Mistake(f"{WMS}.max_in_flight", "goods", "max_in_flight = 2\ngoods", "one at a time"),
    "short standard secret": Mistake("shops.b2b.secrets[0]", "env:STD", "env:SHORT", "8 bytes"),
    "presentment": Mistake("shops.b2b.currency", "release =", 'currency = "presentment"\nrelease =', "no effect"),
}


@pytest.mark.parametrize("mistake", WARNINGS.values(), ids=WARNINGS)
def test_what_runs_but_may_surprise_is_one_warning(tmp_path: Path, mistake: Mistake) -> None:
    text = mistake.text()
    environ = {**ENV, "SHORT": base64.b64encode(b"8 bytes.").decode()}
    (warning,) = found(tmp_path, text, environ)
    assert (warning.severity, warning.key) == ("warning", mistake.key)
    assert mistake.words in str(warning)
    whole = {"shops.b2b": "[shops.b2b]", "routes": "[shops.au]"}  # no line of its own changed
    assert warning.line == (line_of(text, whole[mistake.key]) if mistake.key in whole else mistake.line())
    assert load(write(tmp_path, text), environ).shops


@pytest.mark.parametrize("host", ["localhost:9001", "127.0.0.1", "127.8.0.1:80", "[::1]:9001", "esuite.localhost"])
def test_http_on_this_machine_is_no_matter(tmp_path: Path, host: str) -> None:
    assert found(tmp_path, GOOD.replace("https://erp.example.com", f"http://{host}")) == []


@pytest.mark.parametrize("prefix", ["b-", "B-"])
def test_prefixes_that_differ_in_case_only_are_equal(tmp_path: Path, prefix: str) -> None:
    text = GOOD.replace("[shops.b2b]", f'number_prefix = "{prefix}"\n[shops.b2b]')
    assert [one.key for one in found(tmp_path, text)] == ["shops.b2b.number_prefix"]
