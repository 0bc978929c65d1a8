"""What every route works with: the book, the switches, the clock, and how a change is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.iws.book import Book, Customer, Item, Row, item_code
from sandbox.iws.data import MADE, IwsSettings
from sandbox.iws.fields import MissingError, RefusedError
from sandbox.system import Entry

CUSTOMER_CODE = re.compile(r"CUST-\d{1,20}", re.ASCII | re.IGNORECASE)
SYSTEM_COUNTRY = "United Kingdom"


@dataclass(frozen=True, slots=True)
class Rows:
    """A list: ``(id, attributes)`` of each row, in the route's own order, and the title where there are none."""

    type: str
    rows: list[tuple[str, Row]]
    none: str

    def called(self, names: Mapping[str, str]) -> Rows:
        """The same, its attributes under other names."""
        return replace(self, rows=[(key, _called(row, names)) for key, row in self.rows]) if names else self


@dataclass(frozen=True, slots=True)
class One:
    """A single resource."""

    type: str
    id: str
    attributes: Row

    def called(self, names: Mapping[str, str]) -> One:
        """The same, its attributes under other names."""
        return replace(self, attributes=_called(self.attributes, names))


def _called(row: Row, names: Mapping[str, str]) -> Row:
    return {names.get(name, name): value for name, value in row.items()}


def same(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern; upper and lower case are one."""
    return fnmatchcase(name.upper(), pattern.upper())


def clock(settings: IwsSettings) -> datetime:
    """What time it is at the server, UTC, to the millisecond."""
    moment = (settings.clock or datetime.now(UTC)).astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class Site:
    """One server during one call. ``commit``: :meth:`sandbox.system.System.commit`."""

    book: Book
    settings: IwsSettings
    commit: Callable[[Entry], None]

    @property
    def zone(self) -> ZoneInfo:
        """Whose local time is written."""
        return ZoneInfo(self.settings.time_zone)

    def none(self, what: str) -> str:
        """The title of an empty list."""
        return f"{what} not found.{MADE}"

    # ------------------------------------------------------------------ customers

    def customer(self, code: str) -> Customer | None:
        """The customer of that code. Whom staff made is entered in the book when first asked for."""
        known = self.book.customers.get(code.upper())
        if known is not None and known.made:
            return known
        email = self._named(code)
        if email is None:
            return None
        if known is None:
            self.commit({"op": "customer", "customer": staff_customer(code.upper(), email)})
        return self.book.customers[code.upper()]

    def need_customer(self, code: str) -> Customer:
        """As :meth:`customer`. Raises MissingError."""
        customer = self.customer(code)
        if customer is None:
            raise MissingError("Customer not found.")
        return customer

    def customer_of(self, email: str) -> Customer | None:
        """The first customer with that address; upper and lower case are one."""
        for code, mail in (self.settings.customers or {}).items():
            if mail.lower() == email.lower():
                return self.customer(code)
        return next((known for known in self.book.by_email.get(email.lower(), ()) if known.made), None)

    def customers(self) -> Iterator[Customer]:
        """All there are, by code."""
        codes = {code.upper() for code in self.settings.customers or ()} | self.book.customers.keys()
        for code in sorted(codes):
            found = self.customer(code)
            if found is not None:
                yield found

    def on_hold(self, customer: Customer) -> bool:
        """Whether it is on credit hold."""
        held = any(same(p, name) for p in self.settings.credit_hold for name in (customer.code, customer.email))
        return held or bool(customer.row.get("isCreditHold"))

    def _named(self, code: str) -> str | None:
        """The address of a customer that staff made, or None if they made none."""
        if self.settings.customers is None:
            return "" if CUSTOMER_CODE.fullmatch(code) else None
        return next((mail for name, mail in self.settings.customers.items() if name.upper() == code.upper()), None)

    # ------------------------------------------------------------------ items

    def has_item(self, name: str) -> bool:
        """Whether there is an item of that name."""
        return not any(same(pattern, name) for pattern in self.settings.unknown_items)

    def item(self, code: str) -> Item:
        """The item of that internal key. Raises MissingError, also where it is an item's name."""
        item = self.book.by_code.get(code.upper())
        if item is None or not self.has_item(item.name):
            raise MissingError("Item not found.")
        return item

    def warehouse(self, code: str | None) -> str | None:
        """A warehouse as it is written here. Raises RefusedError."""
        if code is None:
            return None
        for known in self.settings.warehouses:
            if known.upper() == code.upper():
                return known
        raise RefusedError(f"Warehouse '{code[:40]}' does not exist.")

    def list_price(self, name: str) -> Decimal:
        """What an item costs that is ordered without a price."""
        prices = {known.upper(): price for known, price in self.settings.prices.items()}
        return prices.get(name.upper(), Decimal(10))


def code_of(settings: IwsSettings, name: str) -> str:
    """The internal key of an item."""
    return next((code for known, code in settings.items.items() if known.upper() == name.upper()), item_code(name))


def staff_customer(code: str, email: str, *, logged: bool = False) -> dict[str, Any]:
    """A customer that the people at the ERP made."""
    row = {"customerName": f"Customer {code}", "country": SYSTEM_COUNTRY}
    return {"code": code, "made": False, "logged": logged, "row": {**row, **({"email": email} if email else {})}}
