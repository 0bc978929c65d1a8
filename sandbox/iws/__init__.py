"""The stand-in of one Interprise IWS server (contracts/iws.md).

``/iws/Interprise.Web.Services/{route}``; the virtual directory may be left out. Basic auth, the key is the user name
and the password is empty.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.iws import sales, staff
from sandbox.iws.book import Book
from sandbox.iws.data import CHALLENGE, NO_KEY, NO_ROUTE, REPLIES, IwsSettings, errors
from sandbox.iws.fields import Fields, InvalidError, MediaTypeError, MissingError, RefusedError, read_body
from sandbox.iws.listing import envelope_one, envelope_page
from sandbox.iws.routes import moved, reader
from sandbox.iws.site import One, Site, clock, same
from sandbox.iws.views import summary
from sandbox.system import Answer, Documented, Entry, Request, Settings, System, make_answer

VIRTUAL_DIRECTORY = "interprise.web.services"

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

WRITES: dict[str, Callable[[Site, Fields], One]] = {
    "salesorder": sales.post_order,
    "salesorder/advance": sales.post_advance,
    "customer": sales.post_customer,
}
"""By lower-case path. A router creates no invoices and no receipts (section 7.4); those routes are not here."""


class _NoRouteError(Exception):
    """404 without an errors body."""


class _NoMethodError(Exception):
    """405."""


class Iws(System):
    """One server with one key."""

    name: ClassVar[str] = "iws"
    settings_type: ClassVar[type[Settings]] = IwsSettings
    credentials_default: ClassVar[Mapping[str, str]] = {"key": "sandbox-iws"}
    replies: ClassVar[Mapping[str, Documented]] = REPLIES
    server_error: ClassVar[str] = "500_server_execution_failed"
    settings: IwsSettings

    def clear(self) -> None:
        """Forget all state but the settings; what those play has always been there."""
        self._book = Book()
        staff.played(self._book, self.settings, self.settings, LONG_AGO)
        self._book.forget_changes()

    def commit(self, entry: Entry) -> None:
        """Keep a change with its time and the user that the key is bound to."""
        stamp = {"at": clock(self.settings).isoformat(), "user": self.settings.api_user}
        super().commit({**entry, **stamp})

    def restore(self, entry: Entry) -> None:
        """Carry out a change; a changed switch lets the people at the ERP act."""
        before = self.settings
        super().restore(entry)
        if entry["op"] == "settings":
            staff.played(self._book, before, self.settings, datetime.fromisoformat(entry["at"]))

    def apply(self, entry: Entry) -> None:
        """Carry out one change of the book."""
        self._book.apply(entry)
        if entry["op"] == "order":
            order = next(reversed(self._book.orders.values()))
            staff.settle(self._book, order, self.settings, datetime.fromisoformat(entry["at"]))

    def lane(self, request: Request) -> str | None:
        """Orders are counted for their PO, customers for themselves."""
        path = "/".join(_parts(request.path)).lower()
        if request.method != "POST" or path not in WRITES:
            return None
        try:
            fields = read_body(request)
            return fields.text("customerCode" if path == "customer" else "poCode") or f"no name, {path}"
        except (InvalidError, MediaTypeError):
            return None

    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Sales orders and quotes by poCode."""
        held: dict[str, list[dict[str, Any]]] = {}
        for order in self._book.orders.values():
            held.setdefault(order.po_code, []).append(summary(order))
        return held

    def counts(self) -> dict[str, int]:
        """Sales orders and quotes by poCode; a voided or deleted one is none."""
        live: dict[str, int] = {}
        for order in self._book.orders.values():
            there = not order.voided and order.code not in self.settings.deleted
            live[order.po_code] = live.get(order.po_code, 0) + there
        return live

    # ------------------------------------------------------------------ requests

    async def handle(self, request: Request) -> Answer:
        """Answer one request, as sections 1 to 9 say."""
        if not self._allowed(request.headers.get("authorization", "")):
            return make_answer(401, errors(401, NO_KEY), CHALLENGE)
        try:
            return self._answer(request)
        except _NoRouteError:
            return make_answer(404, NO_ROUTE)
        except _NoMethodError:
            text = f"The requested resource does not support http method '{request.method}'."
            return make_answer(405, {"Message": text})
        except MediaTypeError:
            return self.documented("415_media_type_not_supported")
        except InvalidError as error:
            return make_answer(400, errors(400, str(error)))
        except RefusedError as error:
            status = self.settings.refused_status
            return make_answer(status, errors(status, str(error)))
        except MissingError as error:
            return make_answer(404, errors(404, str(error)))

    def _allowed(self, header: str) -> bool:
        """``Basic base64("<key>:")``; the colon must be there (section 2)."""
        scheme, _, value = header.partition(" ")
        try:
            given = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        wanted = f"{self.credentials['key']}:".encode()
        return scheme.lower() == "basic" and hmac.compare_digest(given, wanted)

    def _answer(self, request: Request) -> Answer:
        parts = moved(_parts(request.path), self.settings.moved_routes)
        path = "/".join(parts).lower()
        if not path or any(same(pattern.strip("/"), path) for pattern in self.settings.missing_routes):
            raise _NoRouteError
        site = Site(self._book, self.settings, self.commit)
        read = reader(parts)
        if request.method == "POST" and path in WRITES:
            return self._written(WRITES[path](site, read_body(request)), path)
        if read is None and path not in WRITES:
            raise _NoRouteError
        if read is None or request.method != "GET":
            raise _NoMethodError
        found = read(site, {name.lower(): value for name, value in request.params()})
        if isinstance(found, One):
            return make_answer(200, envelope_one(found.called(self.settings.renamed)))
        page = envelope_page(
            found.called(self.settings.renamed), request, f"/{self.name}", stuck=self.settings.stuck_next
        )
        if page["data"] or self.settings.empty_404 == "200":
            return make_answer(200, page)
        # The empty result trap of section 4.
        return make_answer(404, errors(404, found.none) if self.settings.empty_404 == "json" else None)

    def _written(self, made: One, path: str) -> Answer:
        """The answer to a write; section 6.5 does not know where a new order has its code."""
        body = envelope_one(made)
        if path != "customer" and self.settings.order_reply in ("attribute", "neither"):
            del body["data"]["id"]
        if path != "customer" and self.settings.order_reply in ("id", "neither"):
            del body["data"]["attributes"]["salesOrderCode"]
        return make_answer(200, body)


def _parts(path: str) -> list[str]:
    """The path below the virtual directory; routes know no letter case."""
    parts = [part for part in path.split("/") if part]
    return parts[1:] if parts and parts[0].lower() == VIRTUAL_DIRECTORY else parts
