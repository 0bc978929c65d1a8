"""ManEx: its section of ``crossdock.toml`` (contracts/manex.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from schemas.customers import source
from schemas.destination import Auth, Destination, PathAuth, Text, other_than
from schemas.model import StrictModel

Scalar = str | int | float | bool

SO_NUMBER_CHARS = 10
CUSTOMER_DIGITS = 10
SERIES_DIGITS = 9

OWN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "fields": ("SoNo", "custNo", "PoNo", "orderDate"),
    "line_fields": ("SoNo", "line_no", "part_num", "part_no", "revision", "uniq_key", "ord_qty", "soDet_Desc"),
    "price_fields": ("SoNo", "price", "flat", "uniqueLn", "PLPRICELNK"),
}
"""Set for each order; a fixed value would break the chain. Letter case does not matter there (section 1)."""


class Part(StrictModel):
    """Their word for one of our SKUs. The revision goes out whenever a part number does (section 4)."""

    part_no: Text
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.part_no} revision {self.revision}" if self.revision else self.part_no


def _as_part(value: object) -> object:
    if not isinstance(value, str | dict | Part):
        raise ValueError('must be a part number in quotes, or a table as { part_no = "MUG-11OZ", revision = "A" }')
    return {"part_no": value} if isinstance(value, str) else value


class Action(StrictModel):
    """How one action is called; no verb is documented (section 1)."""

    verb: Literal["GET", "POST", "PUT", "DELETE"]
    form: Literal["query", "json"]


_READ, _WRITE = Action(verb="GET", form="query"), Action(verb="POST", form="json")
ACTIONS: Mapping[str, Action] = {
    "Add": _WRITE,
    "Edit": _WRITE,
    "Get": _READ,
    "ItemADD": _WRITE,
    "ItemEdit": _WRITE,
    "PriceAdd": _WRITE,
    "PriceEdit": _WRITE,
    "PriceGet": _READ,
    "DueDateAdd": _WRITE,
    "DueDateEdit": _WRITE,
}
"""The actions of controller SO that we call, with section 1's defaults."""


def _action(name: str) -> str:
    if name not in ACTIONS:
        raise ValueError(f"Crossdock calls no such action; it calls {', '.join(ACTIONS)}")
    return name


