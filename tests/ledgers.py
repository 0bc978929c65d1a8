"""A ledger for tests: one shop, three destinations, a clock that stands still, and what always holds of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Row, select, update

from schemas.config import Config
from schemas.destination import Destination
from schemas.order import Order
from schemas.webhook import CREATED, REMOVED, UPDATED, Webhook
from worker.ledger import arrivals, claims, destinations, records, replays, upkeep
from worker.ledger import tables as t
from worker.ledger.arrivals import Answer, Arrival
from worker.ledger.claims import Claim, Claimed
from worker.ledger.engine import Ledger
from worker.ledger.migrate import migrate
from worker.ledger.records import Record, Result
from worker.ledger.replays import Replayed
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

T0 = 1_800_000_000.0
PROBE_S = 180.0
LEASE_S = 20.0

DELIVERED = Delivered(reference="R-1", memo={"id": 1})
TIMEOUT = Retry(code="timeout", reason="no answer in time", in_doubt=True)
REFUSED = Retry(code="500", reason="the server failed")
UNKNOWN_SKU = Reject(code="unknown_sku", reason="no such stock code", hint="mend the SKU")
KEY_REFUSED = Suspend(code="unauthorized", reason="the key is refused", hint="mend the key")


def sqlalchemy_url(database_url: str) -> str:
    """The address as the ledger takes it."""
    return database_url.replace("postgresql://", "postgresql+psycopg://")


def destination(name: str, **more: Any) -> Destination:
    """A section of ``crossdock.toml``."""
    auth = {"mode": "bearer", "token": "hush"}
    return Destination.model_validate(
        {"name": name, "system": "esuite", "base_url": "http://127.0.0.1:1", "auth": auth, **more}
    )


def config(
    *,
    deliver: Sequence[str] = ("a", "b"),
    routes: Sequence[Mapping[str, Any]] | None = None,
    release: str = "paid",
    **sections: Mapping[str, Any],
) -> Config:
    """Shops ``tea`` and ``mugs``, destinations ``a``, ``b`` and ``c``, each with what ``sections`` says of it."""
    shop = {"platform": "standard", "secrets": ["s"], "release": release}
    return Config.model_validate(
        {
            "shops": {name: {"name": name, **shop} for name in ("tea", "mugs")},
            "destinations": {name: destination(name, **sections.get(name, {})) for name in ("a", "b", "c")},
            "routes": routes or [{"name": "all", "deliver": list(deliver)}],
        }
    )


def order(number: str, *, minute: float = 0, **changes: Any) -> Order:
    """An order as the shop sees it ``minute`` minutes after it was placed."""
    second = round(minute * 60)
    return Order.model_validate(
        {
            "shop_order_id": f"id-{number}",
            "number": number,
            "version": f"2026-11-20T{10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
            "placed_at": "2026-11-20T10:00:00Z",
            "currency": "AUD",
            "lines": [{"id": "1", "sku": "BOLT", "quantity": "1", "total_incl": "11.00", "tax": "1.00"}],
            **changes,
        }
    )


def webhook(
    number: str, *, key: str | None = None, rank: int = UPDATED, tie: str = "", minute: float = 0, **changes: Any
) -> Webhook:
    """A webhook that carries an order. ``key``: its dedupe key; none of its own where it is None."""
    made = order(number, minute=minute, **changes)
    return Webhook(
        topic="order.created" if rank == CREATED else "order.updated",
        kind="order",
        keys=(key,) if key else (),
        shop_order_id=made.shop_order_id,
        order=made,
        rank=rank,
        tie=tie,
    )


def removal(number: str) -> Webhook:
    """The shop deleted the order, and tells no more than its id."""
    return Webhook(topic="order.deleted", kind="removed", shop_order_id=f"id-{number}", rank=REMOVED)


def unreadable(number: str | None) -> Webhook:
    """A genuine webhook that nobody understands."""
    found = f"id-{number}" if number else None
    return Webhook(topic="order.updated", kind="unreadable", shop_order_id=found, reason="lines: is missing")


class World:
    """A migrated ledger, and everyone who works on it. Time passes only by ``now +=``."""

    def __init__(self, database_url: str, configured: Config | None = None) -> None:
        self.url = sqlalchemy_url(database_url)
        self.ledger = Ledger(self.url)
        migrate(self.ledger)
        self.now = T0
        self.configure(configured or config())

    def configure(self, configured: Config) -> None:
        """Begin with this configuration, as web and workers do when they start."""
        self.config = configured
        self.ledger.write(
            lambda c: destinations.register(c, self.config.destinations.values(), now=self.now),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None:
                self.check()
        finally:
            self.ledger.close()

    # ------------------------------------------------------------ the shop

    def take(
        self,
        *webhooks: Webhook,
        shop: str = "tea",
        body: bytes = b"{}",
        exact: bool = False,
        received_at: float | None = None,
    ) -> list[Answer]:
        """Store webhooks in one transaction."""
        at = self.now if received_at is None else received_at
        came = [Arrival(shop=shop, webhook=one, body=body, headers={}, received_at=at, exact=exact) for one in webhooks]
        return self.ledger.write(lambda c: arrivals.accept(c, came, config=self.config, now=self.now))

    def place(self, number: str, **changes: Any) -> Answer:
        """One new order, or a newer version of one."""
        return self.take(webhook(number, **changes))[0]

    # ------------------------------------------------------------ workers

    def claim(self, name: str, ids: Iterable[int] | None = None, *, lease_s: float = LEASE_S) -> Claim | None:
        """Claim deliveries of a destination, all of them by default."""
        wanted = list(ids) if ids is not None else [row.id for row in self.deliveries(destination=name)]
        place = self.config.destinations[name]
        return self.ledger.write(
            lambda c: claims.claim(c, place, wanted, worker="w", lease_s=lease_s, probe_s=PROBE_S, now=self.now)
        )

    def claimed(self, name: str, number: str | None = None) -> Claim:
        """Claim, where there is something to claim: one order's delivery, or all."""
        claim = self.claim(name, None if number is None else [self.delivery(number, name).id])
        assert claim is not None, f"nothing to claim at {name}"
        return claim

    def record(self, claim: Claim, *outcomes: Outcome, answered: bool = True, interrupted: bool = False) -> Record:
        """Record an outcome for each of a claim's first jobs."""
        results = [
            Result(job=job, outcome=outcome, seconds=0.1, answered=answered, interrupted=interrupted)
            for job, outcome in zip(claim.jobs, outcomes, strict=False)
        ]
        place = self.config.destinations[claim.destination]
        return self.ledger.write(
            lambda c: records.record(
                c, results, lease_id=claim.lease_id, destination=place, probe_s=PROBE_S, now=self.now
            )
        )

    def release(self, claim: Claim, *, untouched: Sequence[Claimed] = (), batch: int = 50) -> list[str]:
        """End a lease; the numbers of the orders that are rung for."""
        ids = [job.id for job in untouched]
        rung = self.ledger.write(
            lambda c: claims.release(
                c, claim.lease_id, destination=claim.destination, untouched=ids, batch=batch, now=self.now
            )
        )
        return [number for _, number in rung]

    def end(self, claim: Claim, *outcomes: Outcome, answered: bool = True, interrupted: bool = False) -> Record:
        """Record, and end the lease."""
        done = self.record(claim, *outcomes, answered=answered, interrupted=interrupted)
        self.release(claim)
        return done

    def try_once(
        self, number: str, name: str, outcome: Outcome, *, answered: bool = True, interrupted: bool = False
    ) -> Record:
        """One whole attempt of one delivery, due or not, its destination paused or not."""
        self.now = max(self.now, self.delivery(number, name).due_at, self.health(name).paused_until or 0.0)
        return self.end(self.claimed(name, number), outcome, answered=answered, interrupted=interrupted)

    # ------------------------------------------------------------ beat, and people

    def reclaim(self) -> int:
        """Take back what dead workers held."""
        return self.ledger.write(lambda c: claims.reclaim(c, now=self.now))

    def ring(self, name: str, *, limit: int = 50, older_than: float | None = None) -> list[str]:
        """Ring for what is due: order numbers."""
        rung = self.ledger.write(lambda c: claims.ring(c, name, limit=limit, older_than=older_than, now=self.now))
        return [number for _, number in rung]

    def probe(self, name: str) -> list[str]:
        """Which delivery would probe a suspended destination: its order's number."""
        with self.ledger.read() as c:
            return [number for _, number in upkeep.probe(c, name, now=self.now)]

    def suspend(self, name: str) -> None:
        """By hand."""
        self.ledger.write(
            lambda c: destinations.suspend(
                c, name, code="by_hand", reason="stocktaking", hint="", probe_at=None, now=self.now
            )
        )

    def resume(self, name: str) -> int:
        """By hand."""
        return self.ledger.write(lambda c: destinations.resume(c, name, now=self.now))

    def replay(self, *numbers: str, **more: Any) -> Replayed:
        """By hand."""
        ids = [self.order(number).id for number in numbers]
        return self.ledger.write(lambda c: replays.replay(c, ids, config=self.config, now=self.now, by="test", **more))

    def matching(self, **rules: Any) -> list[str]:
        """Numbers of the orders that a bulk replay means."""
        with self.ledger.read() as c:
            ids = replays.matching(c, **rules)
        return [self._order(t.orders.c.id == order_id).number for order_id in ids]

    # ------------------------------------------------------------ what the ledger says

    def order(self, number: str, shop: str = "tea") -> Row[Any]:
        """An order's row, by its number when it was placed."""
        return self._order((t.orders.c.shop_order_id == f"id-{number}") & (t.orders.c.shop == shop))

    def _order(self, which: Any) -> Row[Any]:
        with self.ledger.read() as c:
            return c.execute(select(t.orders).where(which)).one()

    def orders(self) -> list[Row[Any]]:
        """All orders' rows."""
        with self.ledger.read() as c:
            return list(c.execute(select(t.orders).order_by(t.orders.c.id)))

    def delivery(self, number: str, name: str) -> Row[Any]:
        """A delivery's row."""
        [found] = [row for row in self.deliveries(number) if row.destination == name]
        return found

    def deliveries(self, number: str | None = None, *, destination: str | None = None) -> list[Row[Any]]:
        """Deliveries by order and position."""
        query = select(t.deliveries).order_by(t.deliveries.c.order_id, t.deliveries.c.position)
        if number is not None:
            query = query.where(t.deliveries.c.order_id == self.order(number).id)
        if destination is not None:
            query = query.where(t.deliveries.c.destination == destination)
        with self.ledger.read() as c:
            return list(c.execute(query))

    def states(self, number: str) -> str:
        """``delivered ready``: an order's deliveries in the order of its route, what another route had left out."""
        return " ".join(row.state for row in self.deliveries(number) if row.code != "other_route")

    def events(self, number: str, kind: str | None = None) -> list[str]:
        """An order's timeline: texts."""
        query = select(t.events).where(t.events.c.order_id == self.order(number).id).order_by(t.events.c.id)
        with self.ledger.read() as c:
            return [row.text for row in c.execute(query) if kind in (None, row.kind)]

    def health(self, name: str) -> Row[Any]:
        """A destination's row."""
        with self.ledger.read() as c:
            return c.execute(select(t.destinations).where(t.destinations.c.name == name)).one()

    def count(self, table: Any) -> int:
        """Rows of a table."""
        with self.ledger.read() as c:
            return len(c.execute(select(table)).all())

    def set(self, number: str, name: str, **values: Any) -> None:
        """Write into a delivery's row, to begin where a story would take long to get to."""
        found = self.delivery(number, name).id
        self.ledger.write(lambda c: c.execute(update(t.deliveries).where(t.deliveries.c.id == found).values(values)))

    # ------------------------------------------------------------ what must hold

    def check(self) -> None:
        """Whatever was done, the ledger agrees with itself."""
        with self.ledger.read() as c:
            orders = c.execute(select(t.orders)).all()
            rows = c.execute(select(t.deliveries).order_by(t.deliveries.c.position)).all()
            leases = set(c.scalars(select(t.leases.c.id)))
            places = {row.name: row.status for row in c.execute(select(t.destinations))}
        by_order: dict[int, list[Row[Any]]] = {}
        for row in rows:
            by_order.setdefault(row.order_id, []).append(row)
        for one in orders:
            mine = by_order.get(one.id, [])
            seen = f"order {one.number}: {[(row.destination, row.state, row.held_by) for row in mine]}"
            assert one.status == status_of(one, [row.state for row in mine], sum(row.attempts for row in mine)), seen
            _check_order(one, mine, seen)
        for row in rows:
            seen = f"delivery {row.id}: {row}"
            assert (row.lease_id is not None) is (row.state == "delivering"), seen
            assert row.lease_id is None or row.lease_id in leases, f"in nobody's hands: {seen}"
            assert (row.held_by is not None) is (row.state == "held"), seen
            assert row.attempts >= 0, seen
            assert row.state not in ("held", "dead", "retrying") or row.reason, f"without a reason: {seen}"
            assert row.held_by != "destination" or places[row.destination] == "suspended", f"nobody lets it go: {seen}"


