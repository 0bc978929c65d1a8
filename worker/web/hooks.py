"""``POST /webhooks/destinations/{name}``: a destination says that something happened to an order there."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from schemas import strict_json
from schemas.destination import Destination
from schemas.ongoing import OngoingDestination
from schemas.ongoing_status import of_webhook
from worker.feeds import Progress
from worker.ledger import hints
from worker.ledger.engine import away
from worker.ledger.progress import known
from worker.web.house import House

log = structlog.get_logger("crossdock.hooks")

TOKEN = "x-auth-token"  # noqa: S105 - the header's name (contracts/ongoing.md section 4)

ANSWER_S = 10.0
"""When the sender gives up is not stated (section 4); a ledger that takes longer is away."""


class NothingToTellError(ValueError):
    """It is genuine, and about no order of the destination. The message says why, and holds nothing of the body."""


def _ongoing(body: Any, destination: Destination) -> Progress:
    if not isinstance(destination, OngoingDestination):
        raise TypeError(f"{destination.name} is not of Ongoing")
    try:
        hint = of_webhook(body, destination)
    except ValueError as error:
        raise NothingToTellError(str(error)) from None
    if hint is None:
        raise NothingToTellError("it names no order")
    return Progress(number=hint.order_number, reference=str(hint.order_id or ""), state="", text="")


READERS: Mapping[str, Callable[[Any, Destination], Progress]] = {"ongoing": _ongoing}
"""By system: which order a webhook's body is about, by number and reference. Raises NothingToTellError."""


def refused(house: House, name: str, headers: Mapping[str, str]) -> Response | None:
    """What to answer to a webhook that is not taken, before its body is read; None where it may come in.

    Args:
        headers: names in lower case, values decoded as Latin-1.
    """
    destination = house.config.destinations.get(name)
    token = getattr(destination, "webhook_token", None)
    if destination is None or token is None or destination.system not in READERS:
        return _error(404, f"no destination {name!r} takes webhooks; look at the address, and at webhook_token there")
    if not hmac.compare_digest(headers.get(TOKEN, "").encode("latin-1"), token.get_secret_value().encode()):
        house.count_refused(f"destinations/{name}", why="the token is missing or wrong")
        return _error(401, "the token in X-Auth-Token is missing or wrong")
    return None


async def take(house: House, name: str, body: bytes) -> Response:
    """Note which order is to be read anew, and answer after the commit.

    A webhook may come twice, late, out of order or from whoever has the token, and is lost after a day (section 4): so
    it is a hint and no more. A worker reads the order within seconds; the reading of all statuses is the net under it.
    """
    destination = house.config.destinations[name]
    try:
        async with asyncio.timeout(ANSWER_S):
            # Not Starlette's pool, which would see the thread through to its end, however long it waits.
            outcome, reason = await asyncio.to_thread(_noted, house, destination, body)
    except (SQLAlchemyError, TimeoutError) as error:
        if isinstance(error, SQLAlchemyError) and not away(error):
            raise
        log.error("ledger_away", doing="hook", destination=name, error=type(error).__name__)
        return _error(503, "it could not be stored; send it again", **{"Retry-After": "60"})
    log.info("hook", destination=name, outcome=outcome, why=reason)
    return JSONResponse({"outcome": outcome, "reason": reason or None})


def _noted(house: House, destination: Destination, body: bytes) -> tuple[str, str]:
    """The outcome, and why it is ignored: an answer other than 2xx would make it come again, and no better."""
    try:
        about = READERS[destination.system](strict_json.loads(body), destination)
    except (strict_json.MalformedError, NothingToTellError) as error:
        return "ignored", str(error)
    with house.ledger.read() as connection:
        ours = known(connection, destination.name, about)
    if not ours:
        return "ignored", "no order of ours there has this number"
    house.ledger.write(lambda c: hints.note(c, destination.name, about.number, now=time.time()))
    return "accepted", ""


def _error(status: int, text: str, **headers: str) -> Response:
    return JSONResponse({"error": text}, status_code=status, headers=headers)
