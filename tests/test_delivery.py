"""The one way a delivery runs, on a real ledger, with a system whose answers the test gives."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sqlalchemy import select

from schemas.destination import Destination, Unmappable
from schemas.http import Call
from tests.conftest import missing
from tests.ledgers import DELIVERED, KEY_REFUSED, REFUSED, TIMEOUT, UNKNOWN_SKU, World, config, webhook
from tests.servers import Postgres, ServerUnavailableError, server_folder, wait_until
from worker import logs, telemetry
from worker.bell import Bell
from worker.delivery import deliver
from worker.http import Client, LeaseLostError, Recorder
from worker.lease import Lease
from worker.ledger import claims
from worker.ledger import tables as t
from worker.ledger.engine import Ledger
from worker.ledger.records import Recorded
from worker.machine import Machine
from worker.outcomes import Delivered, Outcome, Retry
from worker.settings import Settings
from worker.system import Http, Job, Probed, System

Converge = Callable[[Job[Destination], Http], Awaitable[Outcome]]


class Running(World):
    """A world in real time, with a worker's machine."""

    def __init__(self, database_url: str, *, lease_s: float = 20, stop_s: float = 25, **sections: Any) -> None:
        super().__init__(database_url, config(deliver=["a"], **sections))
        self.settings = Settings(database=database_url_of(self.url), lease_s=lease_s, probe_s=60, batch=50)
        self.machine = Machine(self.settings, self.config, Bell(None, batch=50), stop_s=stop_s)

    @property
    def now(self) -> float:
        return time.time()

    @now.setter
    def now(self, _: float) -> None:
        return

    def __exit__(self, *error: Any) -> None:
        self.machine.close()
        super().__exit__(*error)

    def fill(self, count: int) -> list[int]:
        """Place orders 1 to ``count``; the ids of their deliveries."""
        self.take(*(webhook(str(n)) for n in range(1, count + 1)))
        return [row.id for row in self.deliveries()]

    def deliver(self, converge: Converge, ids: list[int]) -> tuple[Recorded, ...]:
        """Run a batch on this thread."""
        return deliver(self.machine, system_of(converge), "a", ids)

    def state(self, number: str) -> str:
        return str(self.delivery(number, "a").state)


def database_url_of(url: str) -> str:
    """As the environment would have it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def system_of(converge: Converge) -> System[Destination]:
    """A system that only converges."""

    async def probe(_: Destination, __: Http) -> Probed:
        return Probed(DELIVERED)

    return System(name="esuite", converge=converge, plan=lambda _: (), probe=probe)


def always(*outcomes: Outcome) -> Converge:
    """Each attempt ends at once with the next of these, and with the last from then on."""
    left = list(outcomes)

    async def converge(_: Job[Destination], __: Http) -> Outcome:
        return left.pop(0) if len(left) > 1 else left[0]

    return converge


@pytest.fixture
def running(database_url: str) -> Iterator[Running]:
    with Running(database_url, a={"max_in_flight": 4}) as running:
        yield running


@contextmanager
def in_background(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Run it on a thread; what is given waits for its result."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield lambda: future.result(timeout=40)


class Server:
    """A destination on loopback that counts requests by path; one to /slow is not answered before ``free``."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.free = threading.Event()
        seen, free = self.seen, self.free

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                seen[self.path] += 1
                if self.path == "/slow":
                    free.wait(30)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


# ------------------------------------------------------------ the plain case


def test_a_batch_is_delivered_and_recorded(running: Running) -> None:
    ids = running.fill(10)
    recorded = running.deliver(always(DELIVERED), ids)
    assert sorted(item.result.job.number for item in recorded) == sorted(str(n) for n in range(1, 11))
    assert {item.state for item in recorded} == {"delivered"}
    assert {row.status for row in running.orders()} == {"delivered"}
    assert running.count(t.leases) == 0


def test_what_is_not_ours_to_deliver_is_left_alone(running: Running) -> None:
    ids = running.fill(1)
    assert deliver(running.machine, system_of(always(DELIVERED)), "nowhere", ids) == ()
    assert running.deliver(always(DELIVERED), [999]) == ()
    running.machine.stop()
    assert running.deliver(always(DELIVERED), ids) == ()
    assert running.delivery("1", "a").attempts == 0


