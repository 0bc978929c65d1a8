"""Logs and Sentry: what operators hear of, and that it never is an order's or a customer's data."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
import structlog
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import Response

from tests.config_file import ENV, GOOD, write
from tests.ledgers import World, config, sqlalchemy_url
from tests.sentry_sink import DSN, KeptTransport
from worker import logs, telemetry
from worker.bell import Bell
from worker.delivery import deliver
from worker.errors import LedgerError
from worker.ledger.records import Recorded
from worker.machine import Machine
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.settings import Settings
from worker.system import Http, Job, Probed, System
from worker.web.app import create_app

PERSON = "Zebulon Quixworth"
MAIL = "zebulon@quixworth.example"
SHIP_TO = {
    "name": PERSON,
    "address1": "99 Narwhal Crescent",
    "city": "Xanadu",
    "postcode": "7997",
    "country": "AU",
    "phone": "+61 2 5550 9876",
}
MARKS = ("Zebulon", "Quixworth", "quixworth", "Narwhal", "Xanadu", "5550 9876")


@pytest.fixture
def sentry() -> Iterator[type[KeptTransport]]:
    KeptTransport.envelopes.clear()
    telemetry.start_sentry(DSN, transport=KeptTransport)
    yield KeptTransport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    telemetry._reporting = False


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as JSON."""
    root, before, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    written, stderr = io.StringIO(), sys.stderr
    sys.stderr = written
    try:
        logs.configure("json", process="worker")
        yield written
    finally:
        sys.stderr = stderr
        logging.captureWarnings(False)
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


class _Bench:
    """Deliveries of one destination, by a system that does as it is told."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/ledger.db"
        self.world = World(url, config(deliver=["a"]))
        self.machine = Machine(
            Settings(database=sqlalchemy_url(url), home=folder), self.world.config, Bell(None, batch=50)
        )

    def place(self, number: str) -> int:
        """A new order, full of personal data; its delivery's id."""
        self.world.now = 0.0
        changes = {"email": MAIL, "ship_to": SHIP_TO, "note": f"for {PERSON}"}
        self.world.place(number, **changes)
        return int(self.world.delivery(number, "a").id)

    def run(self, outcome: Outcome | Exception, *numbers: str) -> tuple[Recorded, ...]:
        """One attempt for each new order."""

        async def converge(job: Job[Any], http: Http) -> Outcome:
            ship_to, mail = job.order.ship_to, job.order.email
            if isinstance(outcome, Exception):
                raise outcome
            assert (ship_to is not None, mail) == (True, MAIL)
            return outcome

        system: System[Any] = System(name="esuite", converge=converge, plan=lambda _: (), probe=lambda *_: _never())
        return deliver(self.machine, system, "a", [self.place(number) for number in numbers])


async def _never() -> Probed:
    raise AssertionError


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[_Bench]:
    bench = _Bench(tmp_path)
    yield bench
    bench.machine.close()
    bench.world.ledger.close()


def _clean(text: str) -> None:
    assert [mark for mark in MARKS if mark in text] == []


# ---------------------------------------------------------------- Sentry


def test_dead_letters_are_one_event_each_grouped_by_destination_and_reason(
    bench: _Bench, sentry: type[KeptTransport]
) -> None:
    bench.run(Reject(code="unknown_sku", reason=f"no such customer: {PERSON}", hint=MAIL), "1001", "1002")
    bench.run(Reject(code="refused", reason="refused"), "1003")
    events = sentry.events()
    assert [event["fingerprint"] for event in events] == [
        ["dead letter", "a", "unknown_sku"],
        ["dead letter", "a", "unknown_sku"],
        ["dead letter", "a", "refused"],
    ]
    assert [event["extra"] for event in events] == [{"order_number": number} for number in ("1001", "1002", "1003")]
    assert events[0]["tags"] == {"destination": "a", "code": "unknown_sku"}
    assert events[0]["message"] == "dead letter: a: unknown_sku"
    _clean(sentry.text())


def test_a_suspension_is_told_once(bench: _Bench, sentry: type[KeptTransport]) -> None:
    bench.run(Suspend(code="unauthorized", reason="the key is refused"), "1001", "1002", "1003")
    bench.run(Suspend(code="unauthorized", reason="the key is refused"), "1004")
    [event] = sentry.events()
    assert event["fingerprint"] == ["destination suspended", "a", "unauthorized"]


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Delivered(reference="R-1"), id="delivered"),
        pytest.param(Retry(code="timeout", reason="no answer in time", in_doubt=True), id="retry"),
        pytest.param(Reject(code="no_sku", reason="line 1 has none", hold=True), id="held"),
    ],
)
def test_what_needs_nobody_at_night_is_not_told(bench: _Bench, sentry: type[KeptTransport], outcome: Outcome) -> None:
    assert len(bench.run(outcome, "1001")) == 1
    assert sentry.events() == []


