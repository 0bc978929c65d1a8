"""Orders from producers that already speak Celery: ``tasks.intake.accept(shop, order)``, by name."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from worker.app import app, machine
from worker.intake import store, wakes
from worker.ledger.arrivals import Arrival
from worker.producers import read_order


class UnknownShopError(ValueError):
    """No such shop in the configuration."""


@app.task(name="tasks.intake.accept", acks_late=True, max_retries=None, throws=(UnknownShopError,))
def accept(shop: str, order: Mapping[str, Any]) -> str:
    """Store an order as a webhook would be, in the same transaction. Returns its outcome and our order id.

    Args:
        shop: a shop of the configuration.
        order: the canonical order (docs of ``POST /api/orders``).
    """
    here = machine()
    if shop not in here.config.shops:
        raise UnknownShopError(f"no shop {shop!r} in {here.settings.config}")
    body = json.dumps(order, ensure_ascii=False, sort_keys=True).encode()
    webhook = read_order(body, key=f"task:{hashlib.sha256(body).hexdigest()}", topic="tasks.intake.accept")
    arrival = Arrival(shop=shop, webhook=webhook, body=body, headers={}, received_at=time.time())
    answers = store(here.ledger, [arrival], config=here.config)
    here.bell.ring_all(wakes(answers))
    return f"{answers[0].outcome} {answers[0].order_id}"
