"""ManEx: what a reply means (contracts/manex.md sections 2 and 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.http import Reply
from schemas.manex.reply import Envelope, Object, envelope, said
from tasks.replies import later, sent_on, silence
from worker.outcomes import Reject, Retry, Suspend

SUCCESS = re.compile(r"Sales Order( Item| Price| Due Date)? (added|edited|deleted) successfully\.?")
"""Whatever Code says beside it: PriceEdit succeeds with 403 (section 2; section 9, trap 1)."""

READS = ("Get", "PriceGet", "ItemMaster/Get")
HARMLESS = (*READS, "Add")
"""What may come late: SO/Add is kept from a second order by its number (section 10.1)."""


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out, or found. ``found``: the ResponseObject."""

    found: Object = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Absent:
    """The normal "not found": there is no such order, or no price yet."""


Meaning = Done | Absent | Retry | Reject | Suspend


@dataclass(frozen=True, slots=True)
class Documented:
    """A row of section 8: actions, what the message must match from its start, what follows. The first fit counts."""

    actions: tuple[str, ...]
    message: str
    kind: Literal["absent", "reject", "again"]
    code: str
    hint: str = ""


_CUSTOMER = "Enter the customer in ManEx, or mend customer in [destinations.{name}], then replay."
_DEFECT = "The request itself is wrong: report it, with the exchange, as a defect."
_MEND = (
    "Mend what ManEx names, then replay: parts in [destinations.{name}.skus], other words in fields, line_fields and "
    "price_fields, working days by calendar, all else by an edit of the order."
)
_KEY = "Check auth in [destinations.{name}]: the key of a ManEx user has 10 characters."
_URL = "Check base_url in [destinations.{name}]: it is the root of the ManEx site; /API/SO/... is added."
_VERB = "Set verb and form of {action} in [destinations.{name}.actions]: no documentation names them."

_GONE = r"Sales Order does not exists?\."
_NO_LINE = r"Sales Order item with uniqueLn:'.*' does not exits in SO:'.*'\."

REPLIES: tuple[Documented, ...] = (
    Documented(("Add",), r"Sales Order add failed\.\s*Customer does not exists?\.", "reject", "no_customer", _CUSTOMER),
    Documented(("Add",), r"Sales Order add failed\.", "reject", "add_failed", _MEND),
    Documented(("Edit",), r"Sales Order edit failed\.", "reject", "edit_failed", _MEND),
    Documented(("Get",), _GONE, "absent", "absent"),
    # Written moments ago, perhaps: the order is read once more before a person is asked.
    Documented(("ItemADD", "ItemEdit"), _GONE, "again", "no_order"),
    Documented(("ItemADD", "ItemEdit"), r"Sales Order Item does not exists?\.", "again", "no_line"),
    Documented(("PriceAdd", "PriceEdit", "DueDateAdd", "DueDateEdit"), _NO_LINE, "again", "no_line"),
    Documented(("PriceEdit", "DueDateEdit"), r"(?i)PlPriceLnk not provided\.", "reject", "no_key", _DEFECT),
    Documented(("PriceGet",), r"Sales Order Price does not exists?\.", "absent", "absent"),
    Documented(("ItemMaster/Get",), r".*", "reject", "unknown_sku", _MEND),
)


def meaning(reply: Reply, *, action: str, what: str, destination: str, now: float) -> Meaning:
    """Say what one reply means. The body decides: which HTTP status goes with Code 403 is not documented.

    Args:
        action: ``ItemADD``.
        what: the thing it was about, for people: ``line 3``.
        destination: its name, for the hints.
        now: UNIX seconds.
    """
    writing = action not in READS
    if reply.fault is not None:
        return silence(reply, who="ManEx", writing=writing, perhaps=f"{what} may be written")
    told = envelope(reply)
    if told is not None:
        return _told(told, action=action, what=what, name=destination)
    return _elsewhere(reply, action=action, what=what, writing=writing, name=destination, now=now)


def unanswered(reply: Reply) -> bool:
    """It may still be carried out, later than a look: no answer, or one of a gateway's."""
    if reply.fault is not None:
        return reply.fault != "connect"
    return envelope(reply) is None and (reply.ok or reply.status in (408, 502, 503, 504))


def _told(told: Envelope, *, action: str, what: str, name: str) -> Meaning:
    if not told.valid_user:
        reason = f"ManEx refused the key: {told.message or 'IsValidUser is false'}"
        return Suspend(code="bad_key", reason=reason, hint=_KEY.format(name=name))
    if SUCCESS.fullmatch(told.message):
        return Done(told.found or {})
    if told.code == "200" and (action not in READS or told.found is not None):
        return Done(told.found or {})
    for row in REPLIES:
        if action in row.actions and re.match(row.message, told.message):
            return _by(row, told.message, what=what, name=name)
    if told.code == "200":
        reason = f"ManEx said {told.message!r} of {what} and told nothing."
        return Retry(code="unreadable", reason=reason, tries=4)
    return _refused("refused", told.message, what=what, hint=_MEND.format(name=name))


def _by(row: Documented, message: str, *, what: str, name: str) -> Meaning:
    if row.kind == "absent":
        return Absent()
    if row.kind == "again":
        reason = f"ManEx does not find what {what} belongs to: {message}"
        return Retry(code=row.code, reason=reason, in_doubt=True, tries=2)
    return _refused(row.code, message, what=what, hint=row.hint.format(name=name))


def _refused(code: str, message: str, *, what: str, hint: str) -> Reject:
    return Reject(code=code, reason=f"ManEx refused {what}: {message or 'without a text'}", hint=hint)


def _elsewhere(reply: Reply, *, action: str, what: str, writing: bool, name: str, now: float) -> Meaning:
    """No envelope: the web server's own errors, or something between us and ManEx."""
    status, text = reply.status or 0, said(reply)
    reason = f"ManEx answered {status} to {what}: {text}" if text else f"ManEx answered {status} to {what}."
    hints: dict[str, Any] = {"name": name, "action": action}
    if text.startswith("No HTTP resource was found") or status in (404, 410):
        return Suspend(code="wrong_url", reason=reason, hint=_URL.format(**hints))
    if status in (405, 415):
        return Suspend(code="wrong_verb", reason=reason, hint=_VERB.format(**hints))
    if status in (401, 403):
        return Suspend(code="unauthorized", reason=reason, hint=_KEY.format(**hints))
    if 300 <= status < 400:
        return Suspend(code="redirected", reason=reason, hint=_URL.format(**hints), in_doubt=writing and sent_on(reply))
    if 400 <= status < 500 and status not in (408, 425, 429):
        return Reject(code=str(status), reason=reason, hint=_MEND.format(**hints))
    return later(
        reply,
        code="unreadable" if reply.ok else str(status),
        reason=reason,
        in_doubt=writing,
        now=now,
        # An unhandled exception may come from the data: a few attempts, then a person.
        tries=4 if reply.ok or status == 500 else None,
    )