def test_a_defect_is_told_without_the_order(bench: _Bench, sentry: type[KeptTransport], lines: io.StringIO) -> None:
    error = ValueError(f"cannot read {PERSON}")
    error.__cause__ = KeyError(MAIL)
    error.add_note("99 Narwhal Crescent")
    [recorded] = bench.run(error, "1001")
    assert recorded.state == "retrying"
    [event] = sentry.events()
    kinds = [one["type"] for one in event["exception"]["values"]]
    assert kinds == ["KeyError", "ValueError"]
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "converge"
    assert event["tags"] == {"destination": "a"}
    assert event["extra"] == {"order_number": "1001"}
    _clean(sentry.text())
    [line] = [json.loads(text) for text in lines.getvalue().splitlines() if '"defect"' in text and "exception" in text]
    assert (line["destination"], line["order_number"], line["process"]) == ("a", "1001", "worker")
    assert "in converge" in line["exception"]
    assert line["exception"].endswith("ValueError")
    _clean(lines.getvalue())
    _clean("\n".join(bench.world.events("1001")))


def test_a_defect_of_one_kind_is_one_issue_whatever_the_order(bench: _Bench, sentry: type[KeptTransport]) -> None:
    bench.run(ValueError(PERSON), "1001", "1002")
    assert {tuple(event["fingerprint"]) for event in sentry.events()} == {("ValueError", "a")}


def test_a_crash_of_the_web_process_is_told_without_the_request(
    bench: _Bench, sentry: type[KeptTransport], lines: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings(config=write(tmp_path, GOOD), home=tmp_path, database=f"sqlite:///{tmp_path}/ledger.db"))

    async def crash(request: Request) -> Response:
        body = await request.json()
        raise RuntimeError(f"cannot read {body}")

    app.add_route("/crash/{mail}", crash, methods=["POST"])
    with TestClient(
        app, raise_server_exceptions=False, client=("127.0.0.1", 5000), base_url="http://127.0.0.1"
    ) as client:
        answer = client.post(
            f"/crash/{MAIL}?q=Xanadu", json={"ship_to": SHIP_TO}, headers={"x-name": PERSON, "cookie": "a=Xanadu"}
        )
    assert answer.status_code == 500
    _clean(answer.text)
    [event] = sentry.events()
    assert [one["type"] for one in event["exception"]["values"]] == ["RuntimeError"]
    assert "request" not in event
    _clean(sentry.text())
    _clean(lines.getvalue())


# ---------------------------------------------------------------- logs


def test_an_attempt_is_one_line_of_json(bench: _Bench, lines: io.StringIO) -> None:
    bench.run(Delivered(reference="R-1"), "1001")
    [line] = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("ms") >= 0
    assert line == {
        "event": "delivery",
        "level": "info",
        "logger": "crossdock",
        "process": "worker",
        "destination": "a",
        "order_number": "1001",
        "order": 1,
        "attempt": 1,
        "outcome": "delivered",
        "state": "delivered",
        "code": "",
    }


@pytest.mark.parametrize("name", ["uvicorn.error", "asyncio", "crossdock.worker", "celery.worker"])
def test_a_library_that_logs_an_exception_tells_types_and_places_only(lines: io.StringIO, name: str) -> None:
    try:
        try:
            raise KeyError(MAIL)
        except KeyError as error:
            raise ValueError(PERSON) from error
    except ValueError:
        logging.getLogger(name).exception("it broke")
    [line] = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["event"], line["logger"]) == ("it broke", name)
    assert "test_telemetry.py" in line["exception"]
    assert line["exception"].index("KeyError") < line["exception"].index("ValueError")
    _clean(lines.getvalue())


def test_what_we_say_of_the_installation_is_kept(lines: io.StringIO) -> None:
    try:
        raise LedgerError("the ledger is at revision 0000")
    except LedgerError:
        logging.getLogger("uvicorn.error").exception("it broke")
    assert "LedgerError: the ledger is at revision 0000" in json.loads(lines.getvalue())["exception"]


def test_a_warning_of_python_is_a_line_too(lines: io.StringIO) -> None:
    logging.getLogger("py.warnings").warning("be careful")
    assert json.loads(lines.getvalue())["level"] == "warning"


def test_the_console_form_says_the_same_without_words(lines: io.StringIO) -> None:
    sys.stderr, before = lines, sys.stderr
    logs.configure("console", process="web")
    sys.stderr = before
    try:
        raise ValueError(PERSON)
    except ValueError:
        structlog.get_logger("crossdock").exception("it_broke")
    assert "it_broke" in lines.getvalue()
    assert "ValueError" in lines.getvalue()
    _clean(lines.getvalue())
