"""Ongoing over SOAP for tests: destinations, replies as text, and a way to the stand-in without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sandbox.journal import Journal
from sandbox.ongoing import Ongoing
from schemas.http import PASSWORD, USERNAME, Call, Reply
from schemas.ongoing import OngoingDestination
from schemas.order import Order
from tasks.ongoing import SYSTEM
from tests import ongoing_fake, wire
from tests.ongoing_fake import PLAIN
from tests.wire import Said, Shelf
from worker.outcomes import Outcome
from worker.system import Job
from worker.system import Shelf as AnyShelf

NS = "http://ongoingsystems.se/WSI"
LOGIN = {"mode": "basic", "username": "WSI-sandbox", "password": "sandbox-ongoing"}

What = Literal["lose", "late", "html", "error", "fault", "unreadable", "refuse", "cut"]
"""What may become of a call, see :class:`tests.wire.Wire`."""


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


class Wire(wire.Wire):
    """The stand-in."""

    instead: Mapping[str, Said] = {
        **wire.Wire.instead,
        "refuse": (200, REFUSED),
        "fault": (500, BROKEN),
        "unreadable": (500, UNREADABLE),
    }

    def __init__(self, settings: Mapping[str, Any] | None = None, trouble: Mapping[int, str] | None = None) -> None:
        super().__init__(trouble)
        self.ongoing = Ongoing(Journal(None), settings=settings)

    async def handle(self, call: Call) -> Reply:
        assert call.xml is not None
        xml = call.xml.replace(USERNAME, LOGIN["username"]).replace(PASSWORD, LOGIN["password"])
        headers = {"content-type": "text/xml; charset=utf-8", **{n.lower(): v for n, v in call.headers}}
        return await wire.ask(self.ongoing, call, "/acme/Service.asmx", headers=headers, xml=xml)

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


@dataclass
class Story(wire.Story[Wire, OngoingDestination]):
    """The life of one delivery to the warehouse."""

    system = SYSTEM

    order: Order = field(default_factory=lambda: Order.model_validate(PLAIN))
    destination: OngoingDestination = field(default_factory=destination)
    shelf: AnyShelf = field(default_factory=lambda: Shelf("0".zfill, shop="acme-se"))

    def changed(self, **changes: Any) -> Story:
        """The shop's next version of it."""
        self.order = Order.model_validate(PLAIN | changes)
        return self


def tell(story: Story) -> Outcome:
    """Run a story to its end."""
    return asyncio.run(story.to_the_end())


class Script(ongoing_fake.Script):
    """Replies one after the other; ``said`` has the operations that were called."""

    def name(self, call: Call) -> str:
        return operation(call)


def job(**more: Any) -> Job[Any]:
    """A job as :func:`tests.ongoing_fake.job` makes it, for the destination over SOAP."""
    return replace(ongoing_fake.job(**more), destination=destination())
