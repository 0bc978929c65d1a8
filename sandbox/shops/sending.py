"""Post webhooks, and try again as a shop does."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from sandbox.shops.delivery import Answer, Delivery, Platform, decode
from sandbox.shops.signing import headers

PATIENCE_S: Mapping[Platform, float] = {"shopify": 5.0, "woocommerce": 60.0, "standard": 20.0}
"""How long each platform waits for its answer (contracts/webhooks.md section 1)."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 1.0
"""Waits between tries. Real shops wait minutes; a rehearsal cannot."""

_UNANSWERED = (httpx.TransportError, aiohttp.ClientError, TimeoutError)


async def send(delivery: Delivery, *, base_url: str, secret: str, client: httpx.AsyncClient) -> Answer:
    """Post one webhook once.

    Args:
        base_url: where crossdock listens, ``http://127.0.0.1:8080``.

    Raises:
        httpx.TransportError, aiohttp.ClientError: no connection, or lost before the answer.
        TimeoutError: no answer within the platform's own limit.
    """
    request = client.build_request(
        "POST",
        f"{base_url.rstrip('/')}/webhooks/{delivery.shop}",
        headers=headers(delivery, secret),
        content=delivery.body,
    )
    started = time.perf_counter()
    async with asyncio.timeout(PATIENCE_S[delivery.platform]):
        response = await client.send(request)
    seconds = time.perf_counter() - started
    outcome, order = _read(response.content)
    return Answer(status=response.status_code, outcome=outcome, order=order, seconds=seconds)


async def send_all(
    deliveries: Iterable[Delivery],
    *,
    url: str,
    secrets: Mapping[str, str],
    in_flight: int = 1,
    on_answer: Callable[[Delivery, Answer], None] | None = None,
    give_up_s: float = 120.0,
) -> Counter[str]:
    """Post many webhooks, ``in_flight`` at a time, and again on 429, 5xx, a lost connection or a late answer.

    With ``in_flight=1`` they arrive in the order given, which samples that belong together need. A re-send
    has the same body and the same delivery id. WooCommerce never tries again by itself; here it does, which
    stands for the shop's owner who sends again what the shop's log shows as failed.

    Args:
        secrets: shop -> secret.
        on_answer: called once a delivery with its last answer, in this event loop: it must not block.
        give_up_s: after so many seconds a delivery's last answer stands, status 0 where there was none.

    Returns:
        How many deliveries ended with which outcome; ``HTTP 401`` or ``unanswered`` for those without one.

    Raises:
        KeyError: a shop's secret is missing.
        ValueError: a shop's secret is of no use, as :func:`sandbox.shops.signing.sign` has it.
        Exception: what ``on_answer`` raised.
    """
    tally: Counter[str] = Counter()
    queue = iter(deliveries)
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)

    async def sender(client: httpx.AsyncClient) -> None:
        for delivery in queue:
            answer = await _persist(
                delivery, base_url=url, secret=secrets[delivery.shop], client=client, give_up_s=give_up_s
            )
            tally[_word(answer)] += 1
            if on_answer:
                on_answer(delivery, answer)

    try:
        async with (
            httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=max(PATIENCE_S.values())) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(in_flight):
                group.create_task(sender(client))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the others were cancelled with it
    return tally


async def _persist(
    delivery: Delivery, *, base_url: str, secret: str, client: httpx.AsyncClient, give_up_s: float
) -> Answer:
    deadline = time.monotonic() + give_up_s
    tries = 0
    while True:
        tries += 1
        try:
            answer = await send(delivery, base_url=base_url, secret=secret, client=client)
        except _UNANSWERED:
            answer = Answer(status=0)
        answer = replace(answer, tries=tries)
        worth_another = answer.status in {0, 429} or answer.status >= 500
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tries - 1, 10)) * random.uniform(0.5, 1.0)
        if not worth_another or time.monotonic() + wait > deadline:
            return answer
        await asyncio.sleep(wait)


def _read(content: bytes) -> tuple[str | None, str | None]:
    body = decode(content)
    if not isinstance(body, dict):
        return None, None
    outcome, order = body.get("outcome"), body.get("order")
    return (None if outcome is None else str(outcome)), (None if order is None else str(order))


def _word(answer: Answer) -> str:
    if answer.status == 0:
        return "unanswered"
    return answer.outcome if answer.ok and answer.outcome else f"HTTP {answer.status}"
