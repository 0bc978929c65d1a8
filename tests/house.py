"""The whole house for a test: stand-ins, ledger, broker, web, workers and beat as real processes.

Orders go in at the front door as signed webhooks and are counted at the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
import redis
from celery import Celery

from sandbox.shops import Delivery, Platform, encode, new_secret, send_all, sign
from tests.servers import free_port, wait_until
from worker.app import QUEUE

ASK_S = 0.1
"""Seconds between two questions to the house: each costs web a piece of the CPU that the workers need."""

SHOPS = """
[shops.tea]
platform = "shopify"
secrets = ["env:TEA_SECRET"]

[shops.books]
platform = "woocommerce"
secrets = ["env:BOOKS_SECRET"]
number_prefix = "B-"

[shops.parts]
platform = "standard"
secrets = ["env:PARTS_SECRET"]
release = "placed"
number_prefix = "P-"
"""

ESUITE = """
[destinations.esuite-au]
system = "esuite"
base_url = "{sandbox}/esuite/api/v2"
auth = {{ mode = "bearer", token = "env:ESUITE_TOKEN" }}
timeout_s = {timeout_s}
reference_prefix = "WEB-"
shipping_sku = "FREIGHT"
stock_minutes = 0
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.esuite-au.fields]
AccountRef = "CASH01"
BatchType = "SAR"
TransType = "SOR"
TransLedger = "S"
[destinations.esuite-au.payments]
"*" = {{ PaymentType = "WEB", AuthBankPosted = "B" }}
"""

ONGOING = """
[destinations.ongoing-se]
system = "ongoing"
base_url = "{sandbox}/ongoing/api/v1"
auth = {{ mode = "basic", username = "env:ONGOING_USER", password = "env:ONGOING_PASSWORD" }}
goods_owner_id = 159
timeout_s = {timeout_s}
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.ongoing-se.ways_of_delivery]
"*" = {{ code = "STD", name = "Standard" }}
"""

CONFIG = f"""{SHOPS}{ESUITE}{ONGOING}
[[routes]]
name = "all"
deliver = ["esuite-au", "ongoing-se"]
"""
"""The file, where ``{sandbox}`` and ``{timeout_s}`` are filled in."""

_numbers = count(5001)


def new_number() -> str:
    """An order number that no other test of this process uses."""
    return str(next(_numbers))


PLATFORMS: Mapping[str, Platform] = {"tea": "shopify", "books": "woocommerce", "parts": "standard"}


def new_secrets() -> dict[str, str]:
    """A secret for each shop, by its name."""
    return {shop: new_secret(platform) for shop, platform in PLATFORMS.items()}


def named_secrets(shops: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that :data:`CONFIG` names."""
    destinations = {
        "ESUITE_TOKEN": "sandbox-esuite",
        "ONGOING_USER": "WSI-sandbox",
        "ONGOING_PASSWORD": "sandbox-ongoing",
    }
    return {**destinations, **{f"{shop.upper()}_SECRET": secret for shop, secret in shops.items()}}


def signed(delivery: Delivery, secret: str, *, body: bytes | None = None) -> dict[str, str]:
    """A delivery's headers, signed as its shop signs; ``body``: other bytes in the place of its own."""
    return sign(
        delivery.platform,
        delivery.body if body is None else body,
        secret,
        delivery.topic,
        shop=delivery.shop,
        delivery_id=delivery.delivery_id or None,
        event_id=delivery.event_id or None,
        triggered=delivery.triggered,
    )


