"""``POST /webhooks/{shop}`` and ``POST /api/orders``: answered when the order is on disk, and not before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.config import Shop
from schemas.shops import PLATFORMS
from schemas.webhook import Webhook
from worker.ledger.arrivals import Answer, Arrival
from worker.ledger.engine import away
from worker.producers import read_order
from worker.telemetry import report_defect
from worker.web import hooks
from worker.web.house import House

log = structlog.get_logger("crossdock.intake")

MAX_BYTES = 2_000_000
"""Bodies above this are answered 413."""

ANSWER_S = 4.5
"""Shopify, the strictest, hangs up after 5 s (contracts/webhooks.md section 1)."""

BODY_S = 30.0
"""Whoever takes longer to send a body is not waited for."""

DRAIN_BYTES, DRAIN_S = 20_000_000, 2.0
"""What is read of a body that is too large, so that its sender gets to hear the answer."""

INLINE_BYTES = 100_000
"""Larger bodies are read in a thread, so that one does not hold the others up."""

_PATH = "/webhooks/"
_DESTINATIONS = "destinations/"
_NOT_KEPT = ("authorization", "cookie", "proxy-authorization", "signature", "hmac")


class Webhooks:
    """ASGI middleware that answers ``POST /webhooks/{shop}`` by itself.

    The layers of a framework behind it would take as much CPU as storing the order does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a webhook, or pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith(_PATH):
            await self._app(scope, receive, send)
            return
        if scope["method"] != "POST":
            response = _error(405, "this address takes webhooks: POST", Allow="POST")
            await response(scope, receive, send)
            return
        # People add a final slash, and shops do not follow the redirect that it would take without this.
        shop = scope["path"].removeprefix(_PATH).removesuffix("/")
        response = await _webhook(scope["app"].state.house, shop, Request(scope, receive))
        await response(scope, receive, send)


async def _webhook(house: House, name: str, request: Request) -> Response:
    """Verify, read, store, answer."""
    received_at = datetime.now(UTC)
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.scope["headers"]}
    if name.startswith(_DESTINATIONS):
        return await _hook(house, name.removeprefix(_DESTINATIONS), headers, request)
    shop = house.config.shops.get(name)
    if shop is None:
        return _error(404, f"no shop {name!r} here; look at the webhook's address")
    body = await _body(request)
    if isinstance(body, Response):
        return body
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _take(house, shop, headers, body, received_at)
    except TimeoutError:
        log.error("not_stored", shop=shop.name, error="TimeoutError")
        return _unavailable()


async def _hook(house: House, name: str, headers: Mapping[str, str], request: Request) -> Response:
    refused = hooks.refused(house, name, headers)
    if refused is not None:
        return refused
    body = await _body(request)
    return body if isinstance(body, Response) else await hooks.take(house, name, body)


