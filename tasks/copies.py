"""Deliveries that look things up in the local copies of another system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.outcomes import Retry

SOON_S = 3.0
"""Copies that were never complete yet are waited for. To see whether they are costs no request."""


def not_copied(what: str, destination: str) -> Retry:
    """What is not found may only not have been copied yet: a new connection needs a moment."""
    reason = f"The {what} of {destination} have not been copied to their end yet."
    return Retry(code="not_copied", reason=reason, after=SOON_S, counts=False)


def customer_unread(memo: Mapping[str, Any]) -> Retry | None:
    """By what :func:`schemas.customers.customer_of` told."""
    unread = memo.get("customer", {}).get("unread")
    return not_copied("contacts and companies", str(unread)) if unread else None
