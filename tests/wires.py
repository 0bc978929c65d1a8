"""One order on a real ledger, and the stand-ins of its route without a network: calls go wrong or are cut off."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.esuite import Esuite
from sandbox.journal import Journal
from sandbox.manex import Manex
from sandbox.ongoing import Ongoing
from sandbox.system import System
from schemas.config import Config
from schemas.destination import Destination, Unmappable
from schemas.esuite import EsuiteDestination
from schemas.http import Call, Reply
from schemas.ongoing import OngoingDestination
from schemas.order import Order
from schemas.routing import number_at_destination
from tasks import esuite, manex, ongoing
from tests import manex_wire, wire
from tests.ledgers import LEASE_S, PROBE_S, World
from tests.manex_wire import What
from tests.wire import CutOff
from worker import system as systems
from worker.ledger import claims
from worker.ledger.book import read_order
from worker.ledger.claims import Claim
from worker.outcomes import Outcome, Reject
from worker.system import Job

Goods = tuple[tuple[str, Decimal, Decimal], ...]
"""SKU, quantity and money with tax of each line, sorted."""

CHARGE = "FREIGHT"
UNFINISHED = "without one price and one due date"
STEPS = 80
"""Attempts within which everything has to stand still once all is well."""


def _bearer(_: Call) -> dict[str, str]:
    return {"authorization": "Bearer sandbox-esuite"}


def _basic(_: Call) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(b"WSI-sandbox:sandbox-ongoing").decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A system, and how its stand-in is spoken to.

    Attributes:
        root: what its base_url ends with.
        refusal: status and body of a refusal that is about the order.
        in_turn: the other side carries writes out one after the other, so that none overtakes another
            (contracts/ongoing.md 1.8).
    """

    name: str
    system: systems.System[Any]
    stand_in: Callable[..., System]
    destination: Destination
    root: str
    refusal: tuple[int, Mapping[str, Any]]
    headers: Callable[[Call], dict[str, str]] = lambda _: {}
    in_turn: bool = False


ESUITE = Kind(
    name="esuite",
    system=esuite.SYSTEM,
    stand_in=Esuite,
    destination=EsuiteDestination.model_validate(
        {
            "name": "esuite",
            "system": "esuite",
            "base_url": "https://esuite.example/api/v2",
            "auth": {"mode": "bearer", "token": "sandbox-esuite"},
            "shipping_sku": CHARGE,
            "fields": {"AccountRef": "CASH01", "BatchType": "SAR", "TransType": "SOR", "TransLedger": "S"},
            "payments": {"*": {"PaymentType": "WEB", "AuthBankPosted": "B"}},
        }
    ),
    root="/api/v2/",
    refusal=(400, {"StatusCode": "400", "Description": "Not today."}),
    headers=_bearer,
)
ONGOING = Kind(
    name="ongoing",
    system=ongoing.SYSTEM,
    stand_in=Ongoing,
    destination=OngoingDestination.model_validate(
        {
            "name": "ongoing",
            "system": "ongoing",
            "base_url": "https://ongoing.example/api/v1",
            "auth": {"mode": "basic", "username": "WSI-sandbox", "password": "sandbox-ongoing"},
            "goods_owner_id": 159,
        }
    ),
    root="/api/v1/",
    refusal=(400, {"message": "Not today."}),
    headers=_basic,
    in_turn=True,
)
MANEX = Kind(
    name="manex",
    system=manex.SYSTEM,
    stand_in=Manex,
    destination=manex_wire.destination(name="manex", skus={}),
    root="/",
    refusal=(200, manex_wire.REFUSAL),
)
KINDS = {kind.name: kind for kind in (ESUITE, ONGOING, MANEX)}