class House:
    """Everything under one roof; ``with`` starts it, and ends it in good order."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        workers: int = 1,
        timeout_s: float = 2.0,
        config: str = CONFIG,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox_port = free_port()
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.secrets = new_secrets()
        self._arguments = ["--workers", str(workers), *arguments]
        self.sandbox_arguments: Sequence[str] = ()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        toml = folder / "crossdock.toml"
        toml.write_text(config.format(sandbox=self.sandbox_url, timeout_s=timeout_s))
        self.environment = {
            **os.environ,
            **named_secrets(self.secrets),
            "CROSSDOCK_CONFIG": str(toml),
            "CROSSDOCK_HOME": str(self.home),
            "CROSSDOCK_LEASE_S": "3",
            "CROSSDOCK_PROBE_S": "1",
            "CROSSDOCK_SWEEP_S": "1",
            "CROSSDOCK_LOG": "json",
            **({"CROSSDOCK_DATABASE_URL": database_url} if database_url else {}),
            **(environment or {}),
        }

    def __enter__(self) -> Self:
        try:
            self.start_sandbox()
            self.start()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for name in ("up", "sandbox"):
            self.end(name)
        if error is not None:
            sys.stderr.write(self.log()[-6000:])

    def start_sandbox(self) -> None:
        """Start the stand-ins; they keep what they hold over a restart."""
        arguments = ["-m", "sandbox", "--port", str(self.sandbox_port), "--data", str(self.folder / "sandbox.journal")]
        self._spawn("sandbox", [sys.executable, *arguments, *self.sandbox_arguments])
        wait_until(lambda: _answers(f"{self.sandbox_url}/_sandbox/counts"), seconds=20, what="the sandbox answers")

    def start(self) -> None:
        """Start ``crossdock up``."""
        self._spawn("up", [sys.executable, "-m", "worker", "up", "--port", str(self.port), *self._arguments])
        wait_until(lambda: _answers(f"{self.url}/healthz"), seconds=40, what="web answers")

    def _spawn(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def log(self, name: str = "up") -> str:
        """What a process printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def end(self, name: str, *, signal_number: int = signal.SIGTERM) -> int:
        """Stop ``up`` or ``sandbox``; returns its exit code."""
        process = self._processes.pop(name, None)
        if process is None:
            return 0
        process.send_signal(signal_number)
        try:
            return process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def answers(self) -> bool:
        """Web is up."""
        return _answers(f"{self.url}/healthz")

    def pid(self, name: str) -> int:
        """Process id of ``up`` or ``sandbox``."""
        return self._processes[name].pid

    def children(self, name: str) -> list[psutil.Process]:
        """Running processes of a kind: web, worker, beat."""
        up = psutil.Process(self._processes["up"].pid)
        return [child for child in up.children() if child.cmdline()[-1:] == [name]]

    def kill(self, name: str) -> bool:
        """SIGKILL one process of a kind; ``up`` starts it again. False where none runs at the moment."""
        for child in self.children(name):
            child.kill()
            return True
        return False

    @property
    def broker_url(self) -> str:
        """redis:// address of the embedded broker."""
        return (self.home / "valkey.url").read_text().strip()

    def wipe_broker(self) -> None:
        """FLUSHALL, as an operator's slip or an eviction would."""
        with redis.Redis.from_url(self.broker_url) as client:
            client.flushall()

    def look_at_feeds(self) -> None:
        """Have the feeds read whose time has come, as beat does every few seconds."""
        with Celery(broker=self.broker_url, set_as_current=False) as app:
            app.send_task("tasks.feeds.look", queue=QUEUE, ignore_result=True)

    def post(self, deliveries: Iterable[Delivery], *, in_flight: int = 16) -> Counter[str]:
        """Sign and send webhooks, again until they are answered; how many ended with which outcome."""
        return asyncio.run(send_all(deliveries, url=self.url, secrets=self.secrets, in_flight=in_flight))

    def fault(self, system: str, fault: Mapping[str, Any], **rules: Any) -> None:
        """Tell a stand-in to fail: see ``GET /_sandbox/``."""
        body = {"system": system, "fault": fault, **rules}
        httpx.post(f"{self.sandbox_url}/_sandbox/faults", json=body).raise_for_status()

    def switch(self, system: str, **settings: Any) -> None:
        """Change a stand-in's settings: see ``GET /_sandbox/settings``."""
        httpx.post(f"{self.sandbox_url}/_sandbox/settings", json={"system": system, **settings}).raise_for_status()

    def clear_faults(self) -> None:
        """All well again."""
        httpx.delete(f"{self.sandbox_url}/_sandbox/faults").raise_for_status()

    def struck(self) -> list[int]:
        """How often each fault has struck, in the order they were given."""
        faults = httpx.get(f"{self.sandbox_url}/_sandbox/faults").raise_for_status().json()["faults"]
        return [int(rule["hits"]) for rule in faults]

    def well_again(self) -> None:
        """No stand-in fails any more, and no destination is paused or suspended."""
        self.clear_faults()
        for place in self.destinations():
            httpx.post(f"{self.url}/api/destinations/{place['name']}/resume").raise_for_status()

    def destinations(self) -> list[dict[str, Any]]:
        """All destinations, as the API has them."""
        url = f"{self.url}/api/destinations"
        found: list[dict[str, Any]] = httpx.get(url, timeout=20).raise_for_status().json()["items"]
        return found

    def act(self, number: str, action: str, **body: Any) -> None:
        """Do with an order as a person does over the API: replay, accept."""
        url = f"{self.url}/api/orders/{self.order(number)['id']}/{action}"
        httpx.post(url, json=body or None, timeout=20).raise_for_status()

    def counts(self) -> dict[str, dict[str, int]]:
        """System -> order reference -> how many live objects it holds."""
        found: dict[str, dict[str, int]] = httpx.get(f"{self.sandbox_url}/_sandbox/counts", timeout=20).json()
        return found

    def held_there(self) -> dict[str, Any]:
        """System -> order reference -> the objects."""
        found: dict[str, Any] = httpx.get(f"{self.sandbox_url}/_sandbox/orders", timeout=20).json()
        return found

    def orders(self, **wanted: str) -> list[dict[str, Any]]:
        """All orders of the API that fit."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {**wanted, "limit": "200", **({"cursor": cursor} if cursor else {})}
            page = httpx.get(f"{self.url}/api/orders", params=params, timeout=20).raise_for_status().json()
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = str(page["next"])

    def order(self, number: str) -> dict[str, Any]:
        """One order of the API, by its number."""
        [item] = [item for item in self.orders(q=number) if item["number"].removeprefix("#") == number]
        found: dict[str, Any] = httpx.get(f"{self.url}/api/orders/{item['id']}", timeout=20).raise_for_status().json()
        return found

    def wait_for(self, number: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until an order's deliveries have these states, in the order of its route."""

        def there() -> bool:
            return [d["status"] for d in self.order(number)["deliveries"]] == list(states)

        wait_until(there, seconds=seconds, what=f"the deliveries of {number} are {', '.join(states)}", every=ASK_S)
        return self.order(number)

    def wait_settled(self, count: int, *, seconds: float) -> Counter[str]:
        """Wait until ``count`` orders stand still; how many have which status."""
        moving = ("received", "delivering")
        deadline = time.monotonic() + seconds
        statuses: Counter[str] = Counter()
        while True:
            with contextlib.suppress(httpx.TransportError):  # web may just be starting again
                statuses = Counter(item["status"] for item in self.orders())
            if statuses.total() == count and not any(statuses[state] for state in moving):
                return statuses
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds} s {count} orders should stand still, but they are {statuses}")
            time.sleep(0.3)


