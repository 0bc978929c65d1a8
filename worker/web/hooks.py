"""``POST /webhooks/destinations/{name}``: a destination tells how an order gets on there."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from schemas import strict_json
from schemas.destination import Destination
from schemas.ongoing import OngoingDestination
from schemas.ongoing_status import of_webhook
from worker.feeds import Progress
from worker.ledger import feeds
from worker.ledger.engine import away
from worker.web.house import House

log = structlog.get_logger("crossdock.hooks")

TOKEN = "x-auth-token"  # noqa: S105 - the header's name (contracts/ongoing.md section 4)


def _ongoing(body: Any, destination: Destination) -> Progress | None:
    if not isinstance(destination, OngoingDestination):
        raise TypeError(f"{destination.name} is not of Ongoing")
    status = of_webhook(body, destination)
    if status is None:
        return None
    return Progress(number=status.order_number, state=status.word, text=status.text, tracking=status.tracking)


READERS: Mapping[str, Callable[[Any, Destination], Progress | None]] = {"ongoing": _ongoing}
"""By system: what a webhook's body says. Raises ValueError where it is not for this destination."""


async def take(house: House, name: str, headers: Mapping[str, str], body: bytes) -> Response:
    """Check the token, tell the order's timeline, answer after the commit.

    A webhook may come twice, late and out of order, and is lost after a day (section 4): so it tells how an order gets
    on, the reading of the statuses is the net under it, and nothing is decided by it.
    """
    destination = house.config.destinations.get(name)
    token = getattr(destination, "webhook_token", None)
    if destination is None or token is None or destination.system not in READERS:
        return _error(404, f"no destination {name!r} takes webhooks; set webhook_token in [destinations.{name}]")
    if not hmac.compare_digest(headers.get(TOKEN, "").encode(), token.get_secret_value().encode()):
        house.count_refused(name, why="the token is missing or wrong")
        return _error(401, "the token in X-Auth-Token is missing or wrong")
    try:
        told = READERS[destination.system](strict_json.loads(body), destination)
    except (strict_json.MalformedError, ValueError) as error:
        # An answer other than 2xx would make it come again for a day, and it would be no better then.
        log.warning("hook_ignored", destination=name, why=str(error))
        return _answer("ignored", str(error))
    if told is None:
        return _answer("ignored", "nothing that has to be told")
    try:
        news = await run_in_threadpool(house.ledger.write, lambda c: feeds.tell(c, name, [told], now=time.time()))
    except SQLAlchemyError as error:
        if not away(error):
            raise
        log.error("ledger_away", doing="hook", error=type(error).__name__)
        return _error(503, "it could not be stored; send it again", **{"Retry-After": "60"})
    return _answer("accepted" if news else "duplicate", "")


def _answer(outcome: str, reason: str) -> Response:
    return JSONResponse({"outcome": outcome, **({"reason": reason} if reason else {})})


def _error(status: int, text: str, **headers: str) -> Response:
    return JSONResponse({"error": text}, status_code=status, headers=headers)
