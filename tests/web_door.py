"""The web process alone, over a ledger of its own: what shops, producers and operators reach over HTTP.

No worker and no broker run, so orders stay where the door has put them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from sandbox.shops import Delivery, encode, make_orders, new_secret, sign
from tests.house import ESUITE, ONGOING, PLATFORMS, SHOPS, named_secrets, new_secrets, signed
from tests.servers import free_port, wait_until
from worker.ledger import tables as t
from worker.ledger.engine import Ledger
from worker.ledger.migrate import migrate
from worker.settings import Settings

_HOOKED = """goods_owner_id = 159
webhook_token = "env:ONGOING_WEBHOOK_TOKEN"
skus = {{ "OUR-MUG" = "000250A" }}"""
_ROUTES = """
[[routes]]
name = "down-under"
when = { country = ["AU", "NZ"] }
deliver = ["esuite-au", "ongoing-se"]

[[routes]]
name = "sweden"
when = { country = ["SE"] }
deliver = ["ongoing-se"]
"""

CONFIG = (
    SHOPS.replace('"env:TEA_SECRET"', '"env:TEA_SECRET", "env:TEA_OLD_SECRET"')
    + (ESUITE + ONGOING.replace("goods_owner_id = 159", _HOOKED)).format(sandbox="http://127.0.0.1:9", timeout_s=2)
    + _ROUTES
)


class Door:
    """``crossdock web`` over a migrated ledger; ``with`` starts it and ends it."""

    hook_token = "hook-of-the-warehouse-æ"

    def __init__(self, folder: Path, database_url: str, *, token: str | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secrets = new_secrets()
        self.old_secret = new_secret("shopify")
        config = folder / "crossdock.toml"
        config.write_text(CONFIG)
        self._environment = {
            **os.environ,
            **named_secrets(self.secrets),
            "TEA_OLD_SECRET": self.old_secret,
            "ONGOING_WEBHOOK_TOKEN": self.hook_token,
            "CROSSDOCK_CONFIG": str(config),
            "CROSSDOCK_HOME": str(folder / "home"),
            "CROSSDOCK_DATABASE_URL": database_url,
            "CROSSDOCK_LOG": "json",
            **({"CROSSDOCK_API_TOKEN": token} if token else {}),
        }
        self.ledger = Ledger(Settings(database=database_url).database_url)
        migrate(self.ledger)
        # Bytes: httpx sends text in a header as ASCII only, and a token may be any.
        headers = {b"Authorization": f"Bearer {token}".encode()} if token else {}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=20)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        self.http.close()
        self.ledger.close()
        if error is not None:
            sys.stderr.write(self.log()[-6000:])

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "worker", "web", "--port", str(self.port)]
        with (self.folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        wait_until(self._answers, seconds=30, what="the web process answers")

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    @property
    def pid(self) -> int:
        """Of the web process."""
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()[-3000:]
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        """What the process printed."""
        return (self.folder / "web.log").read_text(errors="replace")

    def headers(self, delivery: Delivery, *, secret: str | None = None) -> dict[str, str]:
        """A delivery's headers, signed as its shop signs."""
        return signed(delivery, secret or self.secrets[delivery.shop])

    def post(self, delivery: Delivery, *, secret: str | None = None) -> httpx.Response:
        """Sign and post a webhook, once."""
        return self.webhook(delivery.shop, delivery.body, self.headers(delivery, secret=secret))

    def webhook(self, shop: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Post bytes with these headers."""
        return self.http.post(f"/webhooks/{shop}", content=body, headers=dict(headers))

    def told(self, delivery: Delivery) -> str:
        """Post a webhook and return its outcome."""
        response = self.post(delivery)
        assert response.status_code == 200, response.text
        return str(response.json()["outcome"])

    def bytes_of(self, shop: str, body: bytes, *, topic: str | None = None) -> httpx.Response:
        """Post any bytes, correctly signed, as an order that was just created."""
        topic = topic or ("orders/create" if shop == "tea" else "order.created")
        headers = sign(PLATFORMS[shop], body, self.secrets[shop], topic, shop=shop)
        # The stand-in repeats the body's id in a header; no HTTP client sends every character there.
        sendable = {name: value for name, value in headers.items() if value.isascii() and value.isprintable()}
        return self.webhook(shop, body, sendable)

    def order(self, order_id: int) -> dict[str, Any]:
        """One order of the API."""
        found: dict[str, Any] = self.http.get(f"/api/orders/{order_id}").raise_for_status().json()
        return found

    def number(self, number: str) -> dict[str, Any]:
        """The one order whose number this is, or ends with it."""
        items = self.http.get("/api/orders", params={"q": number}).raise_for_status().json()["items"]
        [item] = items
        return self.order(item["id"])

    def stored(self) -> tuple[int, int]:
        """How many receipts and orders the ledger holds."""
        with self.ledger.read() as connection:
            receipts = connection.scalar(select(func.count()).select_from(t.receipts))
            orders = connection.scalar(select(func.count()).select_from(t.orders))
        return receipts or 0, orders or 0

    def figures(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of ``/metrics`` by its name and labels."""
        text = self.http.get("/metrics").raise_for_status().text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def figure(self, name: str, **labels: str) -> float:
        """One sample of ``/metrics``; 0 where it is not there."""
        return self.figures().get((name, frozenset(labels.items())), 0.0)


def shop_order(shop: str, number: str, *, topic: str | None = None, seconds: int = 0, **fields: Any) -> Delivery:
    """An order of ``tea`` (Shopify) or ``books`` (WooCommerce), paid and bound for Australia.

    Args:
        number: of the order; its id too.
        seconds: when the shop changed it, after a fixed moment.
        fields: of the body, in the platform's own words.
    """
    platform = PLATFORMS[shop]
    base = next(d for d in make_orders(50, platform=platform, seed=7, shop=shop) if b'"AU"' in d.body)
    moment = datetime(2026, 11, 20, 10, 0, tzinfo=UTC) + timedelta(seconds=seconds)
    body = json.loads(base.body) | {"id": int(number)}
    if shop == "tea":
        body |= {"name": f"#{number}", "updated_at": moment.isoformat(), "financial_status": "paid"}
    else:
        body |= {"number": number, "date_modified_gmt": f"{moment:%Y-%m-%dT%H:%M:%S}", "status": "processing"}
    return Delivery(
        shop=shop,
        platform=platform,
        topic=topic or ("orders/create" if shop == "tea" else "order.created"),
        body=encode(platform, body | fields),
        delivery_id=str(uuid4()),
        event_id=str(uuid4()),
        triggered=moment,
        number=number,
    )
