"""Everything at once on one ledger: no error gets out, nothing is in two hands, and in the end the ledger is right."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from schemas.webhook import Webhook
from tests.ledgers import (
    DELIVERED,
    KEY_REFUSED,
    REFUSED,
    TIMEOUT,
    UNKNOWN_SKU,
    World,
    config,
    removal,
    unreadable,
    webhook,
)
from worker.intake import store
from worker.ledger import destinations
from worker.ledger import tables as t
from worker.ledger.arrivals import Arrival
from worker.ledger.claims import Claim
from worker.ledger.replays import EditRefusedError
from worker.outcomes import Outcome, Reject, Retry

SECONDS = 4.0
ORDERS = 40
LEASE_S = 0.3
OUTCOMES: Sequence[Outcome] = (
    *([DELIVERED] * 8),
    TIMEOUT,
    REFUSED,
    UNKNOWN_SKU,
    KEY_REFUSED,
    Retry(code="429", reason="busy", after=0.1, everyone=True),
    Retry(code="looking", reason="looked for once more", after=0.01, counts=False, memo={"looked_at": 1}),
    Reject(code="deleted", reason="someone deleted it", hold=True, in_doubt=True),
)


class Running(World):
    """A world whose clock runs."""

    @property
    def now(self) -> float:
        return time.time()

    @now.setter
    def now(self, _: float) -> None:
        return


class Everyone:
    """Web, workers, beat and operators, each a thread."""

    def __init__(self, world: Running, *, seed: int) -> None:
        self.world = world
        self.over = threading.Event()
        self.errors: list[BaseException] = []
        self.done = 0
        self._seed = seed
        self._hands: dict[int, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        roles = (*[self.shop] * 2, *[self.worker] * 4, self.beat, self.operator)
        threads = [
            threading.Thread(target=self._loop, args=(role, random.Random(f"{self._seed} {number}")))
            for number, role in enumerate(roles)
        ]
        for thread in threads:
            thread.start()
        self.over.wait(SECONDS)
        self.over.set()
        for thread in threads:
            thread.join()

    def _loop(self, role: Callable[[random.Random], None], draw: random.Random) -> None:
        while not self.over.is_set():
            try:
                role(draw)
                self.done += 1
            except Exception as error:  # noqa: BLE001 - the test tells what came out
                self.errors.append(error)
                self.over.set()

    def shop(self, draw: random.Random) -> None:
        """Several webhooks in one transaction, in any order."""
        came = [
            Arrival(shop="tea", webhook=self._webhook(draw), body=b"{}", headers={}, received_at=time.time())
            for _ in range(draw.randint(1, 8))
        ]
        store(self.world.ledger, came, config=self.world.config)

    def _webhook(self, draw: random.Random) -> Webhook:
        number, minute = str(draw.randrange(ORDERS)), draw.randrange(90)
        kind = draw.random()
        if kind < 0.03:
            return unreadable(number)
        if kind < 0.04:
            return removal(number)
        return webhook(
            number,
            minute=minute,
            note=f"version {minute}" if draw.random() < 0.7 else None,
            cancelled=draw.random() < 0.1,
            payment_state="voided" if draw.random() < 0.1 else "paid",
        )

    def worker(self, draw: random.Random) -> None:
        """Claim, try a few, hand the rest back; or die with all of it in hand."""
        name = draw.choice(("a", "b"))
        ids = [row.id for row in self.world.deliveries(destination=name)]
        draw.shuffle(ids)
        claim = self.world.claim(name, ids[: draw.randint(1, 30)], lease_s=LEASE_S)
        if claim is None:
            time.sleep(0.002)
            return
        self._in_one_hand(claim)
        if draw.random() < 0.1:
            return
        begun = claim.jobs[: draw.randint(0, len(claim.jobs))]
        if draw.random() < 0.1:
            time.sleep(LEASE_S * 1.5)
        for job in begun:
            self.world.record(replace(claim, jobs=(job,)), draw.choice(OUTCOMES), answered=draw.random() < 0.9)
        with self._lock:
            for job in claim.jobs:
                if self._hands.get(job.id, ("", 0.0))[0] == claim.lease_id:
                    del self._hands[job.id]
        self.world.release(claim, untouched=claim.jobs[len(begun) :], batch=draw.choice((0, 50)))

    def _in_one_hand(self, claim: Claim) -> None:
        begun = claim.until - LEASE_S
        with self._lock:
            for job in claim.jobs:
                other, until = self._hands.get(job.id, ("", 0.0))
                # A record lets a delivery go before its lease ends; the hands know that only at the release.
                if until > begun and self._still_holds(other, job.id):
                    raise AssertionError(f"delivery {job.id} is in two hands")
                self._hands[job.id] = (claim.lease_id, claim.until)

    def _still_holds(self, lease_id: str, delivery_id: int) -> bool:
        with self.world.ledger.read() as c:
            return c.scalar(select(t.deliveries.c.lease_id).where(t.deliveries.c.id == delivery_id)) == lease_id

    def beat(self, draw: random.Random) -> None:
        """The sweep."""
        self.world.reclaim()
        for name in ("a", "b"):
            self.world.ledger.write(lambda c, name=name: destinations.hold_moving(c, name))  # type: ignore[misc]
            self.world.probe(name)
            self.world.ring(name, older_than=self.world.now - 0.05)
        time.sleep(0.02)

    def operator(self, draw: random.Random) -> None:
        """Suspend, resume, replay."""
        name = draw.choice(("a", "b"))
        kind = draw.random()
        if kind < 0.2:
            self.world.suspend(name)
        elif kind < 0.5:
            self.world.resume(name)
        else:
            known = [row.number for row in self.world.orders() if not row.shop_order_id.startswith("receipt")]
            some = draw.sample(known, min(len(known), draw.randint(1, 10)))
            edit = {"email": f"{draw.random()}@example.com"} if draw.random() < 0.3 else None
            try:
                self.world.replay(*(number.removeprefix("id-") for number in some), edit=edit)
            except EditRefusedError:
                return  # an order that nobody could read yet
        time.sleep(0.01)


@pytest.mark.timeout(120)
def test_everything_at_once_leaves_the_ledger_right(database_url: str) -> None:
    with Running(database_url, config(a={"max_in_flight": 20}, b={"max_in_flight": 3})) as world:
        everyone = Everyone(world, seed=7)
        everyone.run()
        assert everyone.errors == []
        assert everyone.done > 100
        time.sleep(LEASE_S)
        while world.reclaim():
            continue
        for name in ("a", "b"):
            world.ledger.write(lambda c, name=name: destinations.hold_moving(c, name))  # type: ignore[misc]
        world.check()
        with world.ledger.read() as c:
            assert c.execute(select(t.leases)).all() == []
        _finish(world)


def _finish(world: World) -> None:
    """All is well again: whatever may go arrives, and what stays has its reason."""
    for name in ("a", "b"):
        world.resume(name)
    for _ in range(6):
        stuck = [row.number for row in world.orders() if row.status in ("held", "dead") and not row.unread]
        if stuck:
            world.replay(*(number.removeprefix("id-") for number in stuck))
        for name in ("a", "b"):
            world.ledger.write(lambda c, name=name: _make_due(c, name))  # type: ignore[misc]
            while claim := world.claim(name):
                world.end(claim, *([DELIVERED] * len(claim.jobs)))
    for one in world.orders():
        states = world.states(one.number.removeprefix("id-"))
        if one.hold is not None:
            assert one.status in ("held", "dead"), (one.number, states)
        elif one.cancelled:
            assert set(states.split()) <= {"cancelled"}, (one.number, states)
        else:
            assert states == "delivered delivered", (one.number, states, one.status)


def _make_due(c: Connection, name: str) -> None:
    c.execute(t.deliveries.update().where(t.deliveries.c.destination == name).values(due_at=0.0))


# ------------------------------------------------------------ several processes on one SQLite file


@pytest.mark.timeout(60)
def test_three_processes_share_a_sqlite_ledger_without_an_error_and_each_gets_its_turn(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    world = World(url)
    commands = [[sys.executable, "-m", "tests.test_concurrency", url, str(n)] for n in range(3)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
        for command in commands
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    figures = [json.loads(process.communicate(timeout=50)[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert all(one["rounds"] for one in figures), figures
    assert max(one["slowest"] for one in figures) < 4.5, figures
    assert {row.status for row in world.orders()} == {"delivered"}
    assert len(world.orders()) == sum(one["rounds"] for one in figures) * 4
    world.check()
    world.ledger.close()


def _hammer(url: str, who: str) -> None:
    """One process: place, claim and record for a while; prints how many rounds, and the slowest transaction."""
    world = Running(url, config(deliver=["a"], a={"max_in_flight": 200}))
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.readline()  # until the others are ready
    until, rounds, slowest = time.monotonic() + 3, 0, 0.0
    while time.monotonic() < until:
        numbers = [f"{who}-{rounds}-{n}" for n in range(4)]
        begun = time.monotonic()
        answers = world.take(*(webhook(number) for number in numbers))
        slowest = max(slowest, time.monotonic() - begun)
        begun = time.monotonic()
        claim = world.claim("a", [d.id for answer in answers for d in answer.ready if d.id])
        slowest = max(slowest, time.monotonic() - begun)
        assert claim is not None
        assert len(claim.jobs) == 4
        begun = time.monotonic()
        world.end(claim, *([DELIVERED] * 4))
        slowest = max(slowest, time.monotonic() - begun)
        rounds += 1
    sys.stdout.write(json.dumps({"rounds": rounds, "slowest": slowest}))


if __name__ == "__main__":
    _hammer(sys.argv[1], sys.argv[2])
