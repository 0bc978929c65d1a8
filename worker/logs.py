"""Structured logs: one line an event, without personal data or secrets."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Literal

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from worker.errors import CrossdockError

_QUIET = (
    "alembic",
    "aiohttp",
    "amqp",
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
    "httpx",
    "kombu",
    "tornado.access",
    "uvicorn.access",
)
"""Libraries with a line for every message or request: ours say what matters of it."""


_PROCESS = {"name": ""}
"""What every line says it is from. Not a context variable: threads have contexts of their own."""


def _name_the_process(_: object, __: str, event: EventDict) -> EventDict:
    return {"process": _PROCESS["name"], **event}


def configure(style: Literal["json", "console", "auto"], *, process: str) -> None:
    """Send structlog's and the libraries' log lines to standard error in one form.

    Args:
        process: ``web``, ``worker``, ``beat``: stands in every line.
    """
    console = style == "console" or (style == "auto" and sys.stderr.isatty())

    _PROCESS["name"] = process
    shared: list[Processor] = [
        _name_the_process,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(frames),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_without_words)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def frames(exc_info: ExcInfo) -> str:
    """A traceback without words: types and places of the exception and its causes, neither messages nor variables.

    An exception's message may quote an order, and its notes may.
    """
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        words = f": {error}" if isinstance(error, CrossdockError) else ""  # those are ours, and name no customer
        told.insert(0, "".join(traceback.format_tb(error.__traceback__)) + kind.removeprefix("builtins.") + words)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nthen:\n\n".join(told)


def _without_words(record: logging.LogRecord) -> bool:
    """Take an exception's words out of the lines of libraries that log them as text."""
    if record.name == "celery.app.trace" and isinstance(record.args, dict):
        # Its sentence quotes the exception and may quote the arguments.
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "an exception"
        record.args = {**record.args, "exc": kind, "traceback": "", "args": "", "kwargs": "", "return_value": ""}
        record.__dict__.pop("data", None)
    elif record.name == "celery.worker.consumer.consumer" and "body" in str(record.msg):
        # A message that is no task of ours is quoted whole; its first words say what is wrong with it.
        record.msg, record.args = record.getMessage().partition("\n")[0].partition(": ")[0], ()
    return True
