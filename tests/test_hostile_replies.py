"""Replies that are nearly right, or nothing of the kind: each of them is an answer, and none is a defect.

Seeded: any value of what the stand-in answers is replaced, left out or repeated, now and then all of it. Whatever an
attempt makes of it has a reason and can be stored, and once the answers are as they should be again, the order is
there once, with the name that the other side gave it.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from schemas.destination import Destination
from schemas.echo import exact, whole
from schemas.enapps.reply import created
from schemas.http import Call, Reply
from schemas.iws.reply import read_created
from schemas.ongoing_reply import differences, found_orders
from schemas.ongoing_soap_reply import opened
from schemas.order import Order
from tasks.enapps import SYSTEM as ENAPPS
from tasks.iws import SYSTEM as IWS
from tasks.ongoing import SYSTEM as ONGOING
from tests import enapps_wire, iws_wire, ongoing_fake, ongoing_soap_wire, wire
from tests.ongoing_soap_wire import answer_of
from worker.ledger.book import storable
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import System

SEEDS = 20
BAD_ATTEMPTS = 12
NO_NAME = re.compile(r"\s*(?:[\[{].*|True|False|None)?", re.DOTALL)

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 10**400, 1.5, 1e300, float("nan"), float("inf"), "", " ", "x", "x" * 5000),
    *("1e999999999", "1E-999999999", "1e9999", "NaN", "-Infinity", "\u0967", "<b onload=x>", "a\0b"),
    *([], {}, [[]], [None], {"": 1}, [{"id": "x"}], [1, "x"], [True, 2]),
    *("2026-02-30T00:00:00Z", "0001-01-01 00:00:00", "9999-12-31T23:59:59.999999", "ITEM-", "-7"),
    *("http://elsewhere.example/customer/salesorder?page[number]=2", "//elsewhere.example/salesorder", "http://[bad"),
)
WHOLE = ("", "null", "[]", "{}", "1", '"x"', "[" * 100_000, "[" * 900 + "]" * 900, '{"data":null}', "<html>x</html>")
ODD_XML = ("", "<x/>", "NaN", "1e999999999", "-1", "true", "maybe", "x" * 5000, "0001-01-01T00:00:00", "9" * 30, "1.0")
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>'
WHOLE_XML = ("", "<a/>", BOMB, "<a>" * 5000, "\0", "<Envelope><Body/></Envelope>")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    inner = [value[key] for key in keys if isinstance(value[key], dict | list)]
    return [(value, key) for key in keys] + [place for one in inner for place in _places(one)]


def _odd_json(text: str, dice: random.Random) -> str:
    if dice.random() < 0.1:
        return dice.choice((*WHOLE, text[: len(text) // 2]))
    try:
        value = [json.loads(text)]
    except ValueError:
        return text
    for _ in range(dice.randint(1, 3)):
        places = _places(value)
        if not places:
            break
        container, key = dice.choice(places)
        if dice.random() < 0.8:
            container[key] = copy.deepcopy(dice.choice(ODD))
        else:
            del container[key]
    return json.dumps(value[0]) if value else "null"


def _odd_xml(text: str, dice: random.Random) -> str:
    if dice.random() < 0.1:
        return dice.choice((*WHOLE_XML, text[: len(text) // 2]))
    elements = re.findall(r"<(\w+)>([^<>]*)</\1>", text)
    for name, value in dice.sample(elements, min(len(elements), dice.randint(1, 3))):
        new = dice.choice((f"<{name}>{dice.choice(ODD_XML)}</{name}>", "", f"<parent>{value}</parent>"))
        text = text.replace(f"<{name}>{value}</{name}>", new, 1)
    return text


@dataclass
class Hostile:
    """An Http whose answers are spoilt, as long as it is ``bad``; what was asked is carried out all the same."""

    wire: wire.Wire
    spoil: Callable[[str, random.Random], str]
    dice: random.Random
    bad: bool = True
    spoilt: int = 0

    async def send(self, call: Call) -> Reply:
        reply = await self.wire.send(call)
        if not self.bad or self.dice.random() < 0.4:
            return reply
        self.spoilt += 1
        return replace(reply, text=self.spoil(reply.text, self.dice))


class Rest(ongoing_soap_wire.Wire):
    """The warehouse over REST."""

    async def handle(self, call: Call) -> Reply:
        login = {"authorization": "Basic " + base64.b64encode(b"WSI-sandbox:sandbox-ongoing").decode()}
        return await wire.ask(self.ongoing, call, f"/api/v1/{call.path}", headers=login)


@dataclass
class Way:
    """One order on its way to one system."""

    system: System[Any]
    wire: wire.Wire
    order: Order
    place: Destination
    live: Callable[[], int]
    shelf: Any = field(default_factory=lambda: wire.Shelf("0".zfill))
    spoil: Callable[[str, random.Random], str] = _odd_json


def _iws() -> Way:
    there = iws_wire.Wire()
    return Way(IWS, there, iws_wire.order(), iws_wire.destination(), there.live)


def _iws_by_email() -> Way:
    there = iws_wire.Wire()
    return Way(IWS, there, iws_wire.order(), iws_wire.destination(customer="email"), there.live)


def _enapps() -> Way:
    there, copies = enapps_wire.Wire(), enapps_wire.Copies()
    asyncio.run(copies.read(there, enapps_wire.destination()))
    place = enapps_wire.destination()
    return Way(ENAPPS, there, enapps_wire.order(), place, lambda: len(there.orders()), copies)


def _soap() -> Way:
    there, order = ongoing_soap_wire.Wire(), Order.model_validate(ongoing_fake.PLAIN)
    place = ongoing_soap_wire.destination()
    return Way(ONGOING, there, order, place, lambda: there.ongoing.counts().get("1001", 0), spoil=_odd_xml)


def _rest() -> Way:
    there, order = Rest(), Order.model_validate(ongoing_fake.PLAIN)
    return Way(ONGOING, there, order, ongoing_fake.DESTINATION, lambda: there.ongoing.counts().get("1001", 0))


WAYS = {"iws": _iws, "iws by e-mail": _iws_by_email, "enapps": _enapps, "soap": _soap, "rest": _rest}


def _storable(outcome: Outcome) -> None:
    for text in (getattr(outcome, name, "") for name in ("reason", "hint", "note")):
        assert len(storable(text)) < 20_000
    if isinstance(outcome, Delivered):
        assert not NO_NAME.fullmatch(outcome.reference or ""), outcome.reference
        return
    assert outcome.reason
    assert isinstance(outcome, Retry) or outcome.hint


async def _one_life(way: Way, dice: random.Random) -> tuple[Outcome | None, int]:
    """Attempts with spoilt answers and then with good ones; how it ended, and how many answers were spoilt."""
    http, kept, ended = Hostile(way.wire, way.spoil, dice), wire.Kept(now=time.time()), None
    for attempt in range(BAD_ATTEMPTS * 3):
        http.bad = attempt < BAD_ATTEMPTS
        ended = await kept.try_once(way.system, way.order, way.place, way.shelf, http, number="1001")
        assert ended is not None
        _storable(ended)
        assert way.live() <= 1, kept.said
        if isinstance(ended, Delivered) and not http.bad:
            break
        kept.now += max(getattr(ended, "after", None) or 0.0, 1.0)
    return ended, http.spoilt


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_answer_is_a_defect_loses_an_order_or_makes_two_of_it(name: str, seed: int) -> None:
    way = WAYS[name]()
    ended, spoilt = asyncio.run(_one_life(way, random.Random(f"{seed} {name}")))
    assert spoilt > 0
    assert way.live() == 1
    assert isinstance(ended, Delivered) or (isinstance(ended, Reject) and ended.hold), ended


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("seed", range(SEEDS // 2))
def test_a_feed_tells_what_it_cannot_read_and_goes_on_when_it_can(name: str, seed: int) -> None:
    way = WAYS[name]()

    async def all_feeds() -> None:
        await wire.Kept(now=time.time()).try_once(way.system, way.order, way.place, way.shelf, way.wire, number="1001")
        dice = random.Random(f"{seed} {name} feeds")
        for feed in way.system.feeds:
            http, batch = Hostile(way.wire, way.spoil, dice), None
            checkpoint: dict[str, Any] = {}
            for reading in range(12):
                http.bad = reading < 7
                batch = await feed.read(way.place, checkpoint, time.time() + 60 * reading, http)
                checkpoint = json.loads(json.dumps(dict(batch.checkpoint)))
                assert batch.problem is None or batch.problem.reason
            assert batch is not None
            assert batch.problem is None, (feed.name, batch.problem)

    asyncio.run(all_feeds())


# ---------------------------------------------------------------- one at a time


@pytest.mark.parametrize("value", ["1e999999999", "-1e999999999", "1E-999999999", 1e300, 10**400, "9" * 41, "0E+99999"])
def test_a_number_that_nobody_can_write_out_is_none(value: object) -> None:
    assert exact(value) is None
    assert whole(value) is None


@pytest.mark.parametrize("value", ["0", "0.000", "-12.5", "99999999999999999999", 1e20, "1E+3", 0.1 + 0.2])
def test_a_number_of_this_world_stays_exact(value: object) -> None:
    assert exact(value) == Decimal(str(value))


def _reply(body: Any, status: int = 200) -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(call=Call("GET", "orders"), status=status, text=text)


@pytest.mark.parametrize("odd", [5, True, "x", {"rowNumber": "11"}, [5], [None]], ids=str)
def test_lines_that_are_no_list_are_no_lines(odd: object) -> None:
    job = ongoing_fake.job()
    shown = ongoing_fake.shown(job) | {"orderLines": odd}
    [found] = found_orders([shown], number="1001")
    assert "orderLines[11]" in differences(ongoing_fake.body_of(job.order, shop="acme-se"), found)


def test_an_element_may_have_any_name() -> None:
    info = "<parent>1</parent><self>2</self><name>3</name><OrderId>501</OrderId>"
    inner = f"<Orders><Order><OrderInfo>{info}</OrderInfo></Order></Orders>"
    orders = opened(_reply(answer_of("GetOrdersByQuery", inner))).orders
    assert orders is not None
    assert (orders[0]["orderInfo"]["parent"], orders[0]["orderInfo"]["orderId"]) == ("1", "501")


@pytest.mark.parametrize("odd", [None, True, [], [1, "x"], {}, {"a": 1}], ids=str)
def test_what_is_no_text_is_no_name_of_an_order(odd: object) -> None:
    made = read_created(_reply({"data": {"id": odd, "attributes": {"salesOrderCode": "SO-1"}}, "links": {}}))
    assert made is not None
    assert made.id == "SO-1"
    assert read_created(_reply({"data": {"id": odd, "attributes": {}}, "links": {}})) is None
    assert created(_reply({"id": 90211, "name": odd})) == (90211, "")
