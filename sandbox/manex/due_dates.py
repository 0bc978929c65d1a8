"""DueDateAdd, DueDateEdit, DueDateGet and DueDateDelete (section 6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.manex.book import Line, Row
from sandbox.manex.data import NO_DUE_DATE, NO_DUE_DATE_F, NO_DUEDT_UNIQ, NO_PLPRICELNK
from sandbox.manex.fields import Fields, RefusedError
from sandbox.manex.shape import due_date_view, plain
from sandbox.manex.site import Done, Site

SATURDAY = 5


def add(site: Site, fields: Fields) -> Done:
    """A schedule row; the reply does not say its DUEDT_UNIQ."""
    line = site.line(fields)
    site.require("duedateadd", fields)
    row = {"QTY": "0", **_dates(site, fields), **_quantity(site, line, fields, already=line.scheduled)}
    if "DUE_DTS1" not in row:
        raise RefusedError("$$Due_DTS1 not provided.")
    site.commit({"op": "due_add", "line": line.key, "row": row})
    return Done("$$Sales Order Due Date added successfully.")


def edit(site: Site, fields: Fields) -> Done:
    """Changes what is sent of one schedule row."""
    line = site.line(fields)
    site.require("duedateedit", fields)
    if not fields.given("dueDt_Uniq"):
        raise RefusedError(NO_PLPRICELNK, made=False)  # a copy error of the documentation (section 8)
    key = _key(fields, "dueDt_Uniq")
    holder, due = site.book.due_dates.get(key, (None, None))
    if due is None or holder is not line:
        raise RefusedError(_missing(site), made=False)
    others = line.scheduled - Decimal(due["QTY"])
    row = {**_dates(site, fields), **_quantity(site, line, fields, already=others)}
    site.commit({"op": "due_edit", "key": key, "row": row})
    return Done("$$Sales Order Due Date edited successfully.")


def get(site: Site, fields: Fields) -> Done:
    """One schedule row, by a name that no other action uses."""
    line, due = site.book.due_dates.get(_key(fields, "DueDateUniq"), (None, None))
    if line is None or due is None:
        raise RefusedError(_missing(site), made=False)
    return Done("$$Sales Order Due Date details:", due_date_view(site.book.holder(line), line, due))


def delete(site: Site, fields: Fields) -> Done:
    """One schedule row; a wrong key is answered as a missing one (section 8)."""
    key = _key(fields, "DueDt_Uniq")
    if key not in site.book.due_dates:
        raise RefusedError(NO_DUEDT_UNIQ, made=False)
    site.commit({"op": "due_delete", "key": key})
    return Done("$$Sales Order Due Date deleted successfully.")


def _key(fields: Fields, name: str) -> str:
    return (fields.text(name) or "").upper()


def _missing(site: Site) -> str:
    return NO_DUE_DATE_F if site.settings.edition == "F" else NO_DUE_DATE


def _dates(site: Site, fields: Fields) -> Row:
    """The dates that are sent, checked as they were meant; a site that swaps them does so in silence."""
    dates = site.settings.dates
    # F-432's table has Due_DTS, its samples DUE_DTS1.
    due = fields.moment("Due_DTS1" if fields.given("Due_DTS1") else "Due_DTS", dates)
    ship, promised = fields.moment("Ship_Dts", dates), fields.moment("commit_Dts", dates)
    row = {}
    if due is not None:
        site.check(_works(site, due), f"$$Due_DTS1 {due:%Y-%m-%d} is no working day.")
        ship = ship or _working_day_before(site, due)
        site.check(ship < due, f"$$Ship_Dts {ship:%Y-%m-%d} is not prior to Due_DTS1 {due:%Y-%m-%d}.")
        row["DUE_DTS1"] = row["COMMIT_DTS"] = site.stored(due)
    if ship is not None:
        row["SHIP_DTS"] = site.stored(ship)
    if promised is not None:
        row["COMMIT_DTS"] = site.stored(promised)
    return row


def _works(site: Site, day: datetime) -> bool:
    return day.weekday() < SATURDAY and day.date() not in site.settings.holidays


def _working_day_before(site: Site, day: datetime) -> datetime:
    before = day - timedelta(days=1)
    while not _works(site, before):
        before -= timedelta(days=1)
    return before


def _quantity(site: Site, line: Line, fields: Fields, *, already: Decimal) -> Row:
    quantity = fields.number("Qty")
    if quantity is None:
        return {}
    site.check(quantity >= 0, f"$$Qty {plain(quantity)} is less than 0.")
    site.check(
        already + quantity <= line.ordered,
        f"$$The scheduled quantity {plain(already + quantity)} is greater than the order quantity "
        f"{plain(line.ordered)}.",
    )
    return {"QTY": plain(quantity)}
