"""What Flower, Celery's own tools and Celery's logs get to see of a task: names, numbers, states, no order."""

from __future__ import annotations

from typing import Any

from celery import Task as CeleryTask
from celery.exceptions import Retry as CeleryRetry
from celery.worker.request import Request as CeleryRequest

TOLD_FAILURES = ("DeadLettersError", "UnknownShopError")
"""Exceptions whose message is ours: order numbers and reason codes."""


class DeadLettersError(Exception):
    """Orders became dead letters: their numbers and reason codes. Expected, so no traceback and no Sentry."""


class OrdersRetry(CeleryRetry):  # type: ignore[misc]
    """Orders are tried again later; the ledger knows when. Celery's own repr hides what it was told."""

    def __repr__(self) -> str:
        """``Retry('1001 retrying (502)')``."""
        return f"Retry({self.message!r})"


class Request(CeleryRequest):  # type: ignore[misc]
    """A task as the worker announces it.

    Arguments are shown only of tasks that set ``shows_args``: there our own bell has written what is shown. A foreign
    producer's message says whatever Python's repr makes of the order in it. What an exception says is shown only where
    the words are ours.
    """

    @property
    def argsrepr(self) -> str:
        """What Flower shows as args."""
        return str(self._argsrepr) if self.task.shows_args else ""

    @property
    def kwargsrepr(self) -> str:
        """What Flower shows as kwargs."""
        return ""

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What ``celery inspect active`` and Flower's worker page show; never the arguments themselves."""
        del safe
        found: dict[str, Any] = super().info(safe=True)
        return found | {"args": self.argsrepr, "kwargs": self.kwargsrepr}

    def __repr__(self) -> str:
        """Without arguments."""
        return f"<{type(self).__name__}: {self.humaninfo()}>"

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 - Celery's name
        """Announce what became of the task."""
        if "exception" in fields:
            kind, _, _ = str(fields["exception"]).partition("(")
            told = kind in TOLD_FAILURES or str(fields["exception"]).startswith("Retry('")
            words = fields["exception"] if told else kind
            fields |= {"exception": words, "traceback": "" if told else _places(str(fields.get("traceback") or ""))}
        super().send_event(type, **fields)


def _places(text: str) -> str:
    """A traceback's frames, without the exceptions' words."""
    return "\n".join(line for line in text.splitlines() if line.startswith(("  ", "Traceback")))


class Task(CeleryTask):  # type: ignore[misc]
    """Every task of the app. Attribute ``shows_args``: its args are written for people, and hold no order."""

    abstract = True
    shows_args = False
    Request = "worker.showing:Request"
