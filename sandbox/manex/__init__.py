"""The stand-in of one ManEx site (contracts/manex.md; its section 11 has the rules for stand-ins).

``/manex/API/SO/{action}/{key}``, ``/manex/API/Customer/Get/{key}`` and ``/manex/API/ItemMaster/Get?apiKey={key}``.
Errors are HTTP 200 with Code 403 in the envelope unless a switch says otherwise.
"""

from __future__ import annotations

import hmac
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox.manex import due_dates, headers, items, neighbours, prices
from sandbox.manex.book import Book
from sandbox.manex.data import (
    BAD_KEY,
    NO_ORDER,
    REPLIES,
    SERVER_ERROR,
    ManexSettings,
    envelope,
    no_action,
    no_controller,
    no_media_type,
    no_method,
    not_found,
)
from sandbox.manex.fields import BrokenError, Fields, MediaTypeError, RefusedError, padded, read_fields
from sandbox.manex.shape import summary, with_ids
from sandbox.manex.site import SONO_WIDTH, Done, Site
from sandbox.system import Answer, Documented, Entry, Request, Settings, System, make_answer

SESSION_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``needs``: the parameter without which no action matches; ``key_in_query``: as ``apiKey``."""

    run: Callable[[Site, Fields], Done]
    reads: bool = False
    needs: tuple[str, ...] = ()
    key_in_query: bool = False


CONTROLLERS: dict[str, tuple[str, dict[str, Action]]] = {
    "so": (
        "SO",
        {
            "add": Action(headers.add),
            "edit": Action(headers.edit),
            "get": Action(headers.get, reads=True),
            "itemadd": Action(items.add),
            "itemedit": Action(items.edit),
            "itemget": Action(items.get, reads=True),
            "itemdelete": Action(items.delete),
            "priceadd": Action(prices.add),
            "priceedit": Action(prices.edit),
            "priceget": Action(prices.get, reads=True),
            "pricedelete": Action(prices.delete),
            "duedateadd": Action(due_dates.add),
            "duedateedit": Action(due_dates.edit),
            "duedateget": Action(due_dates.get, reads=True),
            "duedatedelete": Action(due_dates.delete),
        },
    ),
    "customer": ("Customer", {"get": Action(neighbours.get_customer, reads=True, needs=("CustNumOrName",))}),
    "itemmaster": (
        "ItemMaster",
        {"get": Action(neighbours.get_part, reads=True, needs=("partnum", "uniqkey"), key_in_query=True)},
    ),
}
"""By the lower case of controller and action; there is no SO/Delete, no list and no search (section 1)."""


class _NoRouteError(Exception):
    """404; the text is MessageDetail."""


class Manex(System):
    """One site with one key."""

    name: ClassVar[str] = "manex"
    settings_type: ClassVar[type[Settings]] = ManexSettings
    credentials_default: ClassVar[Mapping[str, str]] = {"key": "SANDBOX123"}
    replies: ClassVar[Mapping[str, Documented]] = REPLIES
    server_error: ClassVar[str] = "500_error_has_occurred"
    settings: ManexSettings

    def clear(self) -> None:
        """Forget every order and every part that was asked for."""
        self._book = Book()

    def apply(self, entry: Entry) -> None:
        """Carry out one change of the book."""
        self._book.apply(entry)

    def lane(self, request: Request) -> str | None:
        """Writes are counted for their sales order."""
        try:
            action, _ = _route(request.path)
            return None if action.reads else self._lane(read_fields(request))
        except (_NoRouteError, BrokenError, MediaTypeError):
            return None

    def _lane(self, fields: Fields) -> str:
        sono = fields.text("SoNo")
        if sono:
            return padded(sono, SONO_WIDTH)
        # DueDateDelete names nothing but its row.
        line, _ = self._book.due_dates.get((fields.text("DueDt_Uniq") or "").upper(), (None, None))
        return self._book.holder(line).sono if line else "no SoNo"

    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Sales orders by PONO."""
        held: dict[str, list[dict[str, Any]]] = {}
        for order in self._book.orders.values():
            held.setdefault(order.header.get("PONO", ""), []).append(summary(order, self.settings))
        return held

    def counts(self) -> dict[str, int]:
        """Sales orders by PONO; one whose lines are all cancelled is none."""
        live: dict[str, int] = {}
        for order in self._book.orders.values():
            gone = bool(order.lines) and all(line.cancelled for line in order.lines)
            reference = order.header.get("PONO", "")
            live[reference] = live.get(reference, 0) + (not gone)
        return live

    def documented(self, name: str) -> Answer:
        """The catalogue's reply, with the statuses and the ``$$`` of this site."""
        body = self.replies[name].body
        if isinstance(body, dict) and "Code" in body:
            return self._enveloped(body["Message"], code=body["Code"], valid=body["IsValidUser"])
        return super().documented(name)

    # ------------------------------------------------------------------ requests

    async def handle(self, request: Request) -> Answer:
        """Answer one request, as sections 1, 2 and 11 say."""
        try:
            return self._answer(request)
        except _NoRouteError as error:
            return make_answer(404, not_found(_uri(request), str(error)))
        except MediaTypeError as error:
            return make_answer(415, no_media_type(str(error)))
        except BrokenError:
            return make_answer(500, SERVER_ERROR)
        except RefusedError as refused:
            # A session now and then, also on errors (section 2).
            session = _session() if str(refused) == NO_ORDER else None
            return self._enveloped(str(refused), code=403, session=session)

    def _answer(self, request: Request) -> Answer:
        action, key = _route(request.path)
        methods = ("GET", "POST") if self.settings.verbs == "any" else ("GET",) if action.reads else ("POST",)
        if request.method not in methods:
            return make_answer(405, no_method(request.method))
        fields = read_fields(request)
        if action.needs and not any(fields.known(name) for name in action.needs):
            raise _NoRouteError(no_action(_controller(request.path)))
        given = fields.text("apiKey") or "" if action.key_in_query else key
        if not hmac.compare_digest(given.encode(), self.credentials["key"].encode()):
            return self._enveloped(BAD_KEY, code=403, valid=False)
        done = action.run(Site(self._book, self.settings, self.commit), fields)
        session = _session() if action.run is headers.get else None
        return self._enveloped(done.message, code=done.code, session=session, response=done.response)

    def _enveloped(
        self, message: str, *, code: int, valid: bool = True, session: str | None = None, response: Any = None
    ) -> Answer:
        settings = self.settings
        status = 200 if code == 200 else settings.refused_status if valid else settings.bad_key_status
        shown = message if settings.dollar_signs else message.removeprefix("$$")
        body = envelope(shown, code=code, valid=valid, session=session, response=response)
        return make_answer(status, with_ids(body))


def _route(path: str) -> tuple[Action, str]:
    """The action, and the key of its path. Raises _NoRouteError."""
    root, controller, action, *keys = [*path.strip("/").split("/"), "", "", ""]
    if root.lower() != "api" or not controller:
        raise _NoRouteError("No route data was found for this request.")
    if controller.lower() not in CONTROLLERS:
        raise _NoRouteError(no_controller(controller))
    found = CONTROLLERS[controller.lower()][1].get(action.lower())
    key = "/".join(filter(None, keys))
    if found is None or bool(key) == found.key_in_query or "/" in key:
        raise _NoRouteError(no_action(CONTROLLERS[controller.lower()][0]))
    return found, key


def _controller(path: str) -> str:
    return CONTROLLERS[path.strip("/").split("/")[1].lower()][0]


def _uri(request: Request) -> str:
    """The whole address, key and all, as the server echoes it (section 1)."""
    query = f"?{request.query.decode('latin-1')}" if request.query else ""
    return f"http://{request.headers.get('host', 'localhost')}/manex{request.path}{query}"


def _session() -> str:
    return "".join(random.choices(SESSION_LETTERS, k=24))