async def _take(house: House, shop: Shop, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Response:
    if len(body) <= INLINE_BYTES:
        found = _verified(shop, headers, body, received_at)
    else:
        found = await run_in_threadpool(_verified, shop, headers, body, received_at)
    if isinstance(found, str):
        house.count_refused(shop.name, why=found)
        return _error(401, found)
    if found.kind == "ignored" and not found.topic:
        return _told("ignored", None)
    kept = {name: value for name, value in headers.items() if not any(word in name for word in _NOT_KEPT)}
    at = received_at.timestamp()
    answer = await _store(house, Arrival(shop=shop.name, webhook=found, body=body, headers=kept, received_at=at))
    if answer is None:
        return _unavailable()
    log.info("webhook", shop=shop.name, topic=found.topic, outcome=answer.outcome, order=answer.order_id)
    return _told(answer.outcome, answer.order_id)


def _verified(shop: Shop, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Webhook | str:
    """The webhook, or why it is not genuine."""
    platform = PLATFORMS[shop.platform]
    if platform.is_ping(headers, body):
        return Webhook(topic="", kind="ignored", reason="a ping")
    secrets = [secret.get_secret_value() for secret in shop.secrets]
    flaw = platform.verify(headers=headers, body=body, secrets=secrets, now=received_at.timestamp())
    if flaw:
        return flaw
    try:
        return platform.read(headers=headers, body=body, shop=shop, received_at=received_at)
    except Exception as error:  # noqa: BLE001 - whatever it is, the shop's order is not to blame
        return _defect("webhook", error, shop=shop.name)


def _defect(topic: str, error: Exception, *, shop: str) -> Webhook:
    report_defect(error, f"intake of {shop}", "")
    # It is genuine, and WooCommerce would not send it again: rather held than lost.
    return Webhook(topic=topic, kind="unreadable", reason=f"a defect of Crossdock's own ({type(error).__name__})")


async def accept_order(request: Request) -> Response:
    """An order in canonical form, from a trusted producer."""
    house: House = request.app.state.house
    name = request.query_params.get("shop", "")
    if name not in house.config.shops:
        return _error(404, f"no shop {name!r} in the configuration; write ?shop=NAME")
    body = await _body(request)
    if isinstance(body, Response):
        return body
    key = request.headers.get("idempotency-key", "").strip()
    if len(key) > 200:
        return _error(422, "the Idempotency-Key is above 200 characters")
    order = read_order(body, key=f"api:{key}" if key else None, topic="POST /api/orders")
    if order.kind != "order":
        return _error(422, order.reason)
    arrival = Arrival(shop=name, webhook=order, body=body, headers={}, received_at=time.time(), exact=True)
    try:
        async with asyncio.timeout(ANSWER_S):
            answer = await _store(house, arrival)
    except TimeoutError:
        log.error("not_stored", shop=name, error="TimeoutError")
        return _unavailable()
    if answer is None:
        return _unavailable()
    if answer.outcome == "conflict":
        return _error(409, answer.reason)
    return _told(answer.outcome, answer.order_id, status=202)


async def _body(request: Request) -> bytes | Response:
    """The raw bytes, or what to answer without them."""
    length, stream = request.headers.get("content-length", ""), request.stream()
    if length.isdecimal() and int(length) > MAX_BYTES:
        return await _too_large(request, stream)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in stream:
                size += len(chunk)
                if size > MAX_BYTES:
                    return await _too_large(request, stream)
                chunks.append(chunk)
    except ClientDisconnect:
        return _error(400, "the body ended too early")
    except TimeoutError:
        return _error(408, f"the body did not arrive within {BODY_S:g} s", Connection="close")
    return b"".join(chunks)


async def _too_large(request: Request, stream: AsyncIterator[bytes]) -> Response:
    # A connection that is closed while its other end still writes may lose the answer on the way.
    if "expect" not in request.headers:
        with suppress(ClientDisconnect, TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                left = DRAIN_BYTES
                async for chunk in stream:
                    left -= len(chunk)
                    if left < 0:
                        break
    return _error(413, f"the body is above {MAX_BYTES} bytes", Connection="close")


async def _store(house: House, arrival: Arrival) -> Answer | None:
    """The answer after commit; None where the ledger did not take it."""
    try:
        return await asyncio.wrap_future(house.intake.submit(arrival))
    except Exception as error:  # noqa: BLE001 - one webhook of a kind nobody thought of is held, not lost
        if (isinstance(error, SQLAlchemyError) and away(error)) or arrival.exact or arrival.webhook.order is None:
            log.error("not_stored", shop=arrival.shop, error=type(error).__name__)
            return None
        held = replace(_defect(arrival.webhook.topic, error, shop=arrival.shop), keys=arrival.webhook.keys)
        return await _store(house, replace(arrival, webhook=held))


def _told(outcome: str, order: int | None, *, status: int = 200) -> Response:
    text = f'{{"outcome":"{outcome}","order":{"null" if order is None else order}}}'
    return Response(text, status_code=status, media_type="application/json")


def _error(status: int, text: str, **headers: str) -> Response:
    return JSONResponse({"error": text}, status_code=status, headers=headers)


def _unavailable() -> Response:
    return _error(503, "the order could not be stored; send it again", **{"Retry-After": "5"})
