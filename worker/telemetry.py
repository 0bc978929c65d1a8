"""What operators hear of: log lines, and Sentry for dead letters, suspensions and defects.

An order that a system refuses is no exception; it is reported as a message, grouped by destination and reason, so
that a thousand orders with one cause are one issue (notes/celery.md section 6).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import structlog

from worker.ledger.records import Recorded
from worker.outcomes import Reject, Suspend

if TYPE_CHECKING:
    from sentry_sdk._types import DataCollectionUserOptions, KeyValueCollectionBehaviour
    from sentry_sdk.types import Event, Hint

# Sentry and what it hooks into are imported where a DSN asks for them: they are a third of a worker's start-up time.
# ruff: noqa: PLC0415

log = structlog.get_logger("crossdock")

OFF: KeyValueCollectionBehaviour = {"mode": "off"}
NOTHING: DataCollectionUserOptions = {
    "user_info": False,
    "cookies": OFF,
    "http_headers": {"request": OFF},
    "http_bodies": [],
    "url_query_params": OFF,
    "database_query_data": False,
    "queues": False,
    "stack_frame_variables": False,
}
"""What Sentry may collect by itself: places in our code, and nothing of what they worked on."""

_reporting = False
"""Sentry has been started in this process."""


def start_sentry(dsn: str | None, *, transport: Any = None) -> None:
    """Begin reporting, if a DSN is set. ``transport``: where tests listen."""
    global _reporting  # noqa: PLW0603 - as Sentry's own state, once a process
    if dsn is None:
        return
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.fastapi import FastApiIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.starlette import StarletteIntegration

    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        # Measured: with the defaults an e-mail still went out in local variables and in an exception's message, which
        # _scrub takes out.
        data_collection=NOTHING,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        auto_enabling_integrations=False,
        integrations=[
            CeleryIntegration(monitor_beat_tasks=False),
            StarletteIntegration(),
            FastApiIntegration(),
            LoggingIntegration(level=None, event_level=None),
        ],
        before_send=_scrub,
    )
    _reporting = True


def _scrub(event: Event, hint: Hint) -> Event | None:
    """Keep types, places and our own tags; drop every text that could carry an order's data."""
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = ""
    event.pop("request", None)
    event.pop("user", None)
    event.pop("breadcrumbs", None)
    extra = event.get("extra", {})
    event["extra"] = {key: extra[key] for key in ("destination", "order_number", "code") if key in extra}
    exc_info = hint.get("exc_info")
    tags = event.get("tags", {})
    if exc_info and isinstance(tags, dict) and "destination" in tags:
        event["fingerprint"] = [exc_info[0].__name__, str(tags["destination"])]
    return event


def report_recorded(item: Recorded, destination: str) -> None:
    """One line an attempt; a dead letter is told to Sentry too."""
    outcome = item.result.outcome
    code = getattr(outcome, "code", "")
    log.info(
        "delivery",
        destination=destination,
        order_number=item.result.job.number,
        order=item.result.job.order_id,
        attempt=item.result.job.attempts,
        outcome=type(outcome).__name__.lower(),
        state=item.state or "lease lost",
        code=code,
        ms=round(item.result.seconds * 1000, 1),
    )
    if item.state == "dead":
        _message("dead letter", destination=destination, code=code, order_number=item.result.job.number)
    elif isinstance(outcome, Reject) and outcome.hold:
        log.warning("held", destination=destination, order_number=item.result.job.number, code=code)


def report_suspended(destination: str, outcome: Suspend) -> None:
    """A destination's connection is wrong; told once, when it begins."""
    log.error("destination_suspended", destination=destination, code=outcome.code)
    _message("destination suspended", destination=destination, code=outcome.code)


def report_defect(error: Exception, destination: str, order_number: str) -> None:
    """An exception that no documented reply explains: ours to mend."""
    log.error(
        "defect", destination=destination, order_number=order_number, exc_info=error
    )  # worker/logs.py leaves its words out
    if not _reporting:
        return
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        scope.set_tag("destination", destination)
        scope.set_extra("order_number", order_number)
        sentry_sdk.capture_exception(error)


def _message(what: str, *, destination: str, code: str, order_number: str | None = None) -> None:
    if not _reporting:
        return
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = [what, destination, code]
        scope.set_tag("destination", destination)
        scope.set_tag("code", code)
        if order_number:
            scope.set_extra("order_number", order_number)
        sentry_sdk.capture_message(f"{what}: {destination}: {code}", level="error")


def flush() -> None:
    """Send what is waiting; Sentry's own hook does not know the thread pool."""
    if _reporting:
        import sentry_sdk

        sentry_sdk.flush(timeout=2)
    logging.shutdown()