def test_the_job_says_what_the_ledger_knows(running: Running) -> None:
    ids = running.fill(1)
    seen: list[Job[Destination]] = []

    async def converge(job: Job[Destination], _: Http) -> Outcome:
        seen.append(job)
        return Retry(code="x", reason="again", in_doubt=True, memo={"looked_at": 7}, counts=False)

    for _ in range(2):
        running.deliver(converge, ids)
    assert [(job.in_doubt, job.memo, job.interrupted) for job in seen] == [
        (False, {}, False),
        (True, {"looked_at": 7}, False),
    ]
    assert (seen[0].shop, seen[0].number, seen[0].destination.name) == ("tea", "1", "a")


def test_no_more_are_in_flight_than_the_destination_takes(running: Running) -> None:
    ids = running.fill(20)
    at_once, most = 0, 0

    async def converge(_: Job[Destination], __: Http) -> Outcome:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return DELIVERED

    running.deliver(converge, ids)
    assert most == 4
    assert {row.state for row in running.deliveries()} == {"delivered"}


def test_each_is_recorded_when_it_ends_and_not_when_the_slowest_does(running: Running) -> None:
    ids = running.fill(3)
    free = threading.Event()

    async def converge(job: Job[Destination], _: Http) -> Outcome:
        if job.number == "1":
            await asyncio.to_thread(free.wait, 10)
        return DELIVERED

    with in_background(lambda: running.deliver(converge, ids)) as result:
        wait_until(lambda: running.state("2") == running.state("3") == "delivered", seconds=5, what="2 and 3 are there")
        assert running.state("1") == "delivering"
        free.set()
        assert [item.result.job.number for item in result()][-1] == "1"


def test_the_end_of_a_batch_rings_for_what_found_no_room(running: Running) -> None:
    ids = running.fill(6)
    free = threading.Event()

    async def converge(_: Job[Destination], __: Http) -> Outcome:
        await asyncio.to_thread(free.wait, 10)
        return DELIVERED

    with in_background(lambda: running.deliver(converge, ids[:4])) as result:
        wait_until(lambda: running.state("4") == "delivering", seconds=5, what="four are in flight")
        assert running.deliver(converge, ids[4:]) == ()
        assert {running.delivery(n, "a").rung_at for n in ("5", "6")} == {None}
        free.set()
        result()
    assert all(running.delivery(n, "a").rung_at for n in ("5", "6"))


# ------------------------------------------------------------ leases


def test_a_lease_is_renewed_over_a_batch_that_takes_longer(database_url: str) -> None:
    with Running(database_url, lease_s=3, a={"max_in_flight": 1}) as running:
        ids = running.fill(8)

        async def converge(_: Job[Destination], __: Http) -> Outcome:
            await asyncio.sleep(0.6)
            return DELIVERED

        with in_background(lambda: running.deliver(converge, ids)) as result:
            taken_back = 0
            while not taken_back and any(row.state != "delivered" for row in running.deliveries()):
                taken_back += running.reclaim()
                time.sleep(0.05)
            assert len(result()) == 8
        assert taken_back == 0
        assert {(row.attempts, row.in_doubt) for row in running.deliveries()} == {(1, False)}


def test_a_worker_that_lost_its_lease_sends_nothing_more_and_records_nothing(database_url: str, server: Server) -> None:
    with Running(database_url, lease_s=1, a={"max_in_flight": 1, "base_url": server.url}) as running:
        ids = running.fill(2)
        lost = threading.Event()

        async def converge(_: Job[Destination], http: Http) -> Outcome:
            await http.send(Call("POST", "look", body={}))
            await asyncio.to_thread(lost.wait, 10)
            await asyncio.sleep(0.6)  # the next renewal tells
            await http.send(Call("POST", "write", body={}))
            return DELIVERED

        with in_background(lambda: running.deliver(converge, ids)) as result:
            wait_until(lambda: server.seen["/look"], seconds=5, what="the first request is there")
            running.ledger.write(lambda c: claims.reclaim(c, now=time.time() + 60))
            lost.set()
            assert result() == ()
        assert server.seen == {"/look": 1}
        assert {(row.state, row.in_doubt, row.crashes) for row in running.deliveries()} == {("retrying", True, 1)}


