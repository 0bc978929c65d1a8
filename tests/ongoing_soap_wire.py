"""Ongoing over SOAP for tests: destinations, replies as text, and a way to the stand-in without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.journal import Journal
from sandbox.ongoing import Ongoing
from sandbox.system import Request
from schemas.http import PASSWORD, USERNAME, Call, Fault, Reply
from schemas.ongoing import OngoingDestination
from schemas.order import Order
from tasks.ongoing import converge
from tests.ongoing_fake import PLAIN
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Job

NS = "http://ongoingsystems.se/WSI"
LOGIN = {"mode": "basic", "username": "WSI-sandbox", "password": "sandbox-ongoing"}

What = Literal["lose", "late", "html", "error", "fault", "unreadable", "refuse", "cut"]
"""How a call goes wrong: ``lose``, ``html`` and ``cut`` after it was carried out, ``late`` before it is."""

LATE = 2
"""After so many attempts, its own among them, a late call is carried out."""


class CutOff(BaseException):
    """The worker died with the answer on its way."""


def destination(**changes: Any) -> OngoingDestination:
    section = {
        "name": "ongoing-se",
        "system": "ongoing",
        "api": "soap",
        "base_url": "https://api.ongoingsystems.se/acme/Service.asmx",
        "auth": LOGIN,
        "goods_owner_id": 159,
        "goods_owner_code": "ACME",
    }
    return OngoingDestination.model_validate(section | changes)


def envelope(inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )


def answer_of(operation: str, inner: str) -> str:
    """What the server answers to an operation."""
    result = f"<{operation}Result>{inner}</{operation}Result>"
    return envelope(f'<{operation}Response xmlns="{NS}">{result}</{operation}Response>')


def processed(inner: str) -> str:
    return answer_of("ProcessOrder", inner)


def fault(text: str, code: str = "soap:Server") -> str:
    inner = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring><detail />"
    return envelope(f"<soap:Fault>{inner}</soap:Fault>")


UNREADABLE = fault("Server was unable to read request. ---> There is an error in XML document.", "soap:Client")
BROKEN = fault("Server was unable to process request. ---> An error has occurred.")
REFUSED = processed("<ErrorMessage>Not today.</ErrorMessage><OrderId>0</OrderId><Success>false</Success>")
STATUSES = answer_of(
    "GetOrderStatuses",
    "<OrderStatuses><OrderStatus><OrderStatusId>200</OrderStatusId></OrderStatus></OrderStatuses>",
)
NOTHING = answer_of("GetOrdersByQuery", "<Orders />")


@dataclass
class Wire:
    """An Http to one stand-in. ``trouble``: by the count of calls, what becomes of that call."""

    trouble: dict[int, What] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ongoing = Ongoing(Journal(None), settings=self.settings)
        self.calls: list[Call] = []
        self._late: list[tuple[int, Call]] = []

    async def send(self, call: Call) -> Reply:
        """As :class:`worker.http.Client` does it."""
        self.calls.append(call)
        what = self.trouble.get(len(self.calls))
        made_up = {"refuse": (200, REFUSED), "fault": (500, BROKEN), "unreadable": (500, UNREADABLE)}
        if what in made_up:
            status, text = made_up[what]
            return Reply(call=call, status=status, text=text)
        if what == "late":
            self._late.append((LATE, call))
            return _silent(call, "timeout")
        if what == "error":
            return Reply(call=call, status=500, text='{"Message":"An error has occurred."}')
        reply = await self.carry_out(call)
        if what == "lose":
            return _silent(call, "timeout")
        if what == "html":
            return Reply(call=call, status=502, text="<html>Bad Gateway</html>")
        if what == "cut":
            raise CutOff
        return reply

    async def carry_out(self, call: Call) -> Reply:
        """What the stand-in answers."""
        assert call.xml is not None
        xml = call.xml.replace(USERNAME, LOGIN["username"]).replace(PASSWORD, LOGIN["password"])
        headers = {"content-type": "text/xml; charset=utf-8", **{n.lower(): v for n, v in call.headers}}
        answer = await self.ongoing.handle(Request(call.method, "/acme/Service.asmx", b"", headers, xml.encode()))
        return Reply(call=call, status=answer.status, text=answer.body.decode())

    async def catch_up(self) -> None:
        """An attempt is over: what comes late is carried out after the next one."""
        self._late = [(left - 1, call) for left, call in self._late]
        for call in [call for left, call in self._late if left <= 0]:
            await self.carry_out(call)
        self._late = [(left, call) for left, call in self._late if left > 0]

    @property
    def said(self) -> list[str]:
        """The operations that were called."""
        return [operation(call) for call in self.calls]

    def orders(self, number: str = "1001") -> list[dict[str, Any]]:
        """What the stand-in holds under a number."""
        return self.ongoing.orders().get(number, [])


def operation(call: Call) -> str:
    """Its name; of ProcessOrder the kind as well."""
    assert call.xml is not None
    name = dict(call.headers)["SOAPAction"].strip('"').rpartition("/")[2]
    kind = call.xml.partition("<OrderOperation>")[2].partition("<")[0]
    return f"{name} {kind}".strip()


def _silent(call: Call, why: Fault) -> Reply:
    return Reply(call=call, fault=why)


@dataclass
class Story:
    """The life of one delivery, as the ledger would tell it: attempt after attempt."""

    wire: Wire
    destination: OngoingDestination = field(default_factory=destination)
    memo: Mapping[str, Any] = field(default_factory=dict)
    in_doubt: bool = False
    now: float = 1_790_000_000.0
    said: list[str] = field(default_factory=list)

    async def attempt(self, **changes: Any) -> Outcome | None:
        """One attempt; None where it was cut off."""
        job = Job(
            order=Order.model_validate(PLAIN | changes),
            number="1001",
            shop="acme-se",
            destination=self.destination,
            in_doubt=self.in_doubt,
            memo=json.loads(json.dumps(dict(self.memo))),
            now=self.now,
        )
        try:
            outcome = await converge(job, self.wire)
        except CutOff:
            self.in_doubt = True
            return None
        self.said.append(getattr(outcome, "reason", "") or "delivered")
        self._take(outcome)
        return outcome

    def _take(self, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            self.memo, self.in_doubt = dict(outcome.memo), False
            return
        self.memo = outcome.memo if outcome.memo is not None else self.memo
        self.in_doubt = self.in_doubt or outcome.in_doubt
        if isinstance(outcome, Retry):
            self.now += max(outcome.after or 0.0, 1.0)

    async def to_the_end(self, *, attempts: int = 12, **changes: Any) -> Outcome:
        """Attempts until it is delivered; a dead letter is replayed once."""
        replays = 1
        for _ in range(attempts):
            outcome = await self.attempt(**changes)
            await self.wire.catch_up()
            if isinstance(outcome, Delivered) or (isinstance(outcome, Reject) and not replays):
                return outcome
            replays -= isinstance(outcome, Reject)
        raise AssertionError(f"no end after {attempts} attempts: {self.said}")


def tell(story: Story, **changes: Any) -> Outcome:
    """Run a story to its end."""
    return asyncio.run(story.to_the_end(**changes))


class Script:
    """An Http that gives the replies it was given, in their order, and keeps the calls."""

    def __init__(self, *replies: tuple[int, str] | Fault) -> None:
        self._replies = list(replies)
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        reply = self._replies.pop(0)
        if isinstance(reply, str):
            return Reply(call=call, fault=reply)
        return Reply(call=call, status=reply[0], text=reply[1])

    @property
    def said(self) -> list[str]:
        assert not self._replies, "fewer calls than replies"
        return [operation(call) for call in self.calls]


def job(*, in_doubt: bool = False, memo: Mapping[str, Any] | None = None, now: float = 0.0, **changes: Any) -> Job[Any]:
    order = Order.model_validate(PLAIN | changes)
    return Job(
        order=order,
        number="1001",
        shop="acme-se",
        destination=destination(),
        in_doubt=in_doubt,
        memo=memo or {},
        now=now,
    )


def run(a_job: Job[Any], http: Script | Wire) -> Outcome:
    return asyncio.run(converge(a_job, http))
