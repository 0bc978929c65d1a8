"""The Celery app and its settings. The queue is a doorbell, the ledger is the truth.

Figures behind each setting: notes/celery.md section 2.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.signals import (
    setup_logging,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_shutdown,
    worker_shutting_down,
)
from kombu.entity import Queue

from schemas.systems import SYSTEMS
from worker import broker, logs, telemetry
from worker.bell import Bell
from worker.config import load
from worker.ledger.destinations import register
from worker.settings import Settings, settings
from worker.showing import DeadLettersError, OrdersRetry

if TYPE_CHECKING:
    from worker.heartbeat import Heartbeat
    from worker.ledger.records import Recorded
    from worker.machine import Machine
    from worker.system import System

# Web, beat and Flower need the app too, but neither deliveries nor their HTTP clients: those load in workers only.
# ruff: noqa: PLC0415

QUEUE = "crossdock"
PRODUCERS = "celery"
"""Celery's default queue: where ``tasks.intake.accept`` arrives from an app that knows nothing but its name.
So the broker's database is Crossdock's own: another app's tasks in that queue would be taken for producers'."""

app = Celery(
    "crossdock",
    task_cls="worker.showing:Task",
    include=[f"tasks.{name}" for name in SYSTEMS] + ["tasks.feeds", "tasks.intake", "tasks.upkeep"],
)


def configure(current: Settings) -> None:
    """Set the app up for these settings."""
    app.conf.update(
        broker_url=current.broker_url or broker.embedded_url(current.home) or "memory://",
        result_backend=None,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE), Queue(PRODUCERS)],  # type: ignore[no-untyped-call]
        task_create_missing_queues=False,
        worker_direct=True,  # a queue of its own for each worker: how it hears itself (worker/heartbeat.py)
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,  # Flower turns them on while it looks; each costs a publish
        task_send_sent_event=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,  # cannot be done on threads
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_acquire_timeout=5,
        task_publish_retry_policy={
            "max_retries": 2,
            "interval_start": 0.1,
            "interval_step": 0.2,
            "interval_max": 0.4,
        },
        broker_transport_options=_transport_options(app_url=current.broker_url or ""),
        broker_heartbeat=20,
        beat_schedule={
            "sweep": {"task": "tasks.upkeep.sweep", "schedule": current.sweep_s, "options": {"expires": 30}},
            "feeds": {"task": "tasks.feeds.look", "schedule": 5.0, "options": {"expires": 30}},
            "tidy": {"task": "tasks.feeds.tidy", "schedule": 3600.0, "options": {"expires": 600}},
            "purge": {"task": "tasks.upkeep.forget_keys", "schedule": 3600.0, "options": {"expires": 600}},
        },
        beat_max_loop_interval=1,
    )


def _transport_options(*, app_url: str) -> dict[str, Any]:
    if app_url.startswith("amqp"):
        return {"confirm_publish": True}
    return {
        # What a killed worker had in its hands comes back after this: wake-ups are rung for again long before, but an
        # order from a producer (tasks/intake.py) is with the broker alone. A task that runs longer is doubled, which
        # costs nothing.
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_restore_limit": 1000,
        "socket_timeout": 8,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
    }


def bell(current: Settings) -> Bell:
    """A bell on this app's broker; a silent one where there is no broker."""
    configure(current)
    silent = app.conf.broker_url == "memory://"
    return Bell(None if silent else app, batch=current.batch)


_machine: Machine | None = None
_heartbeat: Heartbeat | None = None
_making = threading.Lock()


def machine() -> Machine:
    """This worker process's machine; made at its first use."""
    global _machine  # noqa: PLW0603 - one per process, as Celery's app is
    with _making:
        if _machine is None:
            from worker.machine import Machine

            current = settings()
            config = load(current.config, os.environ)
            _machine = Machine(current, config, bell(current))
            _machine.ledger.write(lambda c: register(c, config.destinations.values(), now=_machine.now()))
    return _machine


def delivery_task(system: System[Any]) -> Callable[[str, Sequence[int]], str]:
    """The Celery task of a system, named for what it does: ``tasks.esuite.deliver``."""

    @app.task(name=f"tasks.{system.name}.deliver", throws=(DeadLettersError,), shows_args=True)
    def run(destination: str, ids: Sequence[int]) -> str:
        from worker.delivery import deliver

        return conclude(deliver(machine(), system, destination, ids))

    task: Callable[[str, Sequence[int]], str] = run
    return task


def conclude(recorded: Sequence[Recorded]) -> str:
    """End the task as its orders did: SUCCESS, RETRY or FAILURE, with order numbers for Flower."""
    told = ", ".join(f"{item.result.job.number} {_told(item)}" for item in recorded)
    states = {item.state for item in recorded}
    if "dead" in states:
        raise DeadLettersError(told)
    if "retrying" in states:
        raise OrdersRetry(told)
    return told or "nothing to do"


def _told(item: Recorded) -> str:
    code = getattr(item.result.outcome, "code", "")
    return f"{item.state} ({code})" if code else str(item.state)


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    logs.configure(settings().log, process=os.environ.get("CROSSDOCK_PROCESS", "worker"))


@worker_init.connect
def _begin(sender: Any, **_: Any) -> None:
    global _heartbeat  # noqa: PLW0603
    from worker.heartbeat import Heartbeat

    telemetry.start_sentry(settings().sentry_dsn)
    _heartbeat = Heartbeat(app, machine(), hostname=sender.hostname, deaf_s=settings().deaf_s)
    _heartbeat.start()


def deaf() -> bool:
    """This process's worker ended because it heard nothing from the broker."""
    return _heartbeat is not None and _heartbeat.deaf


@worker_process_init.connect
def _forbid_prefork(**_: Any) -> None:
    raise SystemExit("Crossdock's worker runs on threads: start it with `crossdock worker`, or celery's `-P threads`.")


@task_prerun.connect
def _heard(**_: Any) -> None:
    if _heartbeat is not None:
        _heartbeat.heard()


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    if _machine is not None:
        _machine.stop()


@worker_shutdown.connect
def _end(**_: Any) -> None:
    if _heartbeat is not None:
        _heartbeat.stop()
    telemetry.flush()
    if _machine is not None:
        _machine.close()


configure(settings())