@pytest.mark.parametrize(
    ("steady", "wall", "alive"),
    [
        pytest.param(10, 10, True, id="both run"),
        pytest.param(20, 20, False, id="over"),
        pytest.param(1, 3600, False, id="the machine slept, or its clock was set ahead"),
        pytest.param(20, -3600, False, id="its clock was set back"),
        pytest.param(10, -3600, True, id="its clock was set back a moment ago"),
    ],
)
def test_a_lease_is_over_when_either_clock_says_so(steady: float, wall: float, *, alive: bool) -> None:
    class Clocks(Lease):
        at = (1000.0, 1_800_000_000.0)

        @staticmethod
        def clocks() -> tuple[float, float]:
            return Clocks.at

    lease = Clocks(20)
    Clocks.at = (1000.0 + steady, 1_800_000_000.0 + wall)
    assert lease.alive is alive
    lease.keep()
    assert lease.alive
    lease.lose()
    assert not lease.alive


def test_a_request_whose_turn_comes_after_the_lease_is_over_is_not_sent(server: Server) -> None:
    async def run() -> Recorder:
        made = config(a={"base_url": server.url, "per_second": 2}).destinations["a"]
        client, mine = Client(made), [True]
        http = Recorder(client, alive=lambda: mine[0], room=asyncio.Semaphore(1))
        await http.send(Call("POST", "first", body={}))
        asyncio.get_running_loop().call_later(0.1, lambda: mine.__setitem__(0, False))
        second = Recorder(client, alive=lambda: mine[0], room=asyncio.Semaphore(1))
        with pytest.raises(LeaseLostError):
            await second.send(Call("POST", "second", body={}))
        await client.close()
        return second

    assert not asyncio.run(run()).may_have_sent
    assert server.seen == {"/first": 1}


# ------------------------------------------------------------ walls


def test_a_refused_key_stops_the_rest_of_the_batch_before_it_is_tried(database_url: str) -> None:
    with Running(database_url, a={"max_in_flight": 1}) as running:
        ids = running.fill(5)
        assert len(running.deliver(always(KEY_REFUSED), ids)) == 1
        rows = running.deliveries()
        assert {(row.state, row.held_by) for row in rows} == {("held", "destination")}
        assert sorted(row.attempts for row in rows) == [0, 0, 0, 0, 1]


def test_five_failures_in_a_row_stop_the_rest_of_the_batch(database_url: str) -> None:
    with Running(database_url, a={"max_in_flight": 1}) as running:
        ids = running.fill(12)
        assert len(running.deliver(always(REFUSED), ids)) == 5
        assert Counter(row.state for row in running.deliveries()) == {"retrying": 5, "ready": 7}
        assert running.health("a").status == "paused"


def test_a_destination_suspended_by_hand_gets_no_more_of_a_batch_that_is_under_way(database_url: str) -> None:
    with Running(database_url, a={"max_in_flight": 1}) as running:
        ids = running.fill(10)

        async def converge(_: Job[Destination], __: Http) -> Outcome:
            await asyncio.to_thread(running.suspend, "a")
            await asyncio.sleep(0.1)
            return DELIVERED

        recorded = running.deliver(converge, ids)
        assert 1 <= len(recorded) <= 5, "what had begun until the suspension was seen"
        assert Counter(row.state for row in running.deliveries())["held"] == 10 - len(recorded)
        assert running.health("a").status == "suspended"


# ------------------------------------------------------------ stopping


def test_stopping_finishes_what_is_in_flight_and_hands_back_the_rest_untried(running: Running) -> None:
    ids = running.fill(10)
    free = threading.Event()

    async def converge(_: Job[Destination], __: Http) -> Outcome:
        await asyncio.to_thread(free.wait, 10)
        return DELIVERED

    with in_background(lambda: running.deliver(converge, ids)) as result:
        wait_until(lambda: running.count(t.leases) == 1, seconds=5, what="the batch is claimed")
        time.sleep(0.2)
        running.machine.stop()
        time.sleep(0.2)
        free.set()
        assert len(result()) == 4
    rows = running.deliveries()
    assert Counter(row.state for row in rows) == {"delivered": 4, "ready": 6}
    assert {(row.attempts, row.rung_at, row.in_doubt) for row in rows if row.state == "ready"} == {(0, None, False)}
    assert {row.status for row in running.orders()} == {"delivered", "received"}
    assert running.count(t.leases) == 0


