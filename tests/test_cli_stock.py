"""``crossdock stock``, ``partners``, ``destinations`` over a ledger that was told things; what ``check`` says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Cli
from tests.config_file import ENV, GOOD, found, write
from tests.house import parts_order
from tests.ledgers import World
from worker.config import load
from worker.feeds import Batch, Copied, Stock
from worker.ledger import feeds
from worker.ledger import tables as t
from worker.outcomes import Retry

SKUS = 'goods_owner_id = 159\nskus = { "OUR-MUG" = "Mug-11oz" }'
IN_STOCK = '\n[[routes]]\nname = "rest"\nwhen = { in_stock = true }\n'
ADA = Copied(kind="contact", key="31", email="ada@x.example", name="Ada [L]", data={"partner": 7, "type": None})
SHOP = Copied(kind="partner", key="7", ref="CASH01", name="Cash sales")

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def crossdock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    cli = Cli(monkeypatch, tmp_path)
    path = write(tmp_path, GOOD.replace("goods_owner_id = 159", SKUS))
    cli.set(**ENV, CROSSDOCK_CONFIG=str(path), CROSSDOCK_HOME=str(tmp_path / "home"))
    return cli


@pytest.fixture
def world(crossdock: Cli, tmp_path: Path) -> Iterator[World]:
    """A ledger at the place where the command line looks."""
    (tmp_path / "home").mkdir()
    with World(f"sqlite:///{tmp_path}/home/crossdock.db") as world:
        world.configure(load(tmp_path / "crossdock.toml", {**os.environ}))
        yield world


def _told(world: World, name: str, *, feed: str = "stock", **brought: Any) -> None:
    def save(c: Any) -> bool:
        turn = feeds.take(c, name, feed, lease_s=60, now=world.now)
        assert turn is not None
        return feeds.save(c, turn, Batch(checkpoint={}, **brought), every_s=300, now=world.now)

    assert world.ledger.write(save)


def _row(printed: str, number: int = 1) -> str:
    return " ".join(printed.splitlines()[number].split())


def test_stock_shows_what_each_destination_says(crossdock: Cli, world: World) -> None:
    rows = [Stock(code="MUG-11OZ", quantity=Decimal("12.50"), name="Mug [red]"), Stock(code="TEE")]
    _told(world, "wms", stock=rows, whole=frozenset({"stock"}))
    _told(world, "books", stock=[Stock(code="OUR-MUG", quantity=Decimal(3))])
    shown = crossdock("stock", "OUR-MUG")
    assert _row(shown) == "books OUR-MUG 3 2027-01-15 08:00:00Z"
    assert _row(shown, 2) == "wms MUG-11OZ OUR-MUG 12.5 Mug [red] 2027-01-15 08:00:00Z"
    assert _row(crossdock("stock", "TEE")) == "wms TEE no figure 2027-01-15 08:00:00Z"
    assert _row(crossdock("stock", "NEVER")) == "wms NEVER not known 2027-01-15 08:00:00Z"
    assert [one["code"] for one in crossdock.json("stock", "--destination", "wms")["items"]] == ["MUG-11OZ", "TEE"]
    cut = crossdock("stock", "--limit", "1")
    assert "There are more than 1" in cut
    assert crossdock.json("stock", "--limit", "1")["next"] == "books/our-mug"


def test_stock_says_that_nothing_was_told_yet(crossdock: Cli, world: World) -> None:
    assert world.count(t.stock) == 0
    assert crossdock("stock").strip() == "no destination has told of its stock yet"
    assert crossdock("stock", "TEE").strip() == "no destination has told anything of TEE yet"
    assert "there are: books, wms" in crossdock("stock", "--destination", "erp", code=1)
    for feed in ("stock", "statuses"):
        _told(world, "wms", feed=feed, problem=Retry(code="timeout", reason=f"No {feed} in time."))
    shown = crossdock("stock")
    assert "wms stock: not read yet; No stock in time." in shown
    assert "statuses" not in shown, "it is none of the stock's"


def test_partners_are_shown_with_when_they_were_read_and_what_is_in_the_way(crossdock: Cli, world: World) -> None:
    _told(world, "books", feed="partners", copies=[SHOP])
    _told(world, "books", feed="contacts", copies=[ADA], problem=Retry(code="500", reason="The ERP is [broken]."))
    shown = crossdock("partners", "books")
    assert _row(shown) == "partner 7 CASH01 Cash sales"
    assert _row(shown, 2) == "contact 31 Ada [L] ada@x.example partner 7"
    assert "books contacts: not read yet; The ERP is [broken]." in shown
    assert "books partners: read 2027-01-15 08:00:00Z" in shown
    assert [one["key"] for one in crossdock.json("partners", "books", "-q", "cash")["items"]] == ["7"]
    assert "nobody fits" in crossdock("partners", "books", "-q", "nobody")
    assert "There are more than 1" in crossdock("partners", "books", "--limit", "1")
    assert "no partner or contact of wms was copied yet" in crossdock("partners", "wms")
    assert "there are: books, wms" in crossdock("partners", "erp", code=1)


def test_destinations_show_when_they_were_last_read(crossdock: Cli, world: World) -> None:
    _told(world, "wms", stock=[])
    _told(world, "wms", feed="statuses", problem=Retry(code="timeout", reason="No answer in time."))
    told = {one["name"]: one["feeds"] for one in crossdock.json("destinations")["items"]}
    assert told["books"] == []
    assert told["wms"] == [
        {"name": "statuses", "read_at": None, "problem": "No answer in time."},
        {"name": "stock", "read_at": "2027-01-15T08:00:00.000Z", "problem": None},
    ]
    for width in (None, 60, 160):
        shown = CONTROL.sub("", crossdock("destinations", width=width))
        assert "wms statuses: not read yet; No answer in time." in shown
        assert "wms stock: read 2027-01-15 08:00:00Z" in shown


# ------------------------------------------------------------------ plan without a ledger


def test_a_plan_needs_no_ledger_and_says_what_it_cannot_know(crossdock: Cli, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_bytes(parts_order("1001").body)
    [step] = crossdock.json("plan", str(path), "--shop", "b2b")["deliveries"]
    assert (step["destination"], step["remarks"]) == ("wms", [])
    assert len(step["requests"]) == 1


def test_a_plan_for_a_route_that_asks_for_stock_says_that_it_is_not_known_here(crossdock: Cli, tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace('\n[[routes]]\nname = "rest"\n', IN_STOCK))
    path = tmp_path / "order.json"
    path.write_bytes(parts_order("1001").body)
    shown = crossdock("plan", str(path), "--shop", "b2b")
    assert "What is in stock is not known here: there is no ledger at" in shown
    assert 'held: no route takes it for want of stock alone (route "rest" lacks stock: no destination' in shown


# ------------------------------------------------------------------ the configuration


def _errors(folder: Path, text: str) -> list[str]:
    return [f"{one.key}: {one.message}" for one in found(folder, text) if one.severity == "error"]


def test_a_route_for_stock_needs_a_destination_that_tells_it(tmp_path: Path) -> None:
    wanted = GOOD.replace('\n[[routes]]\nname = "rest"\n', IN_STOCK)
    assert _errors(tmp_path, wanted) == []
    off = wanted.replace("goods_owner_id = 159", "goods_owner_id = 159\nstock_minutes = 0")
    told = "routes.rest.when.in_stock: can never match: no destination of this route is asked for its stock"
    assert _errors(tmp_path, off) == [told]


def test_a_route_for_stock_does_not_hide_the_one_after_it(tmp_path: Path) -> None:
    more = '\n[[routes]]\nname = "last"\ndeliver = ["books"]\n'
    assert _errors(tmp_path, GOOD.replace('\n[[routes]]\nname = "rest"\n', IN_STOCK) + more) == []
    assert "can never match" in " ".join(_errors(tmp_path, GOOD + more))


def test_a_site_names_its_own_statuses(tmp_path: Path) -> None:
    own = 'goods_owner_id = 159\nstatuses = { 300 = "packed", 310 = "gone" }\nwebhook_token = "env:WMS"'
    place: Any = load(write(tmp_path, GOOD.replace("goods_owner_id = 159", own)), ENV).destinations["wms"]
    assert place.statuses == {300: "packed", 310: "gone"}
    assert place.webhook_token.get_secret_value() == "the-password"
    wrong = own.replace("310", "often").replace('"packed"', '""')
    assert len(_errors(tmp_path, GOOD.replace("goods_owner_id = 159", wrong))) == 2
