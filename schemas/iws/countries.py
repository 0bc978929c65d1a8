"""IWS: countries by their full English name (contracts/iws.md 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache


def country_name(code: str, overrides: Mapping[str, str]) -> str:
    """``United Kingdom`` for ``GB``: the site's word, else the one of Unicode CLDR; the code where neither has one."""
    return overrides.get(code) or _english().get(code, code)


@lru_cache(maxsize=1)
def _english() -> Mapping[str, str]:
    from babel import Locale  # noqa: PLC0415 - only IWS asks for it

    return Locale("en").territories