def test_what_does_not_end_in_time_is_cut_off_and_looked_up_by_the_next_worker(
    database_url: str, server: Server
) -> None:
    with Running(database_url, stop_s=0.5, a={"max_in_flight": 2, "base_url": server.url}) as running:
        ids = running.fill(4)

        async def converge(job: Job[Destination], http: Http) -> Outcome:
            if job.number == "1":
                await asyncio.sleep(30)  # has not sent anything yet
            await http.send(Call("POST", "slow", body={}))
            return DELIVERED

        with in_background(lambda: running.deliver(converge, ids)) as result:
            wait_until(lambda: server.seen["/slow"], seconds=5, what="one request is out")
            running.machine.stop()
            begun = time.monotonic()
            [cut] = result()
            assert time.monotonic() - begun < 3
        assert (cut.result.job.number, cut.state) == ("2", "retrying")
        row = running.delivery("2", "a")
        assert (row.in_doubt, row.interrupted, row.attempts, row.crashes) == (True, True, 1, 0)
        assert "stopped" in row.reason
        for number in ("1", "3", "4"):
            row = running.delivery(number, "a")
            assert (row.state, row.attempts, row.in_doubt) == ("ready", 0, False), number
        assert running.reclaim() == 0


# ------------------------------------------------------------ defects

SECRET = "ada@example.com, 1 Analytical St"


class _Recording(Transport):
    sent: list[str]

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode(errors="replace"))


@pytest.mark.filterwarnings("ignore:The send_default_pii option is deprecated")
def test_a_defect_is_tried_three_times_then_dead_and_tells_nobody_what_the_order_says(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telemetry, "_reporting", False)
    transport = _Recording({})
    transport.sent = []
    telemetry.start_sentry("http://key@127.0.0.1:1/1", transport=transport)
    logs.configure("json", process="test")

    async def converge(job: Job[Destination], _: Http) -> Outcome:
        if job.number == "1":
            raise ValueError(SECRET)
        return DELIVERED

    try:
        ids = running.fill(3)
        for attempt in range(1, 4):
            running.deliver(converge, ids)
            assert running.delivery("1", "a").attempts == attempt
            running.set("1", "a", due_at=0.0)
        assert running.state("1") == "dead"
        assert running.state("2") == running.state("3") == "delivered"
        sentry_sdk.flush(2)
        told = "".join(transport.sent) + capsys.readouterr().err + "".join(running.events("1"))
        assert "ValueError" in told
        assert "dead letter" in "".join(transport.sent)
        assert "ada@" not in told
        assert "Analytical" not in told
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)


def test_an_order_that_cannot_be_put_into_their_words_is_dead_without_a_call(running: Running) -> None:
    ids = running.fill(1)

    async def converge(_: Job[Destination], __: Http) -> Outcome:
        raise Unmappable("no_sku", "Line 1 has no SKU.", hint="Give it one.")

    [item] = running.deliver(converge, ids)
    assert (item.state, item.reason, item.result.answered) == ("dead", "Line 1 has no SKU.", False)


def test_an_outcome_that_cannot_be_stored_takes_no_other_with_it_and_is_looked_up(database_url: str) -> None:
    with Running(database_url, lease_s=1, a={"max_in_flight": 4}) as running:
        ids = running.fill(4)

        async def converge(job: Job[Destination], _: Http) -> Outcome:
            memo = {"not": object()} if job.number == "2" else {"id": 1}
            return Delivered(reference="R", memo=memo)

        assert len(running.deliver(converge, ids)) == 3
        assert [running.state(n) for n in "134"] == ["delivered"] * 3
        wait_until(running.reclaim, seconds=5, what="the fourth is taken back")
        assert (running.state("2"), running.delivery("2", "a").in_doubt) == ("retrying", True)


# ------------------------------------------------------------ the ledger is away