def ten_digits(value: object) -> object:
    """A number that was written without its leading zeros (section 3: ten digits, padded on the left)."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text.strip().zfill(CUSTOMER_DIGITS) if isinstance(text, str) and text.strip().isdigit() else text


class ManexDestination(Destination):
    """``system = "manex"``.

    Attributes:
        so_prefix: our sales order numbers begin with it; at least one letter, since automatic ones have none.
        customer: custNo, ten digits; or ``NAME:ref``, the code of the buyer's company in the copies of the destination
            NAME.
        calendar: public holidays that are no working days: ISO 3166 country, or country and part, ``US-CA``.
            Without one only weekends are none.
        ship_days_before_due: working days.
        tax_included: whether the prices that go out contain the tax.
        price_decimals: how many a unit price may have; where they do not suffice, the line gets a flat price.
        parallel: requests that one order may have in flight.
        item_master: look up unit, inventory key and warehouse key of each part before it is used.
        actions: verb and form of single actions, where the site differs from the defaults.
    """

    shipping_is_a_line: ClassVar[bool] = True

    system: Literal["manex"]
    so_prefix: str
    customer: Annotated[str, BeforeValidator(ten_digits)]
    date_format: Literal["YYYY-MM-DD", "MM-DD-YYYY"] = "YYYY-MM-DD"
    ship_days_before_due: int = Field(default=1, ge=1, le=60)
    calendar: str | None = None
    tax_included: bool = True
    price_decimals: int = Field(default=5, ge=2, le=8)
    parallel: int = Field(default=4, ge=1, le=50)
    item_master: bool = False
    fields: dict[Annotated[str, other_than(OWN_FIELDS["fields"])], Scalar] = Field(default_factory=dict)
    line_fields: dict[Annotated[str, other_than(OWN_FIELDS["line_fields"])], Scalar] = Field(default_factory=dict)
    price_fields: dict[Annotated[str, other_than(OWN_FIELDS["price_fields"])], Scalar] = Field(default_factory=dict)
    actions: dict[Annotated[str, AfterValidator(_action)], Action] = Field(default_factory=dict)
    skus: dict[str, Annotated[Part, BeforeValidator(_as_part)]] = Field(default_factory=dict)  # type: ignore[assignment]

    @field_validator("so_prefix")
    @classmethod
    def _never_automatic(cls, prefix: str) -> str:
        if not re.fullmatch("[A-Za-z][A-Za-z0-9]{0,5}", prefix):
            raise ValueError(
                'must be a letter and up to 5 more letters or digits, as "W": numbers that ManEx gives itself have '
                "digits only"
            )
        return prefix.upper()  # a database that ignores case must not see two numbers in one

    @field_validator("customer")
    @classmethod
    def _ten_digits(cls, customer: str) -> str:
        if not source(customer) and not re.fullmatch("[0-9]{10}", customer):
            raise ValueError(
                'must be a ManEx customer number of ten digits, as "0000000008", or "NAME:ref" for the code of the '
                "buyer's company at the destination NAME"
            )
        return customer

    @field_validator("calendar")
    @classmethod
    def _known_calendar(cls, calendar: str | None) -> str | None:
        if calendar is not None:
            try:
                _holidays(calendar)
            except NotImplementedError:
                raise ValueError(
                    'is no calendar that Crossdock knows; write a country as "US", or with its part as "US-CA"'
                ) from None
        return calendar

    @field_validator("auth")
    @classmethod
    def _in_the_path(cls, auth: Auth) -> Auth:
        if not isinstance(auth, PathAuth):
            raise ValueError('must be { mode = "path", key = "env:NAME" }: ManEx takes its key in the address alone')
        return auth

    @model_validator(mode="after")
    def _has_a_unit(self) -> ManexDestination:
        units = {name.lower() for name, value in self.line_fields.items() if str(value).strip()}
        if not self.item_master and not units & {"uofmeas", "u_of_meas"}:
            raise ValueError(
                f'the unit of the lines is missing: write uOfMeas = "EACH" in [destinations.{self.name}.line_fields], '
                "or item_master = true"
            )
        return self

    @property
    def calls_at_once(self) -> int:
        """Prices and dates of one order go out together."""
        return self.parallel

    @property
    def customer_from(self) -> str | None:
        """The destination whose copies tell the customer of each order."""
        return source(self.customer)

    @property
    def series_digits(self) -> int:
        """Digits after ``so_prefix``."""
        return min(SERIES_DIGITS, SO_NUMBER_CHARS - len(self.so_prefix))

    def part(self, sku: str) -> Part:
        """Their part for our SKU; a part of that name where the map has none."""
        return self.skus.get(sku) or Part(part_no=sku)

    def action(self, name: str) -> Action:
        """Verb and form of an action."""
        return self.actions.get(name, ACTIONS[name])

    def dates(self, placed_on: date) -> tuple[date, date]:
        """Due date and ship date of an order placed then (DESIGN.md 7): both working days, shipping before due."""
        calendar = _holidays(self.calendar)
        due = placed_on + timedelta(days=self.lead_days)
        while not calendar.is_working_day(due):
            due += timedelta(days=1)
        return due, calendar.get_nth_working_day(due, -self.ship_days_before_due)

    def written(self, day: date) -> str:
        """A date as the site takes it."""
        return day.isoformat() if self.date_format == "YYYY-MM-DD" else day.strftime("%m-%d-%Y")


@lru_cache(maxsize=64)
def _holidays(calendar: str | None) -> Any:
    """A calendar of the holidays library. Raises NotImplementedError where it has none."""
    import holidays  # noqa: PLC0415 - a tenth of a command's start, and only ManEx asks for it

    if calendar is None:
        return holidays.HolidayBase()
    country, dash, part = calendar.partition("-")
    if not re.fullmatch("[A-Z]{2,3}", country) or (dash and not part):
        raise NotImplementedError(calendar)
    return holidays.country_holidays(country, subdiv=part or None)


def told(names: Iterable[int]) -> str:
    """Numbers as people say them: ``1 to 3, 5``."""
    runs: list[list[int]] = []
    for number in sorted(names):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
