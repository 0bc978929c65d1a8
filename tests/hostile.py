"""Bodies that are nearly right: one or more values of a good body replaced, removed or repeated."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from schemas.order import Order
from schemas.webhook import Webhook

MARK = "Xq7 Personal"
"""Stands for every name, address and note in the good body; no reason and no note may repeat it."""

_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        2**63,
        10**400,
        1.5,
        1e300,
        "",
        " ",
        "0E-99999999",
        "1e999",
        "NaN",
        "-Infinity",
        "0",
        "12.345",
        MARK,
        MARK + "\x00\ud83d\ude00",
        [],
        {},
        [[]],
        [None],
        {"": MARK},
        [{"id": MARK, "quantity": MARK}],
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "EUR",
        "cancelled",
        "auto-draft",
    ]
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a JSON value."""
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found


@st.composite
def mutated(draw: st.DrawFn, good: dict[str, Any]) -> bytes:
    """A good body with one to four of its values replaced or removed; sometimes its bytes are cut or changed too."""
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 4))):
        places = _places(value)
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            container[key] = copy.deepcopy(draw(_ODD))
        else:
            del container[key]
    raw = bytearray(json.dumps(value).encode("utf-8", "surrogatepass"))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(raw) - 1))
        raw[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(raw)


def survives(webhook: Webhook) -> None:
    """What was read can be stored, hashed and read again, and tells nothing personal."""
    assert webhook.kind in ("order", "removed", "unreadable", "ignored")
    assert webhook.keys
    assert all(0 < len(key) <= 255 for key in webhook.keys)
    assert bool(webhook.reason) is (webhook.kind in ("unreadable", "ignored"))
    told = " ".join((webhook.reason, *webhook.notes))
    assert "Xq7" not in told
    told.encode()
    assert (webhook.order is not None) is (webhook.kind == "order")
    if webhook.order is not None:
        text = webhook.order.model_dump_json()
        assert len(text) < 100_000
        assert Order.model_validate_json(text) == webhook.order
        assert len(webhook.order.content()) == 64
        assert webhook.shop_order_id == webhook.order.shop_order_id