def test_outcomes_wait_for_a_ledger_that_is_busy(running: Running) -> None:
    ids = running.fill(3)
    held, free = threading.Event(), threading.Event()

    async def converge(_: Job[Destination], __: Http) -> Outcome:
        await asyncio.to_thread(held.wait, 10)
        return DELIVERED

    other = Ledger(running.url)

    def hold(c: Any) -> None:
        c.execute(select(t.destinations).with_for_update())
        held.set()
        free.wait(20)

    with in_background(lambda: running.deliver(converge, ids)) as result:
        wait_until(lambda: running.count(t.leases) == 1, seconds=5, what="the batch is claimed")
        with in_background(lambda: other.write(hold)) as unlocked:
            assert held.wait(5)
            time.sleep(5)
            assert {row.state for row in running.deliveries()} == {"delivering"}
            free.set()
            unlocked()
        assert {item.state for item in result()} == {"delivered"}
    assert {row.attempts for row in running.deliveries()} == {1}
    other.close()


@pytest.fixture
def mortal_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this test's own, to be killed."""
    with server_folder("postgresql") as folder, ExitStack() as stack:
        try:
            yield stack.enter_context(Postgres(folder))
        except ServerUnavailableError as error:
            missing(str(error))


def test_outcomes_survive_a_database_that_dies_and_comes_back(mortal_postgres: Postgres) -> None:
    with mortal_postgres.database() as url, Running(url, a={"max_in_flight": 4}) as running:
        ids = running.fill(4)
        claimed, down = threading.Event(), threading.Event()

        async def converge(_: Job[Destination], __: Http) -> Outcome:
            claimed.set()
            await asyncio.to_thread(down.wait, 10)
            return DELIVERED

        with in_background(lambda: running.deliver(converge, ids)) as result:
            assert claimed.wait(10)
            mortal_postgres.kill()
            down.set()
            time.sleep(1)
            mortal_postgres.start()
            assert {item.state for item in result()} == {"delivered"}
        assert {(row.state, row.attempts) for row in running.deliveries()} == {("delivered", 1)}


def test_what_could_not_be_recorded_within_the_lease_is_taken_back_in_doubt(tmp_path: Path) -> None:
    with Running(f"sqlite:///{tmp_path}/ledger.db", lease_s=1, a={"max_in_flight": 4}) as running:
        ids = running.fill(2)
        held, free = threading.Event(), threading.Event()
        other = Ledger(running.url)

        async def converge(_: Job[Destination], __: Http) -> Outcome:
            await asyncio.to_thread(held.wait, 10)
            return DELIVERED

        def hold(_: Any) -> None:
            held.set()
            free.wait(30)

        with in_background(lambda: running.deliver(converge, ids)) as result:
            wait_until(lambda: running.count(t.leases) == 1, seconds=5, what="the batch is claimed")
            with in_background(lambda: other.write(hold)) as unlocked:
                assert result() == ()
                free.set()
                unlocked()
        time.sleep(1)
        running.reclaim()
        assert {(row.state, row.in_doubt) for row in running.deliveries()} == {("retrying", True)}
        other.close()


def test_a_claim_that_finds_the_ledger_busy_leaves_its_deliveries_to_the_sweep(running: Running) -> None:
    ids = running.fill(2)
    held, free = threading.Event(), threading.Event()
    other = Ledger(running.url)

    def hold(c: Any) -> None:
        c.execute(select(t.destinations).with_for_update())
        held.set()
        free.wait(20)

    with in_background(lambda: other.write(hold)) as unlocked:
        assert held.wait(5)
        assert running.deliver(always(DELIVERED), ids) == ()
        free.set()
        unlocked()
    assert {row.state for row in running.deliveries()} == {"ready"}
    assert len(running.ring("a", older_than=time.time() + 1)) == 2
    other.close()


def test_outcomes_of_many_kinds_in_one_batch_are_each_recorded_as_they_are(running: Running) -> None:
    ids = running.fill(4)
    outcomes: dict[str, Outcome] = {
        "1": DELIVERED,
        "2": TIMEOUT,
        "3": UNKNOWN_SKU,
        "4": Delivered(reference=None, note="nothing to ship"),
    }

    async def converge(job: Job[Destination], _: Http) -> Outcome:
        return outcomes[job.number]

    running.deliver(converge, ids)
    assert [running.state(n) for n in "1234"] == ["delivered", "retrying", "dead", "delivered"]
