"""Orders from producers that already speak Celery: ``tasks.intake.accept(shop, order)``, by name.

Any Celery app on the same broker sends it, by its default queue ``celery``; nothing has to be set up.
Until the task has run the order is with the broker alone, and Celery on Redis can lose a
message when a worker is killed as it takes it (measured). What must not be lost is posted to ``/api/orders``, whose
answer is the promise; or it goes through RabbitMQ, or is sent once more: the second one is a duplicate.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import structlog
from celery import Task
from sqlalchemy.exc import SQLAlchemyError

from worker.app import app, machine
from worker.intake import store, wakes
from worker.ledger.arrivals import Arrival
from worker.ledger.engine import away
from worker.producers import read_order

log = structlog.get_logger("crossdock.intake")

AGAIN_S = 5
"""While the ledger does not answer, an order is tried again after so long; until then it stays with the broker."""


class UnknownShopError(ValueError):
    """No such shop in the configuration."""


@app.task(bind=True, name="tasks.intake.accept", max_retries=None, throws=(UnknownShopError,))
def accept(self: Task, shop: str, order: Mapping[str, Any]) -> str:
    """Store an order as a webhook would be, in the same transaction. Returns its number, outcome and our order id.

    Args:
        shop: a shop of the configuration.
        order: the canonical order (docs of ``POST /api/orders``).

    Raises:
        UnknownShopError: nothing was stored.
    """
    try:
        here = machine()
        if shop not in here.config.shops:
            log.error("unknown_shop", shop=shop, known=sorted(here.config.shops))
            raise UnknownShopError(f"no shop {shop!r} in the configuration")
        body = json.dumps(order, ensure_ascii=False, sort_keys=True).encode()
        webhook = read_order(body, key=f"task:{hashlib.sha256(body).hexdigest()}", topic="tasks.intake.accept")
        arrival = Arrival(shop=shop, webhook=webhook, body=body, headers={}, received_at=time.time())
        [answer] = store(here.ledger, [arrival], config=here.config)
    except SQLAlchemyError as error:
        if not away(error):
            raise
        log.error("not_stored", webhooks=1, error=type(error).__name__)
        raise self.retry(countdown=AGAIN_S) from None
    here.bell.ring_all(wakes([answer]))
    log.info("task", shop=shop, outcome=answer.outcome, order=answer.order_id)
    return f"{shop} {answer.number}: {answer.outcome} (id {answer.order_id})"
