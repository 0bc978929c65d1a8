"""Money in whole minor units: how many decimals a currency has, and exact rounding."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

_OTHER_THAN_TWO: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Source: ISO 4217, list one, column "minor unit"."""


def decimals(currency: str) -> int:
    """Decimals of an ISO 4217 currency: 2 for AUD, 0 for JPY, 3 for KWD."""
    return _OTHER_THAN_TWO.get(currency, 2)


def rounded(value: Fraction | Decimal, places: int) -> Decimal:
    """Round half away from zero, to exactly ``places`` decimals: ``10.00`` and not ``10``."""
    units = int(abs(Fraction(value)) * 10**places + Fraction(1, 2))
    return Decimal(f"{-units if value < 0 else units}E-{places}")