def parts_order(
    number: str, *, version: str = "2026-11-20T10:15:00Z", topic: str = "order.created", **changes: Any
) -> Delivery:
    """An order of the shop ``parts``, in canonical form; at the destinations it is called ``P-<number>``."""
    order = {
        "shop_order_id": f"id-{number}",
        "number": number,
        "version": version,
        "currency": "AUD",
        "payments": [{"method": "invoice", "amount": "31.90"}],
        "email": "buyer@example.com",
        "ship_to": {
            "name": "Nell Rowan",
            "address1": "4 Pier St",
            "city": "Hobart",
            "postcode": "7000",
            "country": "AU",
        },
        "lines": [{"id": "1", "sku": "BOLT-8", "name": "Bolt", "quantity": "3", "total_incl": "21.90", "tax": "1.99"}],
        "shipping": [{"code": "road", "name": "Road", "total_incl": "10.00", "tax": "0.91"}],
        "total_incl": "31.90",
        "total_tax": "2.90",
        **changes,
    }
    body = {"type": topic, "timestamp": order["version"], "data": order}
    return Delivery(
        shop="parts",
        platform="standard",
        topic=topic,
        body=encode("standard", body),
        delivery_id=f"msg-{uuid.uuid4()}",
        event_id="",
        triggered=datetime.now(UTC),
        number=number,
    )


def told(order: dict[str, Any]) -> str:
    """The timeline of an order of the API, a line for each event."""
    return "\n".join(event["text"] for event in order["events"])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
