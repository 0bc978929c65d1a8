"""Newest version wins: what a webhook's order does to the one we have (contracts/webhooks.md section 6)."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import ValidationError

from schemas.changes import changes
from schemas.order import Order
from schemas.webhook import REMOVED, Webhook
from worker.ledger.book import OrderState, read_order
from worker.ledger.merge import outlive

Verdict = Literal["newer", "stale", "duplicate"]

_PAYMENT_RANK = {
    "pending": 0,
    "authorized": 1,
    "paid": 2,
    "partially_refunded": 3,
    "refunded": 4,
    "voided": 4,
}


def take_version(state: OrderState, webhook: Webhook, *, now: float) -> tuple[Verdict, str]:
    """Make the webhook's order the stored one if it is newer, and say on the timeline what happened.

    Returns:
        The verdict, and why. Where it is "newer", the caller settles the deliveries.
    """
    order = webhook.order
    if order is None:
        raise AssertionError("a webhook of kind order carries one")
    text = order.model_dump_json()
    sha = hashlib.sha256(text.encode()).hexdigest()
    verdict, why = _compare(state, order, webhook, sha)
    if verdict != "newer":
        if verdict == "stale":
            state.tell("stale", f"{webhook.topic} of {order.version:%Y-%m-%d %H:%M:%S}Z: {why}", now)
        return verdict, why
    first, before = state.shop_version is None, state.order()
    if state.edit is not None:
        _keep_edit(state, text, now)
    state.version_at, state.tie, state.body_sha = order.version.timestamp(), webhook.tie, sha
    state.rank = REMOVED if order.cancelled else webhook.rank
    state.shop_version, state.updated_at = text, now
    state.hold, state.unread = None, False
    if state.edit is None:
        state.knows(order)
    effective = state.order()
    if effective is None:
        raise AssertionError("just stored")
    content = effective.content()
    unchanged = state.content == content
    state.content, state.number = content, effective.number
    state.cancelled, state.test = effective.cancelled, effective.test
    _tell(state, webhook, order, first=first, unchanged=unchanged, settled=why, now=now)
    if before is not None:
        tell_changes(state, before, effective, now)
    return "newer", why


def _tell(
    state: OrderState,
    webhook: Webhook,
    order: Order,
    *,
    first: bool,
    unchanged: bool,
    settled: str,
    now: float,
) -> None:
    what = "received" if first else "updated"
    text = f"{webhook.topic}, version {order.version:%Y-%m-%d %H:%M:%S}Z"
    if not first and unchanged:
        text += ": nothing that a destination sees has changed"
    state.tell(what, text, now)
    if settled:
        state.tell("settled", settled, now)
    for note in webhook.notes:
        state.tell("note", note, now)


def tell_changes(state: OrderState, before: Order, after: Order, now: float) -> None:
    """Say in words what a newer version, or an edit, changes."""
    found = changes(before, after)
    if found:
        state.tell("changes", "; ".join(found), now)


def _keep_edit(state: OrderState, newer: str, now: float) -> None:
    edit = json.loads(state.edit or "{}")
    kept, lost = outlive(edit, before=json.loads(state.shop_version or "{}"), after=json.loads(newer))
    if kept and not _fits(newer, kept):
        kept, lost = {}, sorted(edit)
    state.edit = json.dumps(kept, ensure_ascii=False) if kept else None
    if lost:
        state.tell("edit", f"the shop changed {', '.join(lost)} as well: its newer value replaces the edit", now)
    if kept:
        state.tell("edit", f"the edit of {', '.join(kept)} stays: the shop did not touch it", now)


def _fits(newer: str, edit: dict[str, Any]) -> bool:
    try:
        return read_order(newer, json.dumps(edit)) is not None
    except ValidationError:
        return False


def _compare(state: OrderState, order: Order, webhook: Webhook, sha: str) -> tuple[Verdict, str]:
    """Is this version newer than the stored one (contracts/webhooks.md section 6, state rules)?"""
    if state.version_at is None:
        return "newer", ""
    at = order.version.timestamp()
    if at != state.version_at:
        return ("newer", "") if at > state.version_at else ("stale", "older than what we have, set aside")
    if state.body_sha == sha:
        return "duplicate", "this version is stored already"
    # The time has whole seconds. Same time, another body: the shop's own clock, then what kind of change it is,
    # then how far the payment went, then the later arrival. All but the last do not depend on arrival.
    paid = json.loads(state.shop_version or "{}").get("payment_state", "pending")
    stored = (state.rank, _PAYMENT_RANK.get(paid, 0))
    coming = (REMOVED if order.cancelled else webhook.rank, _PAYMENT_RANK[order.payment_state])
    if webhook.tie and state.tie and webhook.tie != state.tie:
        newer, by = webhook.tie > state.tie, "the shop's trigger time"
    elif coming[0] != stored[0]:
        newer, by = coming[0] > stored[0], "the kind of change"
    elif coming[1] != stored[1]:
        newer, by = coming[1] > stored[1], "the payment state"
    else:
        newer, by = True, "the later arrival; look at the order in the shop if in doubt"
    if newer:
        return "newer", f"two bodies with one version: settled by {by}"
    return "stale", f"two bodies with one version: the stored one stays, settled by {by}"
