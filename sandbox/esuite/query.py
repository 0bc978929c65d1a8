"""What Esuite's GET parameters mean, and rows of stock and accounts (contracts/esuite.md sections 5, 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from sandbox.esuite.data import COMPANY_NO, HEADER_FIELDS, UNSHOWN_FIELDS
from sandbox.esuite.trans import RefusedError, Transaction, is_true, stock_no

Params = Mapping[str, str]

_DATES: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "InfoCreated": ("TransCreated", lambda have, want: have >= want),
    "InfoModified": ("TransModified", lambda have, want: have >= want),
    "TransCreated": ("TransCreated", lambda have, want: have.startswith(want)),
    "TransModified": ("TransModified", lambda have, want: have.startswith(want)),
    "TransDate": ("TransDate", lambda have, want: have.startswith(want)),
    "DateFrom": ("TransDate", lambda have, want: have >= want),
    "DateTo": ("TransDate", lambda have, want: have[: len(want)] <= want),
}
"""Date parameters: the field they compare and how; a bare day covers the whole day."""

_FIELDS = frozenset((*HEADER_FIELDS, *UNSHOWN_FIELDS))


def shows(transaction: Transaction, params: Params, deleted: Literal["only", "also"]) -> bool:
    """Whether ``ShowDeleted`` lets it be seen; the page does not say if 1 means only or also."""
    if is_true(params.get("ShowDeleted", "0")):
        return transaction.deleted or deleted == "also"
    return not transaction.deleted


def matches(transaction: Transaction, params: Params, how: Literal["exact", "like", "ignore"]) -> bool:
    """Whether it passes the filters; a parameter that is neither field nor date is ignored (a guess)."""
    return how == "ignore" or all(_agrees(transaction, name, want, how) for name, want in params.items())


def _agrees(transaction: Transaction, name: str, want: str, how: str) -> bool:
    if name in _DATES:
        field, compare = _DATES[name]
        return compare(transaction.get(field), want)
    if name not in _FIELDS:
        return True
    have = transaction.get(name)
    return want.lower() in have.lower() if how == "like" else have == want


def window(params: Params) -> slice:
    """PageNo and PageSize work together, from 1; Limit caps what is left."""
    start, stop = 0, None
    if "PageNo" in params and "PageSize" in params:
        size = _whole(params, "PageSize")
        start = (max(1, _whole(params, "PageNo")) - 1) * size
        stop = start + size
    if "Limit" in params:
        limit = start + _whole(params, "Limit")
        stop = limit if stop is None else min(stop, limit)
    return slice(start, stop)


def _whole(params: Params, name: str) -> int:
    value = params[name]
    if not value.isdecimal():
        raise RefusedError(f"{name} is no number: {value}")
    return int(value)


def account_row(reference: str) -> dict[str, Any]:
    """A customer, all values text."""
    return {
        "CompanyNo": COMPANY_NO,
        "AccountNo": str(stock_no(reference)),
        "TransLedger": "S",
        "AccountName": f"Account {reference}",
        "AccountStatus": "Y",
        "AccountRef": reference,
        "AccountAltRef": "",
        "AccDisc": [],
        "AccDlv": [],
    }
