"""Signatures of the three platforms: the published vectors, and every way in which one can be wrong."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.shops import PLATFORMS
from tests.paths import WEBHOOKS, needs_shared

NOW = 1_780_000_000.0
BODY = b'{"id":1,"note":"caf\\u00e9 \\/ \xc3\xa9"}'
WRONG = "the signature does not match: wrong secret or changed body"
NOT_A_SIGNATURE = "the signature is not base64 of 32 bytes"
NO_SECRET = "no usable secret is set for this shop"


def b64(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def vectors(name: str) -> list[Any]:
    if WEBHOOKS is None:
        return []
    found = json.loads((WEBHOOKS / name).read_text("utf-8"))["vectors"]
    return [pytest.param(vector, id=vector["name"]) for vector in found]


def shopify(
    signature: str | None, *, body: bytes = BODY, secrets: tuple[str, ...] = ("current", "previous")
) -> str | None:
    headers = {} if signature is None else {"x-shopify-hmac-sha256": signature}
    return PLATFORMS["shopify"].verify(headers=headers, body=body, secrets=secrets, now=NOW)


def woocommerce(signature: str | None, *secrets: str) -> str | None:
    headers = {} if signature is None else {"x-wc-webhook-signature": signature}
    return PLATFORMS["woocommerce"].verify(headers=headers, body=BODY, secrets=secrets, now=NOW)


STANDARD_KEY = b"twenty-four-bytes-of-key"
STANDARD_SECRET = "whsec_" + base64.b64encode(STANDARD_KEY).decode()


def standard(
    *,
    message_id: str | None = "msg_1",
    at: str | None = f"{NOW:.0f}",
    signature: str | None = None,
    secrets: tuple[str, ...] = (STANDARD_SECRET,),
    now: float = NOW,
) -> str | None:
    signed = "v1," + b64(STANDARD_KEY, f"{message_id}.{at}.".encode() + BODY)
    given = {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": signed if signature is None else signature,
    }
    headers = {name: value for name, value in given.items() if value is not None}
    return PLATFORMS["standard"].verify(headers=headers, body=BODY, secrets=secrets, now=now)


# --- the published vectors


@needs_shared
@pytest.mark.parametrize("vector", vectors("shopify-hmac-vectors.json"))
@pytest.mark.parametrize("name", ["x-shopify-hmac-sha256", "shopify-hmac-sha256"], ids=["long header", "short header"])
def test_shopify_vectors_give_their_stated_result(vector: dict[str, Any], name: str) -> None:
    why = PLATFORMS["shopify"].verify(
        headers={name: vector["x_shopify_hmac_sha256"]},
        body=vector["raw_body"].encode(),
        secrets=[vector["secret"]],
        now=NOW,
    )
    assert (why is None) is vector["valid"]


@needs_shared
@pytest.mark.parametrize("vector", vectors("shopify-hmac-vectors.json"))
def test_woocommerce_uses_the_same_primitive(vector: dict[str, Any]) -> None:
    why = PLATFORMS["woocommerce"].verify(
        headers={"x-wc-webhook-signature": vector["x_shopify_hmac_sha256"]},
        body=vector["raw_body"].encode(),
        secrets=[vector["secret"]],
        now=NOW,
    )
    assert (why is None) is vector["valid"]


@needs_shared
@pytest.mark.parametrize("vector", vectors("standard-webhooks-vectors.json"))
def test_standard_vectors_give_their_stated_result(vector: dict[str, Any]) -> None:
    names = ("webhook_id", "webhook_timestamp", "webhook_signature")
    why = PLATFORMS["standard"].verify(
        headers={name.replace("_", "-"): vector[name] for name in names if vector[name] is not None},
        body=vector["raw_body"].encode(),
        secrets=[vector["secret"]],
        now=1614265330.0,
    )
    assert (why is None) is vector["valid"]


# --- Shopify


@pytest.mark.parametrize("secret", ["current", "previous"])
def test_both_active_secrets_are_accepted(secret: str) -> None:
    assert shopify(b64(secret.encode(), BODY)) is None
    assert woocommerce(b64(secret.encode(), BODY), "current", "previous") is None


def test_another_shops_secret_is_refused() -> None:
    assert shopify(b64(b"another", BODY)) == WRONG
    assert woocommerce(b64(b"another", BODY), "current") == WRONG


@settings(deadline=None)
@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_refused(position: int, change: int) -> None:
    changed = bytearray(BODY)
    changed[position] ^= change
    assert shopify(b64(b"current", BODY), body=bytes(changed)) == WRONG


def test_the_short_header_is_preferred() -> None:
    headers = {"shopify-hmac-sha256": b64(b"s", BODY), "x-shopify-hmac-sha256": b64(b"old", BODY)}
    assert PLATFORMS["shopify"].verify(headers=headers, body=BODY, secrets=["s"], now=NOW) is None


def _good() -> str:
    return b64(b"current", BODY)


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        pytest.param(None, "the signature header is missing", id="no header"),
        pytest.param("", "the signature header is missing", id="empty header"),
        pytest.param("  ", "the signature header is missing", id="blank header"),
        pytest.param("invalid_hmac", NOT_A_SIGNATURE, id="not base64"),
        pytest.param(_good()[:-1], NOT_A_SIGNATURE, id="padding taken off"),
        pytest.param(_good() + "=", NOT_A_SIGNATURE, id="padding added"),
        pytest.param(_good()[:20] + "\n" + _good()[20:], NOT_A_SIGNATURE, id="broken in two lines"),
        pytest.param(_good().replace("=", "").translate(str.maketrans("+/", "-_")), NOT_A_SIGNATURE, id="base64url"),
        pytest.param(hmac.digest(b"current", BODY, "sha256").hex(), NOT_A_SIGNATURE, id="hex"),
        pytest.param(base64.b64encode(hmac.digest(b"current", BODY, "sha1")).decode(), NOT_A_SIGNATURE, id="SHA-1"),
        pytest.param(base64.b64encode(hmac.digest(b"current", BODY, "sha512")).decode(), NOT_A_SIGNATURE, id="SHA-512"),
        pytest.param("\u00e9" * 44, NOT_A_SIGNATURE, id="no ASCII"),
    ],
)
def test_a_header_that_is_no_signature_says_so(signature: str | None, why: str) -> None:
    assert shopify(signature) == why
    assert woocommerce(signature, "current") == why


def test_unused_bits_of_the_last_letter_must_be_zero() -> None:
    good = _good()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = good[:-2] + alphabet[alphabet.index(good[-2]) + 1] + "="
    assert base64.b64decode(twin) == base64.b64decode(good)
    assert shopify(good) is None
    assert shopify(twin) == NOT_A_SIGNATURE


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")], ids=["none", "one empty", "two empty"])
def test_an_empty_secret_never_matches(secrets: tuple[str, ...]) -> None:
    assert shopify(b64(b"", BODY), secrets=secrets) == NO_SECRET
    assert woocommerce(b64(b"", BODY), *secrets) == NO_SECRET
    assert standard(signature="v1," + b64(b"", f"msg_1.{NOW:.0f}.".encode() + BODY), secrets=secrets) == NO_SECRET


def test_an_empty_secret_beside_a_good_one_never_matches() -> None:
    assert shopify(b64(b"", BODY), secrets=("current", "")) == WRONG
    assert shopify(b64(b"current", BODY), secrets=("", "current")) is None


# --- WooCommerce


@pytest.mark.parametrize(
    ("configured", "signed_with"),
    [
        pytest.param("a&b<c", "a&b<c", id="typed plainly, signed plainly"),
        pytest.param("a&amp;b&lt;c", "a&b<c", id="stored encoded, signed decoded"),
        pytest.param("a&amp;b", "a&amp;b", id="signed as it is written"),
        pytest.param("it&#039;s", "it's", id="apostrophe"),
    ],
)
def test_a_secret_with_html_entities_matches_as_the_sender_decodes_it(configured: str, signed_with: str) -> None:
    assert woocommerce(b64(signed_with.encode(), BODY), configured) is None


def test_a_secret_that_decodes_to_nothing_never_matches_as_nothing() -> None:
    assert woocommerce(b64(b"", BODY), "&#1;") == WRONG


# --- Standard Webhooks


def test_a_good_standard_webhook_is_genuine_with_and_without_prefix() -> None:
    assert standard() is None
    assert standard(secrets=(STANDARD_SECRET.removeprefix("whsec_"),)) is None
    assert standard(secrets=("whsec_" + base64.b64encode(b"another").decode(), STANDARD_SECRET)) is None


@pytest.mark.parametrize("away", [-300, -299, 0, 299, 300])
def test_up_to_300_seconds_past_or_future_are_allowed(away: int) -> None:
    assert standard(at=str(int(NOW) + away)) is None


@pytest.mark.parametrize("away", [-412, -301, 301, 412])
def test_more_than_300_seconds_are_refused(away: int) -> None:
    assert standard(at=str(int(NOW) + away)) == f"webhook-timestamp is {abs(away)} s away, at most 300 s is allowed"


@pytest.mark.parametrize("at", ["-1", "1.5", "hello", "1e9", " 1780000000", "１７８", "9" * 5000])
def test_a_timestamp_that_is_no_whole_number_is_refused(at: str) -> None:
    assert standard(at=at, signature="v1,x") == "webhook-timestamp is not a whole number of seconds"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"message_id": None}, "the webhook-id header is missing", id="no id"),
        pytest.param({"message_id": ""}, "the webhook-id header is missing", id="empty id"),
        pytest.param({"at": None}, "the webhook-timestamp header is missing", id="no timestamp"),
        pytest.param({"signature": ""}, "the signature header is missing", id="empty signature"),
        pytest.param({"signature": "v1"}, NOT_A_SIGNATURE, id="only a version"),
        pytest.param({"signature": "v2," + "A" * 44}, "the signature header has no v1 signature", id="another version"),
        pytest.param({"signature": "v1a," + "A" * 43 + "="}, "the signature header has no v1 signature", id="ed25519"),
        pytest.param({"signature": "v1," + "A" * 43 + "="}, WRONG, id="another signature"),
        pytest.param({"secrets": ("whsec_not base64",)}, NO_SECRET, id="secret is not base64"),
        pytest.param({"secrets": ("whsec_",)}, NO_SECRET, id="secret is only the prefix"),
    ],
)
def test_what_is_wrong_with_a_standard_webhook_is_said(change: dict[str, Any], why: str) -> None:
    assert standard(**change) == why


@pytest.mark.parametrize("field", ["message_id", "at"])
def test_id_and_timestamp_are_part_of_what_is_signed(field: str) -> None:
    signed = "v1," + b64(STANDARD_KEY, f"msg_1.{NOW:.0f}.".encode() + BODY)
    assert standard(signature=signed) is None
    changed: dict[str, Any] = {field: "msg_2" if field == "message_id" else f"{NOW + 1:.0f}"}
    assert standard(signature=signed, **changed) == WRONG


def test_any_v1_of_the_list_is_enough() -> None:
    good = "v1," + b64(STANDARD_KEY, f"msg_1.{NOW:.0f}.".encode() + BODY)
    bad = "v1," + b64(b"another", BODY)
    assert standard(signature=f"{bad} v2,abc {good} v1,???") is None
    assert standard(signature=f"{bad} {bad}") == WRONG


# --- for "check"


@pytest.mark.parametrize(
    ("platform", "secret", "flaw"),
    [
        ("shopify", "anything", None),
        ("shopify", "", "it is empty: anyone could sign with an empty secret"),
        ("woocommerce", "", "it is empty: anyone could sign with an empty secret"),
        ("standard", STANDARD_SECRET, None),
        ("standard", "whsec_", "it is empty: anyone could sign with an empty secret"),
        ("standard", "whsec_not base64", "it is not base64 (whsec_ and base64, as the shop shows it)"),
    ],
)
def test_a_secret_that_can_never_match_is_known_beforehand(platform: str, secret: str, flaw: str | None) -> None:
    assert PLATFORMS[platform].secret_flaw(secret) == flaw


@pytest.mark.parametrize("platform", list(PLATFORMS))
@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["x-shopify-hmac-sha256", "x-wc-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature"]
        ),
        st.text(st.characters(max_codepoint=255)),
    ),
    st.binary(),
    st.lists(st.text(), max_size=2),
)
def test_no_headers_raise_or_pass(platform: str, headers: dict[str, str], body: bytes, secrets: list[str]) -> None:
    assert PLATFORMS[platform].verify(headers=headers, body=body, secrets=secrets, now=NOW)
