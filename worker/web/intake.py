"""``POST /webhooks/{shop}`` and ``POST /api/orders``: answered when the order is on disk, and not before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from schemas.config import Shop
from schemas.shops import PLATFORMS
from schemas.webhook import Webhook
from worker.ledger.arrivals import Answer, Arrival
from worker.producers import read_order
from worker.web.house import House

log = structlog.get_logger("crossdock.intake")

MAX_BYTES = 2_000_000
"""Bodies above this are answered 413."""

ANSWER_S = 4.5
"""Shopify, the strictest, hangs up after 5 s (contracts/webhooks.md section 1)."""

INLINE_BYTES = 100_000
"""Larger bodies are read in a thread, so that one does not hold the others up."""

_NOT_KEPT = ("authorization", "cookie", "proxy-authorization", "signature", "hmac")


async def webhook(request: Request) -> Response:
    """Verify, read, store, answer."""
    house: House = request.app.state.house
    received_at = datetime.now(UTC)
    shop = house.config.shops.get(request.path_params["shop"])
    if shop is None:
        return _error(404, f"no shop {request.path_params['shop']!r} here; look at the webhook's address")
    body = await _body(request)
    if body is None:
        return _error(413, f"the body is above {MAX_BYTES} bytes")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    read = _read if len(body) <= INLINE_BYTES else _read_in_thread
    found = await read(shop, headers, body, received_at)
    if isinstance(found, str):
        house.count_refused(shop.name)
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


async def _read(shop: Shop, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Webhook | str:
    return _verified(shop, headers, body, received_at)


async def _read_in_thread(shop: Shop, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Webhook | str:
    return await run_in_threadpool(_verified, shop, headers, body, received_at)


def _verified(shop: Shop, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Webhook | str:
    """The webhook, or why it is not genuine."""
    platform = PLATFORMS[shop.platform]
    if platform.is_ping(headers, body):
        return Webhook(topic="", kind="ignored", reason="a ping")
    secrets = [secret.get_secret_value() for secret in shop.secrets]
    flaw = platform.verify(headers=headers, body=body, secrets=secrets, now=received_at.timestamp())
    return flaw or platform.read(headers=headers, body=body, shop=shop, received_at=received_at)


async def accept_order(request: Request) -> Response:
    """An order in canonical form, from a trusted producer."""
    house: House = request.app.state.house
    name = request.query_params.get("shop", "")
    if name not in house.config.shops:
        return _error(404, f"no shop {name!r} in the configuration; write ?shop=NAME")
    body = await _body(request)
    if body is None:
        return _error(413, f"the body is above {MAX_BYTES} bytes")
    key = request.headers.get("idempotency-key", "").strip()
    if len(key) > 200:
        return _error(422, "the Idempotency-Key is above 200 characters")
    order = read_order(body, key=f"api:{key}" if key else None, topic="POST /api/orders")
    if order.kind != "order":
        return _error(422, order.reason)
    arrival = Arrival(shop=name, webhook=order, body=body, headers={}, received_at=time.time(), exact=True)
    answer = await _store(house, arrival)
    if answer is None:
        return _unavailable()
    if answer.outcome == "conflict":
        return _error(409, answer.reason)
    return _told(answer.outcome, answer.order_id, status=202)


async def _body(request: Request) -> bytes | None:
    """The raw bytes, or None where there are too many; then the rest is not read."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        return None
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BYTES:
                return None
            chunks.append(chunk)
    except ClientDisconnect:
        return b""  # nobody is there to be answered; an empty body is no order's
    return b"".join(chunks)


async def _store(house: House, arrival: Arrival) -> Answer | None:
    """The answer after commit; None where the ledger did not take it in time."""
    future = asyncio.wrap_future(house.intake.submit(arrival))
    try:
        return await asyncio.wait_for(future, ANSWER_S)
    except (TimeoutError, SQLAlchemyError) as error:
        log.error("not_stored", shop=arrival.shop, error=type(error).__name__)
        return None


def _told(outcome: str, order: int | None, *, status: int = 200) -> Response:
    text = f'{{"outcome":"{outcome}","order":{"null" if order is None else order}}}'
    return Response(text, status_code=status, media_type="application/json")


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=status)


def _unavailable() -> Response:
    text = "the order could not be stored; send it again"
    return JSONResponse({"error": text}, status_code=503, headers={"Retry-After": "5"})