class Wire(wire.Wire):
    """A stand-in as the attempts of one order see it.

    ``trouble``: what happens to the calls of the attempt that is under way, by their number from 1; ``meanwhile`` is
    done while its first call is on the way.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        status, body = kind.refusal
        self.instead = {**self.instead, "refuse": (status, json.dumps(body))}
        self.kind = kind
        self.there = kind.stand_in(Journal(None))
        self.meanwhile: Callable[[], None] | None = None

    def begin(self, trouble: Mapping[int, What], meanwhile: Callable[[], None] | None) -> None:
        """An attempt begins."""
        self.calls, self.trouble, self.meanwhile = [], trouble, meanwhile

    async def sent(self, call: Call, what: str | None) -> Reply:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return await super().sent(call, what)

    async def carry_out(self, call: Call) -> Reply:
        """What the stand-in answers; where writes are taken in turn, those before it are carried out first."""
        if self.kind.in_turn and call.method != "GET":
            for before in self.forget_late():
                await self.handle(before)
        return await self.handle(call)

    async def handle(self, call: Call) -> Reply:
        path, params = f"{self.kind.root}{call.path}", list(call.params)
        if self.kind is MANEX:
            path += "" if call.key_param else "/SANDBOX123"
            params += [(call.key_param, "SANDBOX123")] if call.key_param else []
        return await wire.ask(self.there, call, path, params=params, headers=self.kind.headers(call))

    # ------------------------------------------------------------------ what is there

    async def goods(self, number: str) -> list[tuple[Goods, str]]:
        """What the stand-in has of an order: goods and street of each live object with something in it."""
        found = await {"esuite": self._esuite, "ongoing": self._ongoing, "manex": self._manex}[self.kind.name](number)
        return [(tuple(sorted(rows)), street) for rows, street in found if rows]

    async def _esuite(self, number: str) -> list[tuple[list[Any], str]]:
        params = (("TransYourRef", number), ("InclDetails", "1"), ("InclDelivery", "1"))
        answer = await self.handle(Call("GET", "trans", params=params))
        rows = answer.json()["Trans"] if answer.status == 200 else []
        return [
            (
                [_line(one["StockCode"], one["LineQty"], one["LineTotalIncGST"]) for one in row["T_TrnDet"]],
                row["T_TrnDlv"][0]["DlvAddress1"],
            )
            for row in rows
        ]

    async def _ongoing(self, number: str) -> list[tuple[list[Any], str]]:
        params = (("goodsOwnerId", "159"), ("orderNumber", number))
        answer = await self.handle(Call("GET", "orders", params=params))
        return [
            (
                [
                    _line(
                        row["article"]["articleNumber"], row["orderedNumberOfItems"], row["prices"]["customerLinePrice"]
                    )
                    for row in one["orderLines"] or ()
                ],
                one["consignee"]["address1"],
            )
            for one in answer.json()
            if one["orderInfo"]["orderStatus"]["number"] != 1000
        ]

    async def _manex(self, number: str) -> list[tuple[list[Any], str]]:
        found = []
        for one in self.there.orders().get(number, []):
            rows = [row for row in one["lines"] if row["STATUS"] != "CANCEL"]
            rows = [row if _whole(row) else {**row, "part_no": UNFINISHED, "prices": [{"extended": 0}]} for row in rows]
            goods = [_line(row["part_no"], row["ORD_QTY"], row["prices"][0]["extended"]) for row in rows]
            found.append((goods, one["note"].partition("Ship to: Nell, ")[2].partition(",")[0]))
        return found


def _whole(row: Mapping[str, Any]) -> bool:
    """A line of ManEx with one price and one due date."""
    return len(row["prices"]) == 1 and [due["QTY"] for due in row["due_dates"]] == [row["ORD_QTY"]]


def _line(sku: str, quantity: Any, money: Any) -> tuple[str, Decimal, Decimal]:
    return sku, Decimal(str(quantity)), Decimal(str(money))


def config(*deliver: str) -> Config:
    """Every order goes to these destinations."""
    shop = {"name": "tea", "platform": "standard", "secrets": ["s"], "release": "placed"}
    return Config.model_validate(
        {
            "shops": {"tea": shop},
            "destinations": {name: KINDS[name].destination for name in deliver},
            "routes": [{"name": "all", "deliver": deliver}],
        }
    )


@dataclass(slots=True)
class Life:
    """The life of one order on a ledger, from its first version until everything stands still."""

    world: World
    number: str
    wires: dict[str, Wire] = field(init=False)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wires = {name: Wire(KINDS[name]) for name in self.world.config.destinations}

    def order(self) -> Order:
        """The newest version, with the edits in it."""
        row = self.world.order(self.number)
        found = read_order(row.shop_version, row.edit)
        assert found is not None
        return found

    def attempt(
        self, name: str, trouble: Mapping[int, What] | None = None, *, meanwhile: Callable[[], None] | None = None
    ) -> bool:
        """One attempt, where one is due or will be; False where the delivery does not move."""
        claim = self._claim(name)
        if claim is None:
            return False
        to = self.wires[name]
        to.begin(trouble or {}, meanwhile)
        outcome = asyncio.run(self._converge(claim, to))
        if outcome is None:
            self.log.append(f"{name}: cut off")
            self.world.now += LEASE_S + 1
            self.world.reclaim()
        else:
            self.log.append(f"{name}: {outcome}")
            self.world.end(claim, outcome)
        asyncio.run(to.catch_up())
        return True

    def _claim(self, name: str) -> Claim | None:
        world = self.world
        rows = [row for row in world.deliveries(self.number) if row.destination == name]
        if not rows or rows[0].state not in ("ready", "retrying"):
            return None
        world.now = max(world.now, rows[0].due_at, world.health(name).paused_until or 0.0) + 0.1
        kind, place = KINDS[name], world.config.destinations[name]
        return world.ledger.write(
            lambda c: claims.claim(
                c,
                place,
                [rows[0].id],
                worker="w",
                lease_s=LEASE_S,
                probe_s=PROBE_S,
                now=world.now,
                prepare=kind.system.prepare,
            )
        )

    async def _converge(self, claim: Claim, to: Wire) -> Outcome | None:
        [claimed] = claim.jobs
        job = Job(
            order=claimed.order,
            number=number_at_destination(claimed.order, self.world.config.shops["tea"]),
            shop=claimed.shop,
            destination=self.world.config.destinations[claim.destination],
            in_doubt=claimed.in_doubt,
            memo=claimed.memo,
            interrupted=claimed.interrupted,
            now=self.world.now,
        )
        try:
            return await to.kind.system.converge(job, to)
        except CutOff:
            return None
        except Unmappable as error:
            doubt = claimed.in_doubt or bool(to.calls)
            return Reject(code=error.code, reason=str(error), hint=error.hint, hold=error.hold, in_doubt=doubt)

    def stand_still(self) -> None:
        """All is well at the other side: attempts until nothing moves any more."""
        for _ in range(STEPS):
            moved = [self.attempt(name) for name in self.wires]
            if not any(moved):
                return
        raise AssertionError(f"it never stands still: {self.log}")

    def unlike(self, name: str) -> str:
        """How a destination differs from the newest version; empty where it has it exactly once."""
        found, wanted = asyncio.run(self.wires[name].goods(self.number)), self._wanted(name)
        return "" if found == wanted else f"{name} has {found}, and the order is {wanted}"

    def _wanted(self, name: str) -> list[tuple[Goods, str]]:
        order = self.order()
        rows = [_open(line.sku or "", line.quantity, line.open_quantity, line.total_incl) for line in order.lines]
        rows = [row for row in rows if row[1]]
        if order.cancelled or not rows:
            return []
        if name != "ongoing":
            rows += [_line(CHARGE, 1, charge.total_incl) for charge in order.shipping]
        assert order.ship_to is not None
        return [(tuple(sorted(rows)), order.ship_to.address1 or "")]


def _open(sku: str, quantity: Decimal, still: Decimal, total: Decimal) -> tuple[str, Decimal, Decimal]:
    """The open part of a line; the tests' prices divide."""
    return _line(sku, still, total * still / quantity)
