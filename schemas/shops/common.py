"""Reading a webhook's JSON field by field: what every platform's module shares."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from schemas.model import Number, bounded, plain
from schemas.money import decimals
from schemas.order import Order, cleaned

ZERO = Decimal(0)

_NUMBER = TypeAdapter[Decimal](Number)


class UnreadableError(ValueError):
    """No order can be read from the body. The message names the field and what is wrong, never a value."""


class Node:
    """One JSON object of a webhook and where it stands in the body.

    Blank text, null, ``false`` and a missing key are all "nothing" (contracts/webhooks.md section 1.10).
    Every method raises UnreadableError for a value of another shape.
    """

    __slots__ = ("_data", "path")

    def __init__(self, data: Mapping[str, object], path: str = "") -> None:
        self._data, self.path = data, path

    @classmethod
    def of(cls, value: object) -> Node:
        """The whole body."""
        if not isinstance(value, dict):
            raise UnreadableError("the body must be a JSON object")
        return cls(value)

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def fault(self, name: str, what: str) -> UnreadableError:
        """An error about one field: ``line_items[0].price: is missing``."""
        return UnreadableError(f"{self.path}{'.' if self.path else ''}{name}: {what}")

    def get(self, name: str) -> object:
        """The value as it is."""
        return self._data.get(name)

    def all(self) -> dict[str, object]:
        """Every field as it is."""
        return dict(self._data)

    def text(self, name: str) -> str | None:
        """Text, or a number as text."""
        value = self._data.get(name)
        if isinstance(value, str):
            return cleaned(value).strip() or None
        if value is None or value is False:
            return None
        spelt = as_text(value)
        if spelt is None:
            raise self.fault(name, "must be text")
        return spelt

    def need_text(self, name: str) -> str:
        """As ``text``, but it must be there."""
        value = self.text(name)
        if value is None:
            raise self.fault(name, "is missing")
        return value

    def need_id(self, name: str) -> str:
        """An id as text: whole numbers keep all digits."""
        found = order_id(self._data.get(name))
        if found is None:
            raise self.fault(name, "is missing" if self._data.get(name) is None else "is no id")
        return found

    def number(self, name: str) -> Decimal | None:
        """An exact decimal from a number or a string."""
        value = self._data.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            return _NUMBER.validate_python(value)
        except ValidationError as error:
            raise self.fault(name, _told(error.errors(include_input=False, include_url=False)[0]["msg"])) from None

    def amount(self, name: str) -> Decimal:
        """As ``number``, and 0 where there is none. A zero keeps its decimals: "0.00"."""
        value = self.number(name)
        return ZERO if value is None else value

    def need_number(self, name: str) -> Decimal:
        """As ``number``, but it must be there."""
        value = self.number(name)
        if value is None:
            raise self.fault(name, "is missing")
        return value

    def flag(self, name: str) -> bool:
        """True, or nothing."""
        value = self._data.get(name)
        if value is None or isinstance(value, bool):
            return value is True
        raise self.fault(name, "must be true or false")

    def time(self, name: str, *, utc: bool = False) -> datetime | None:
        """A moment, with its own offset. ``utc``: a time without an offset is in UTC already, instead of wrong."""
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None and utc:
                moment = moment.replace(tzinfo=UTC)
            if moment.tzinfo is not None:
                moment.astimezone(UTC)  # a moment that has none in UTC is refused here
                return moment
        except (ValueError, OverflowError):
            raise self.fault(name, "must be a date and time") from None
        raise self.fault(name, "must have an offset from UTC")

    def child(self, name: str) -> Node | None:
        """An object. PHP writes an empty one as ``[]``."""
        value = self._data.get(name)
        if isinstance(value, dict):
            return Node(value, f"{self.path}.{name}" if self.path else name)
        if value:
            raise self.fault(name, "must be an object")
        return None

    def items(self, name: str) -> list[Node]:
        """A list of objects."""
        value = self._data.get(name)
        if not value:
            return []
        path = f"{self.path}.{name}" if self.path else name
        if not isinstance(value, list):
            raise self.fault(name, "must be a list")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise UnreadableError(f"{path}[{index}]: must be an object")
        return [Node(item, f"{path}[{index}]") for index, item in enumerate(value)]


def as_text(value: object) -> str | None:
    """A scalar as text: numbers keep their digits, true and false are words; None for all else."""
    if isinstance(value, str):
        return cleaned(value).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        try:
            return plain(bounded(value))
        except ValueError:
            return None
    return None


def make_order(data: Mapping[str, object], *, prefix: str = "") -> Order:
    """The canonical order.

    Args:
        prefix: where ``data`` stands in the body.

    Raises:
        UnreadableError: with the fields that are wrong, by their canonical names.
    """
    try:
        return Order.model_validate(data)
    except ValidationError as error:
        raise UnreadableError(explain(error, prefix=prefix)) from None


def amounts(*, incl: Decimal | None = None, excl: Decimal | None = None, tax: Decimal) -> dict[str, object]:
    """The three amounts of a line or charge, from the tax and one of the others."""
    net = excl if excl is not None else (incl or ZERO) - tax
    return {"total_incl": net + tax if incl is None else incl, "total_excl": net, "tax": tax}


def options_of(node: Node, name: str) -> dict[str, str]:
    """What the buyer chose: a list of ``{name, value}``, or an object; scalars only, a leading _ is for machines."""
    value = node.get(name)
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(one.get("name"), one.get("value")) for one in value if isinstance(one, dict)]
    else:
        return {}
    return collect_options((as_text(key), as_text(value)) for key, value in pairs)


def collect_options(pairs: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    """Named choices; values of one name are joined, hidden and blank ones left out."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name and value and not name.startswith("_"):
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def explain(error: ValidationError, *, prefix: str = "", most: int = 3) -> str:
    """The first faults as ``lines[0].quantity: must be greater than 0; ...``, without the values."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{_where(fault['loc'], prefix)}{_told(fault['msg'])}" for fault in faults[:most]]
    if len(faults) > most:
        told.append(f"and {len(faults) - most} more")
    return "; ".join(told)


def _where(loc: Iterable[str | int], prefix: str) -> str:
    path = prefix
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        path += f".{part}" if path else part
        if part == "options":
            break  # below it stand words of the buyer's
    return f"{path}: " if path else ""


def _told(message: str) -> str:
    return "is missing" if message == "Field required" else message.removeprefix("Value error, ")


def order_id(value: object) -> str | None:
    """An id that can be a key, whatever else is wrong with its body."""
    text = as_text(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    return text if text and len(text) <= 255 else None


def key(kind: str, *parts: str) -> str:
    """A dedupe key of at most 255 characters."""
    whole = ":".join((kind, *parts))
    return whole if len(whole) <= 255 else f"{kind}:sha256:{hashlib.sha256(whole.encode()).hexdigest()}"


def digest(*parts: str | bytes) -> str:
    """SHA-256 over parts that cannot run into each other."""
    made = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        made.update(b"%d:" % len(raw))
        made.update(raw)
    return made.hexdigest()


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def sortable(moment: str | None) -> str:
    """An RFC 3339 time as UTC text of fixed width, to the nanosecond: text order is time order. "" for none."""
    found = _MOMENT.fullmatch(moment.strip()) if moment else None
    if found is None:
        return ""
    seconds, fraction, offset = found.groups()
    try:
        utc = datetime.fromisoformat(seconds + offset).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{utc.replace(tzinfo=None).isoformat()}.{fraction or '':0<9}Z"


def charge_note(charges: Sequence[object]) -> str | None:
    """Says that fees, tips and duties go out with the shipping charge.

    They are no lines: a line without SKU would hold every such order at an ERP, and no warehouse ships a fee.
    Their names are the shop's free text, so only their number is told.
    """
    if not charges:
        return None
    return f"fees, tips or duties sent on as a charge beside shipping: {len(charges)}"


def difference_note(order: Order, *, deducted: Decimal = ZERO) -> str | None:
    """A sentence where lines and charges differ from the stated total by more than a cent each, else None.

    Args:
        deducted: what the shop has taken off its total and says so, such as gift cards.
    """
    if order.total_incl is None:
        return None
    cent = Decimal(1).scaleb(-decimals(order.currency))
    parts = max(1, len(order.lines) + len(order.shipping))
    if abs(order.goods_incl - order.total_incl - deducted) <= cent * parts:
        return None
    return (
        f"lines and charges add up to {plain(order.goods_incl)} {order.currency}, "
        f"the shop states a total of {plain(order.total_incl)}: both are kept, the lines count"
    )


def joined(notes: Sequence[str | None]) -> tuple[str, ...]:
    """The notes that are there, each once."""
    return tuple(dict.fromkeys(note for note in notes if note))
