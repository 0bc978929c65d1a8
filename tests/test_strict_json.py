"""JSON as the intake takes it: exact numbers, every key once, UTF-8, and one clean error for all the rest."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import strict_json
from schemas.strict_json import MalformedError


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'{"id":820982911946154508}', {"id": 820982911946154508}, id="an integer above 2^53 is exact"),
        pytest.param(b'{"price":17.647059}', {"price": Decimal("17.647059")}, id="a fraction is a decimal"),
        pytest.param(b'{"price":1.10}', {"price": Decimal("1.10")}, id="a fraction keeps its decimals"),
        pytest.param(b"\xef\xbb\xbf[1]", [1], id="a byte order mark is tolerated"),
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="a surrogate pair is one character"),
        pytest.param(b'"\\\\ud83d"', "\\ud83d", id="an escaped backslash before ud83d is no surrogate"),
        pytest.param(b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}], id="a key may come again in another object"),
    ],
)
def test_good_json_is_read_exactly(body: bytes, value: object) -> None:
    read = strict_json.loads(body)
    assert read == value
    assert str(read) == str(value)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"", "it is empty", id="nothing"),
        pytest.param(b" \n", "it is empty", id="blanks"),
        pytest.param(b'{"name":"M\xfcller"}', "it is not UTF-8 (byte 11)", id="Latin-1"),
        pytest.param('{"a":1}'.encode("utf-16"), "it is not UTF-8 (byte 1)", id="UTF-16"),
        pytest.param(b'{"total":1,"total":2}', "the key total occurs twice in one object", id="a key twice"),
        pytest.param(b'{"x":{"a b":1,"a b":2}}', "a key occurs twice in one object", id="a buyer's word twice"),
        pytest.param(b'{"a":NaN}', "NaN is not a number", id="NaN"),
        pytest.param(b'{"a":-Infinity}', "-Infinity is not a number", id="minus infinity"),
        pytest.param(b"[" * 100_000, "it is nested too deeply", id="nesting"),
        pytest.param(b'{"a":' * 50_000, "it is nested too deeply", id="nested objects"),
        pytest.param(b"9" * 5000, "it has a number that is too long", id="an integer of 5000 digits"),
        pytest.param(b"1e99999999999999999999", "it has a number that is too long", id="an exponent beyond Decimal"),
        pytest.param(b'{"a":1', "Expecting ',' delimiter (line 1, column 7)", id="cut off"),
        pytest.param(b'"\\ud83d"', "it has half of a surrogate pair (a character cut in two)", id="half a pair"),
        pytest.param(b'"\\uDE00\\ud83d"', "it has half of a surrogate pair (a character cut in two)", id="swapped"),
        pytest.param(b"foo=anything", "Expecting value (line 1, column 1)", id="a form"),
    ],
)
def test_bad_json_is_refused_with_one_clean_error(body: bytes, why: str) -> None:
    with pytest.raises(MalformedError) as refused:
        strict_json.loads(body)
    assert str(refused.value) == why


@settings(deadline=None)
@given(st.binary() | st.text(alphabet='{}[]":,0123456789.eE+-\\u dDfnulltrueNaN').map(str.encode))
def test_no_bytes_raise_anything_but_the_one_error(body: bytes) -> None:
    with contextlib.suppress(MalformedError):
        strict_json.loads(body)
