"""Orders that trusted producers send in canonical form."""

from __future__ import annotations

from pydantic import ValidationError

from schemas import strict_json
from schemas.order import Order
from schemas.webhook import Webhook


def read_order(body: bytes, *, key: str | None, topic: str) -> Webhook:
    """Read a canonical order; what is wrong with it is in the webhook's ``reason``, field by field."""
    keys = (key,) if key else ()
    shop_order_id = None
    try:
        data = strict_json.loads(body)
        if isinstance(data, dict) and isinstance(data.get("shop_order_id"), str | int):
            shop_order_id = str(data["shop_order_id"])[:255] or None
        order = Order.model_validate(data)
    except ValidationError as error:
        reason = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'order'}: {e['msg']}" for e in error.errors(include_input=False)
        )
        return Webhook(topic=topic, kind="unreadable", keys=keys, shop_order_id=shop_order_id, reason=reason)
    except ValueError as error:
        return Webhook(topic=topic, kind="unreadable", keys=keys, shop_order_id=shop_order_id, reason=str(error))
    return Webhook(topic=topic, kind="order", keys=keys, shop_order_id=order.shop_order_id, order=order)
