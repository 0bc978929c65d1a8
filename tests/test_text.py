"""Cutting text to a limit: between two visible characters, never within one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.text import cut, length

FAMILY = "👨\u200d👩\u200d👧"
GRAPHEMES = [
    "a",
    "é",
    "e\u0301",
    "ö\u0323\u0308",
    "字",
    "한",
    "\u1112\u1161\u11ab",
    "🧵",
    "👍🏽",
    "❤\ufe0f",
    "🇸🇪",
    "🏴\U000e0067\U000e007f",
    FAMILY,
    "\r\n",
]


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        pytest.param("abc", 3, "abc", id="it fits"),
        pytest.param("abcd", 3, "abc", id="plain letters"),
        pytest.param("ab", 0, "", id="no room"),
        pytest.param("ae\u0301", 2, "a", id="a letter and its combining accent"),
        pytest.param("a🧵", 2, "a", id="no half of a surrogate pair"),
        pytest.param("a👍🏽", 3, "a", id="a skin tone"),
        pytest.param("a❤\ufe0f", 2, "a", id="a variation selector"),
        pytest.param(f"a{FAMILY}", 8, "a", id="a joined family, before its end"),
        pytest.param(f"a{FAMILY}", 9, f"a{FAMILY}", id="a joined family, whole"),
        pytest.param("a🇸🇪🇳🇴", 4, "a", id="half a flag"),
        pytest.param("a🇸🇪🇳🇴", 5, "a🇸🇪", id="one flag of two"),
        pytest.param("a🇸🇪🇳🇴", 7, "a🇸🇪", id="one flag and a half"),
        pytest.param("a\u1112\u1161\u11ab", 3, "a", id="a Hangul syllable in parts"),
        pytest.param("a\r\nb", 2, "a", id="a line end"),
        pytest.param("e" + "\u0301" * 9, 5, "", id="a first character that is too long"),
    ],
)
def test_text_is_cut_between_two_visible_characters(text: str, limit: int, short: str) -> None:
    assert cut(text, limit) == short


def joined(before: str, after: str) -> bool:
    """Whether two neighbours belong to one visible character, flags aside."""
    return (
        bool(unicodedata.combining(after))
        or unicodedata.category(after) in ("Mn", "Mc", "Me")
        or "\ufe00" <= after <= "\ufe0f"
        or "\u200d" in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or (before, after) == ("\r", "\n")
    )


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@settings(deadline=None)
@given(text=st.one_of(st.text(), st.lists(st.sampled_from(GRAPHEMES)).map("".join)), limit=st.integers(0, 60))
def test_cut_text_is_a_prefix_within_the_limit_that_ends_between_two_characters(text: str, limit: int) -> None:
    short = cut(text, limit)
    rest = text[len(short) :]
    assert text.startswith(short)
    assert utf16(short) == length(short) <= limit
    assert rest or utf16(text) <= limit
    if short and rest:
        assert not joined(short[-1], rest[0])


@settings(deadline=None)
@given(parts=st.lists(st.sampled_from(GRAPHEMES), min_size=1), limit=st.integers(0, 60))
def test_cut_takes_as_many_whole_characters_as_fit(parts: list[str], limit: int) -> None:
    fitting = ""
    for part in parts:
        if utf16(fitting + part) > limit:
            break
        fitting += part
    assert cut("".join(parts), limit) == fitting
