"""Orders for an Enapps destination, and a way to its stand-in without a network: calls may fail or be cut off."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sandbox.enapps import Enapps
from sandbox.journal import Journal
from schemas.enapps import EnappsDestination
from schemas.http import Call, Reply
from schemas.order import Order
from tasks.enapps import SYSTEM
from tasks.enapps.feeds import FEEDS
from tests import wire
from tests.wire import NOW, ORDER, SHOP, Said, fitting
from worker.feeds import Copied

What = Literal["refuse", "lose", "late", "cut", "html", "page", "error"]
"""What may become of a call, see :class:`tests.wire.Wire`."""


def destination(**changes: Any) -> EnappsDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "enapps-uk",
        "system": "enapps",
        "base_url": "https://demo.erp.example:4095/api/v1",
        "auth": {"mode": "bearer", "token": "sandbox-enapps-token"},
        "shipping_sku": "CARRIAGE",
        "timeout_s": 20,
    }
    return EnappsDestination.model_validate({**section, **changes})


def line(number: int = 1, sku: str | None = "MUG-BLUE", **changes: Any) -> dict[str, Any]:
    """One line: two of something for 24.00."""
    body = {"id": str(number), "sku": sku, "name": f"Thing {number}", "quantity": "2"}
    return {**body, "total_incl": "24.00", "tax": "4.00", **changes}


def order(**changes: Any) -> Order:
    """An order of a contact that the stand-in knows, with changes."""
    body: dict[str, Any] = {
        **ORDER,
        "currency": "GBP",
        "email": "mina@example.test",
        "ship_to": {
            "name": "Mina Okafor",
            "address1": "14 Quay St",
            "city": "Bristol",
            "postcode": "BS1",
            "country": "GB",
        },
        "lines": [line()],
    }
    return Order.model_validate({**body, **changes})


class Wire(wire.Wire):
    """The stand-in; while orders are ``hidden``, it lists none."""

    instead: Mapping[str, Said] = {
        "refuse": (400, '{"error":{"code":400,"message":"Not today."}}'),
        "error": (500, '{"error":{"code":500,"message":"broken"}}'),
    }
    after: Mapping[str, Said] = {**wire.Wire.after, "page": (200, "<html>One moment, please</html>")}

    def __init__(self, settings: Mapping[str, Any] | None = None, trouble: Mapping[int, str] | None = None) -> None:
        super().__init__(trouble)
        self.enapps = Enapps(Journal(None), settings=settings)
        self.hidden = False

    async def handle(self, call: Call) -> Reply:
        if self.hidden and (call.method, call.path) == ("GET", "orders"):
            return Reply(call=call, status=200, text="[]")
        login = {"authorization": "Bearer sandbox-enapps-token"}
        return await wire.ask(self.enapps, call, f"/api/v1/{call.path}", headers=login)

    def orders(self, number: str = "1001") -> list[dict[str, Any]]:
        """What the stand-in holds under a reference."""
        return self.enapps.orders().get(number, [])


class Copies:
    """Local copies, read from the stand-in as the feeds read them."""

    shop = SHOP

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Copied] = {}
        self.whole: set[str] = set()
        self.last_whole: set[str] = set()
        self.checkpoints: dict[str, Mapping[str, Any]] = {}

    async def read(self, http: Wire, place: EnappsDestination, *, now: float = NOW) -> list[str]:
        """Read every feed to its end, from where it stood; what went wrong."""
        problems = []
        self.last_whole = set()
        for feed in FEEDS:
            while True:
                batch = await feed.read(place, self.checkpoints.get(feed.name, {}), now, http)
                self.rows |= {(one.kind, one.key): one for one in batch.copies}
                self.last_whole |= batch.whole
                self.whole |= batch.whole
                self.checkpoints[feed.name] = json.loads(json.dumps(batch.checkpoint))
                if batch.problem is not None:
                    problems.append(batch.problem.reason)
                if not batch.more:
                    break
        return problems

    def number(self, digits: int) -> str:
        raise AssertionError("Enapps counts by itself")

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        """As the ledger finds them."""
        return fitting([*self.rows.values()], kind, key=key, ref=ref, email=email)

    def copied(self, destination: str, kind: str) -> bool:
        """As the ledger remembers it."""
        return kind in self.whole


class Story(wire.Story[Wire, EnappsDestination]):
    """The life of one delivery to Enapps."""

    system = SYSTEM
