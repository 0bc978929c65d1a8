"""The base of every model, and the one way a number becomes text."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer

MAX_EXPONENT = 18
"""Amounts beyond 10^18, or finer than 10^-18, are no order's: refused before arithmetic could blow up."""


class Model(BaseModel):
    """A frozen value. Unknown keys are ignored, because shops add keys without notice."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class MistakeError(ValueError):
    """What a person wrote cannot be meant. ``hint``: what to write instead, whole sentences."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class StrictModel(BaseModel):
    """A frozen value that a person writes by hand: an unknown key is a typing mistake and is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def plain(value: Decimal) -> str:
    """Write a decimal without an exponent, with the decimals it has: ``630``, ``10.90``, ``17.647059``."""
    return format(value, "f")


def bounded(value: Decimal) -> Decimal:
    """The value itself, where it is finite and of a size that an order can have.

    Raises:
        ValueError: when it is not; the message does not quote it.
    """
    if not value.is_finite():
        raise ValueError("must be a finite number")
    exponent = value.as_tuple().exponent
    # A zero too: written out, 0E-99999999 is 100 MB of text.
    too_fine = isinstance(exponent, int) and abs(exponent) > 2 * MAX_EXPONENT
    if too_fine or (value and abs(value.adjusted()) > MAX_EXPONENT):
        raise ValueError(f"must be between 1e-{MAX_EXPONENT} and 1e{MAX_EXPONENT}")
    return value


Number = Annotated[Decimal, AfterValidator(bounded), PlainSerializer(plain, return_type=str, when_used="json")]
"""An exact decimal; a string or a number comes in, a string goes out."""