def _check_order(one: Row[Any], deliveries: Sequence[Row[Any]], seen: str) -> None:
    # A cancel goes through the route from its end.
    sequence = list(reversed(deliveries)) if one.cancelled and one.cancels == "reverse" else deliveries
    open_ones = [row.state for row in sequence if row.state not in ("delivered", "cancelled")]
    moving = {"ready", "retrying", "waiting"}
    if one.hold is not None:
        assert not moving & set(open_ones), f"on hold, and yet it moves: {seen}"
    if open_ones and not one.test:
        assert open_ones[0] != "waiting", f"it waits for nobody: {seen}"
        together = one.cancelled and one.cancels == "at once"
        assert open_ones.count("ready") + open_ones.count("retrying") <= 1 or together, f"out of turn: {seen}"
    if not one.cancelled and not one.test and one.hold is None:
        late = [row for row in deliveries if row.state == "delivered" and row.content_done != one.content]
        assert not late or open_ones, f"an older version stays there: {seen}"
        assert all(row.state != "cancelled" or row.code == "other_route" for row in deliveries), f"lost: {seen}"


def status_of(one: Any, states: Sequence[str], attempts: int) -> str:
    """An order's status, as docs/how-it-works.md says it."""
    if one.test:
        return "ignored"
    if "dead" in states:
        return "dead"
    if one.hold is not None or "held" in states:
        return "held"
    if all(state in ("delivered", "cancelled") for state in states):
        if one.cancelled and "delivered" not in states:
            return "cancelled"
        return "delivered" if states else "received"
    begun = attempts > 0 or any(state in ("delivering", "retrying", "delivered") for state in states)
    return "delivering" if begun else "received"
