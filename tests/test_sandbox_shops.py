"""The stand-in shops: signatures, our own samples and their configuration, foreign folders, made orders, sending."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from httpx_aiohttp import AiohttpTransport

from sandbox.enapps.seed import CONTACTS
from sandbox.shops import (
    DEMO_SHOPS,
    PLATFORMS,
    SAMPLES,
    Answer,
    Delivery,
    Platform,
    SampleError,
    SecretError,
    Skip,
    load_samples,
    make_orders,
    new_secret,
    read_folder,
    read_secrets,
    send,
    send_all,
    sign,
)
from sandbox.shops.__main__ import main
from sandbox.shops.signing import headers
from schemas.config import Route, Shop
from schemas.systems import SYSTEMS
from tests.paths import WEBHOOKS, needs_shared

OURS = load_samples(SAMPLES)
BY_NAME = {delivery.name: delivery for delivery in OURS}
CHAIN = "24-makers-answer-lost-in-the-chain.json"
DEMO = tomllib.loads((SAMPLES / "demo.toml").read_text().replace("{sandbox}", "http://127.0.0.1:9"))
SECRETS: Mapping[Platform, str] = {
    "shopify": "hush hush, it is only a test",
    "woocommerce": "wc-öffentlich-no",
    "standard": "whsec_" + base64.b64encode(b"thirty-two bytes for the testing").decode(),
}

each_sample = pytest.mark.parametrize("delivery", OURS, ids=lambda delivery: delivery.name)
each_platform = pytest.mark.parametrize("platform", PLATFORMS)


def hmac_by_hand(key: bytes, message: bytes) -> str:
    """RFC 2104 written out, so that the code under test is not compared with itself."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    key = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    return base64.b64encode(hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()).decode()


def expected_signature(delivery: Delivery, sent: Mapping[str, str]) -> tuple[str, str]:
    """The header that carries the signature, and what it has to be."""
    secret = SECRETS[delivery.platform]
    if delivery.platform == "standard":
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + delivery.body
        return "webhook-signature", "v1," + hmac_by_hand(key, signed)
    name = "X-Shopify-Hmac-Sha256" if delivery.platform == "shopify" else "X-WC-Webhook-Signature"
    return name, hmac_by_hand(secret.encode(), delivery.body)


# ---------------------------------------------------------------- signatures


@each_sample
def test_every_sample_verifies_against_an_independent_hmac(delivery: Delivery) -> None:
    sent = headers(delivery, SECRETS[delivery.platform])
    name, value = expected_signature(delivery, sent)
    assert sent[name] == value


@needs_shared
def test_the_published_shopify_vectors_come_out_the_same() -> None:
    assert WEBHOOKS
    vectors = json.loads((WEBHOOKS / "shopify-hmac-vectors.json").read_text())["vectors"]
    for vector in vectors:
        made = sign("shopify", vector["raw_body"].encode(), vector["secret"], "orders/create")
        assert (made["X-Shopify-Hmac-Sha256"] == vector["x_shopify_hmac_sha256"]) is vector["valid"]


@needs_shared
def test_the_published_standard_webhooks_vector_comes_out_the_same() -> None:
    assert WEBHOOKS
    vectors = json.loads((WEBHOOKS / "standard-webhooks-vectors.json").read_text())["vectors"]
    signed = [vector for vector in vectors if vector["valid"] and " " not in vector["webhook_signature"]]
    assert signed
    for vector in signed:
        made = sign(
            "standard",
            vector["raw_body"].encode(),
            vector["secret"],
            "",
            delivery_id=vector["webhook_id"],
            now=int(vector["webhook_timestamp"]),
        )
        assert made["webhook-signature"] == vector["webhook_signature"]
        assert made["webhook-timestamp"] == vector["webhook_timestamp"]


@needs_shared
def test_shopify_sends_the_headers_of_the_captured_delivery() -> None:
    assert WEBHOOKS
    captured = json.loads((WEBHOOKS / "shopify-delivery-orders-create-pyg.json").read_text())["headers"]
    made = sign("shopify", b'{"id":1,"test":false}', "secret", "orders/create")
    ours = {name.lower() for name in made}
    assert {name for name in captured if name.startswith(("x-shopify", "content-type", "user-agent"))} <= ours
    assert "x-shopify-event-id" in ours
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
    assert re.fullmatch(pattern, made["X-Shopify-Triggered-At"])
    assert re.fullmatch(pattern, captured["x-shopify-triggered-at"])


@needs_shared
def test_woocommerce_sends_the_headers_of_the_published_delivery_log() -> None:
    assert WEBHOOKS
    published = json.loads((WEBHOOKS / "woocommerce-control-deliveries.json").read_text())["published_headers"]
    made = {name.lower(): value for name, value in sign("woocommerce", b"{}", "s", "order.created").items()}
    assert set(published) <= set(made)
    assert made["x-wc-webhook-resource"] == published["x-wc-webhook-resource"]
    assert made["x-wc-webhook-event"] == published["x-wc-webhook-event"]
    assert len(made["x-wc-webhook-delivery-id"]) == len(published["x-wc-webhook-delivery-id"])


def test_two_woocommerce_orders_of_one_second_share_their_delivery_id_and_a_later_one_does_not() -> None:
    first, second, later = (
        sign("woocommerce", body, "secret", "order.created", now=now)["X-WC-Webhook-Delivery-ID"]
        for body, now in ((b'{"id":1}', 1000.1), (b'{"id":2}', 1000.9), (b'{"id":2}', 1001.0))
    )
    assert first == second != later


def test_a_shopify_id_above_2_to_the_53_stays_exact_in_its_header() -> None:
    made = sign("shopify", b'{"id": 9007199254742001, "test": true}', "secret", "orders/create")
    assert made["X-Shopify-Order-Id"] == "9007199254742001"
    assert made["X-Shopify-Test"] == "true"


def test_a_body_that_is_no_json_is_signed_and_sent_all_the_same() -> None:
    for body in (b"{", b"[" * 200_000, b"\xff\xfe", b'"text"'):
        made = sign("shopify", body, "secret", "orders/create")
        assert made["X-Shopify-Hmac-Sha256"] == hmac_by_hand(b"secret", body)
        assert "X-Shopify-Order-Id" not in made


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_a_secret_that_signs_nothing_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret") as error:
        sign("standard", b"{}", secret, "")
    assert "not base64" not in str(error.value)


@each_platform
def test_new_secrets_can_sign_and_differ(platform: Platform) -> None:
    first, second = new_secret(platform), new_secret(platform)
    assert first != second
    assert sign(platform, b"{}", first, "order.created") != sign(platform, b"{}", second, "order.created")


# ---------------------------------------------------------------- our own samples


def body_of(delivery: Delivery) -> dict[str, Any]:
    found = json.loads(delivery.body, parse_float=Decimal)
    assert isinstance(found, dict)
    return found


def check_shopify(order: dict[str, Any]) -> None:
    """Totals follow from lines, allocations and tax (contracts/webhooks.md section 2)."""
    parts = [(line, line["quantity"]) for line in order["line_items"]]
    parts += [(line, 1) for line in order["shipping_lines"]]
    total = discounts = tax = Decimal(0)
    for part, quantity in parts:
        off = sum((Decimal(found["amount"]) for found in part["discount_allocations"]), Decimal(0))
        part_tax = sum((Decimal(found["price"]) for found in part["tax_lines"]), Decimal(0))
        total += Decimal(part["price"]) * quantity - off + (0 if order["taxes_included"] else part_tax)
        discounts, tax = discounts + off, tax + part_tax
    assert Decimal(order["total_price"]) == total
    assert Decimal(order["total_discounts"]) == discounts
    assert Decimal(order["total_tax"]) == tax
    assert order["currency"] == order["total_price_set"]["shop_money"]["currency_code"]
    assert order["presentment_currency"] == order["total_price_set"]["presentment_money"]["currency_code"]
    assert len({line["id"] for line in order["line_items"]}) == len(order["line_items"])
    assert datetime.fromisoformat(order["updated_at"]) >= datetime.fromisoformat(order["created_at"])


def check_woocommerce(order: dict[str, Any]) -> None:
    """Lines are net; the total is gross, less gift cards (contracts/webhooks.md section 3)."""
    parts = [*order["line_items"], *order["shipping_lines"], *order["fee_lines"]]
    total = sum((Decimal(part["total"]) + Decimal(part["total_tax"]) for part in parts), Decimal(0))
    assert Decimal(order["total"]) == total - sum((card["amount"] for card in order["gift_cards"]), Decimal(0))
    tax = sum((Decimal(part["total_tax"]) for part in parts), Decimal(0))
    assert Decimal(order["total_tax"]) == tax
    off = sum((Decimal(line["subtotal"]) - Decimal(line["total"]) for line in order["line_items"]), Decimal(0))
    assert Decimal(order["discount_total"]) == off
    assert isinstance(order["shipping"], dict)
    assert "email" not in order["shipping"]
    assert not order["date_modified_gmt"].endswith("Z")
    assert datetime.fromisoformat(order["date_modified_gmt"]) >= datetime.fromisoformat(order["date_created_gmt"])


def check_standard(envelope: dict[str, Any]) -> None:
    """An envelope around the canonical order."""
    assert envelope["type"] in {"order.created", "order.updated", "order.cancelled"}
    order = envelope["data"]
    total = Decimal(0)
    for part in (*order["lines"], *order["shipping"]):
        incl = part.get("total_incl")
        total += Decimal(part["total_excl"]) + Decimal(part["tax"]) if incl is None else Decimal(incl)
        if incl is not None and "total_excl" in part:
            assert Decimal(incl) == Decimal(part["total_excl"]) + Decimal(part["tax"])
    assert Decimal(order["total_incl"]) == total
    assert datetime.fromisoformat(order["version"]).tzinfo is not None


CHECKS: Mapping[Platform, Callable[[dict[str, Any]], None]] = {
    "shopify": check_shopify,
    "woocommerce": check_woocommerce,
    "standard": check_standard,
}


@each_sample
def test_every_sample_has_its_platforms_shape_and_adds_up(delivery: Delivery) -> None:
    if delivery.topic == "order.deleted":
        assert delivery.body == b'{"id":504}'
    elif delivery.expect == "ignored":
        assert body_of(delivery)["test"] is True
    else:
        CHECKS[delivery.platform](body_of(delivery))


@each_sample
def test_every_sample_says_what_is_odd_and_how_it_ends(delivery: Delivery) -> None:
    assert len(delivery.comment) > 20
    assert delivery.expect in {"accepted", "held", "ignored"}
    assert delivery.ends in {"delivered", "held", "dead", "cancelled", "ignored", None}
    assert delivery.number or delivery.topic == "order.deleted"


def test_samples_of_one_order_agree_on_its_end() -> None:
    ends: dict[tuple[str, str], set[tuple[Any, Any]]] = {}
    for delivery in OURS:
        ends.setdefault((delivery.shop, str(body_of(delivery).get("id"))), set()).add((delivery.ends, delivery.at))
    orders = {key: found for key, found in ends.items() if key[1] != "None"}
    assert all(len(found) == 1 for found in orders.values())
    assert sum(1 for delivery in OURS if delivery.number == "#1004") == 2


def test_the_oddities_that_the_samples_are_there_for_are_in_them() -> None:
    bodies = {name.partition("-")[0]: body_of(delivery) for name, delivery in BY_NAME.items()}
    assert bodies["01"]["id"] > 2**53
    assert float(bodies["01"]["id"]) == float(bodies["02"]["id"])
    assert bodies["01"]["id"] != bodies["02"]["id"]
    assert bodies["01"]["taxes_included"] is True
    assert bodies["02"]["taxes_included"] is False
    lines = bodies["01"]["line_items"]
    assert all(line["discount_allocations"] and line["total_discount"] == "0.00" for line in lines)
    assert bodies["01"]["shipping_lines"][0]["discount_allocations"]
    assert bodies["02"]["presentment_currency"] != bodies["02"]["currency"]
    assert bodies["02"]["line_items"][1]["properties"]
    assert len(bodies["03"]["note"]) > 4000
    assert len({line["sku"] for line in bodies["03"]["line_items"]}) < len(bodies["03"]["line_items"])
    assert bodies["04"]["financial_status"] == "pending"
    assert bodies["05"]["financial_status"] == "paid"
    assert bodies["04"]["id"] == bodies["05"]["id"]
    assert bodies["04"]["updated_at"] < bodies["05"]["updated_at"]
    assert [line["current_quantity"] for line in bodies["06"]["line_items"]] == [0, 1, 1]
    assert [line["fulfillable_quantity"] for line in bodies["06"]["line_items"]] == [0, 1, 0]
    assert any(line["gift_card"] for line in bodies["07"]["line_items"])
    assert bodies["07"]["shipping_address"] is None
    assert "." not in bodies["12"]["total_price_set"]["presentment_money"]["amount"]
    assert bodies["14"]["line_items"][1]["sku"] is None
    assert bodies["15"]["prices_include_tax"] is True
    assert bodies["15"]["line_items"][1]["quantity"] == Decimal("1.5")
    assert "&amp;" in bodies["15"]["line_items"][0]["name"]
    assert not bodies["16"]["number"].isdigit()
    assert bodies["16"]["gift_cards"]
    assert bodies["16"]["fee_lines"]
    assert set(bodies["17"]["shipping"].values()) == {""}
    screws = bodies["23"]["data"]["lines"][2]
    assert round(Decimal(screws["total_incl"]) / 7000, 5) * 7000 != Decimal(screws["total_incl"])
    candles = bodies["28"]["line_items"]
    assert [(line["sku"], line["price"]) for line in candles[:2]] == [("CANDLE-BEE", "7.45"), ("CANDLE-BEE", "8.95")]
    assert bodies["30"]["id"] == bodies["31"]["id"]
    assert bodies["31"]["cancelled_at"] > bodies["30"]["updated_at"]
    woollen = [line["sku"] for line in bodies["34"]["line_items"]]
    assert len(set(woollen)) < len(woollen)
    assert bodies["34"]["customer_note"].count("<") == 1
    before, after = ({line["id"]: line["quantity"] for line in bodies[name]["data"]["lines"]} for name in ("26", "27"))
    assert before == {"1": "4", "2": "2", "3": "10"}
    assert after == {"1": "6", "3": "10"}


def test_the_totals_of_the_makers_orders_add_up() -> None:
    for delivery in OURS:
        if delivery.shop == "makers":
            order = body_of(delivery)["data"]
            amounts = [Decimal(part["total_incl"]) for part in (*order["lines"], *order["shipping"])]
            assert sum(amounts) == Decimal(order["total_incl"])
            written = [Decimal(said.split(", ")[1]) for said in delivery.written or ()]
            assert written in ([], amounts)


def test_the_lines_that_are_written_to_iws_and_enapps_come_to_the_money_of_the_order() -> None:
    found = [delivery for delivery in OURS if delivery.shop in {"fen-candles", "quay-paper"} and delivery.written]
    assert len(found) == 5
    for delivery in found:
        order = body_of(delivery).get("data") or body_of(delivery)
        net = Decimal(order.get("total_incl") or order["total_price"]) - Decimal(order["total_tax"])
        assert sum(Decimal(said.split(", ")[1]) for said in delivery.written or ()) == net


def test_only_samples_about_a_delivered_order_wait() -> None:
    waits = [delivery.name for delivery in OURS if delivery.waits]
    assert waits == ["27-makers-changed-after-delivery.json", "31-candles-cancelled-after-delivery.json"]


def test_one_order_is_sent_by_the_warehouse_that_sends_webhooks() -> None:
    (sample,) = (delivery for delivery in OURS if delivery.waybill)
    senders = {name for name, table in DEMO["destinations"].items() if "webhook_token" in table}
    assert senders & set(sample.at or ())


def test_who_orders_at_enapps_is_a_contact_of_the_stand_in_or_nobody() -> None:
    ours = {one["email"] for one in CONTACTS.values()}
    buyers = {name[:2]: body_of(one)["data"]["email"] for name, one in BY_NAME.items() if one.shop == "quay-paper"}
    assert {name: email in ours for name, email in buyers.items()} == {"32": True, "33": False}


def test_bodies_are_written_as_each_platform_writes_them() -> None:
    assert b"\\/" in BY_NAME["01-tea-discount-in-allocations.json"].body
    assert "お手柔らか".encode() in BY_NAME["03-tea-long-note-in-many-scripts.json"].body
    books = BY_NAME["15-books-net-lines-and-half-a-metre.json"].body
    assert b"caf\\u00e9" in books
    assert b"\\/" in books
    assert b'"total_incl": 58.00' in BY_NAME["21-parts-numbers-instead-of-text.json"].body


RESERVED_PHONES = (
    r"\+61 [23] (5550|7010) \d{4}",
    r"\+61 491 57\d \d{3}",
    r"\+44 20 7946 0\d{3}",
    r"\+46 8 465 004 \d{2}",
    r"\+1 \d{3} 555 01\d{2}",
)


@each_sample
def test_nobody_in_the_samples_can_be_reached(delivery: Delivery) -> None:
    text = json.dumps(body_of(delivery), default=str, ensure_ascii=False)
    hosts = set(re.findall(r"[\w.+-]+@([\w.-]+)", text)) | set(re.findall(r"https?://([\w.-]+)", text))
    assert all(host.endswith(("example.com", "example.org")) for host in hosts)
    phones = set(re.findall(r'"phone": "([^"]+)"', text))
    assert all(any(re.fullmatch(pattern, phone) for pattern in RESERVED_PHONES) for phone in phones)


# ---------------------------------------------------------------- the demo's configuration


def test_the_demo_configuration_is_valid() -> None:
    assert set(DEMO) == {"shops", "destinations", "routes"}
    for name, table in DEMO["shops"].items():
        Shop.model_validate({**table, "name": name, "secrets": tuple(table["secrets"])})
    for name, table in DEMO["destinations"].items():
        SYSTEMS[table["system"]].model_validate({**table, "name": name})
    routes = [Route.model_validate(table) for table in DEMO["routes"]]
    assert {name for route in routes for name in route.deliver} == set(DEMO["destinations"])
    assert {name for route in routes for name in route.when.shop or ()} == set(DEMO["shops"])


def test_every_secret_of_the_demo_comes_from_the_environment() -> None:
    text = (SAMPLES / "demo.toml").read_text()
    given = re.findall(r'(?:token|username|password|key|secret|login)\s*= "([^"]*)"|secrets\s+= \["([^"]*)"', text)
    values = ["".join(pair) for pair in given]
    assert values.count("") == 1, "IWS has its key for a user name, and no password"
    assert len(values) == len(DEMO["shops"]) + 14
    assert all(value.startswith("env:DEMO_") for value in values if value)


def test_the_samples_fit_the_demo_configuration() -> None:
    for delivery in OURS:
        assert DEMO["shops"][delivery.shop]["platform"] == delivery.platform
        assert set(delivery.at or ()) <= set(DEMO["destinations"])
    for platform, shop in DEMO_SHOPS.items():
        assert DEMO["shops"][shop]["platform"] == platform
    assert {delivery.shop for delivery in OURS} == set(DEMO["shops"])


def test_a_fault_strikes_a_call_of_its_own_order() -> None:
    faults = {name: delivery.fault for name, delivery in BY_NAME.items() if delivery.fault}
    esuite, manex = faults.pop("09-tea-answer-lost-after-commit.json"), faults.pop(CHAIN)
    iws = faults.pop("29-candles-answer-lost-at-iws.json")
    assert not faults
    assert (iws["system"], iws["match"]) == ("iws", "C-902")
    assert (esuite["system"], esuite["match"]) == ("esuite", "WEB-T-1008")
    # The sales order number of a call to ManEx is not known beforehand: a price that no other order has.
    assert (manex["system"], manex["path"]) == ("manex", "/PriceAdd/")
    assert [name for name, delivery in BY_NAME.items() if str(manex["match"]).encode() in delivery.body] == [CHAIN]


def test_the_demo_shows_a_dead_letter_a_suspended_destination_and_a_recovery() -> None:
    ends = Counter(delivery.ends for delivery in OURS)
    assert ends["dead"] == 3
    assert ends["held"] >= 2
    assert ends["delivered"] >= 8
    for dead in (delivery for delivery in OURS if delivery.ends == "dead"):
        assert '"sku":"UNKNOWN-' in dead.body.decode()
    refused = BY_NAME["13-nordic-key-refused.json"]
    assert body_of(refused)["shipping_address"]["country_code"] == "NO"


# ---------------------------------------------------------------- foreign folders


@needs_shared
def test_every_foreign_file_gives_a_delivery_or_a_stated_skip() -> None:
    assert WEBHOOKS
    found = read_folder(WEBHOOKS)
    files = {part.name.partition("#")[0] for part in found}
    assert files == {path.name for path in WEBHOOKS.glob("*.json")}
    skipped = {part.name: part.reason for part in found if isinstance(part, Skip)}
    assert set(skipped) == {
        "shopify-hmac-vectors.json",
        "standard-webhooks-vectors.json",
        "woocommerce-control-deliveries.json#published_headers",
    }
    assert all(skipped.values())


@needs_shared
@pytest.mark.parametrize(
    ("name", "shop", "topic", "number"),
    [
        ("shopify-delivery-orders-create-pyg.json", "southern-tea", "orders/create", "#1016"),
        ("shopify-order-cancelled.json", "southern-tea", "orders/cancelled", "#1001"),
        ("shopify-order-fulfilled.json", "southern-tea", "orders/fulfilled", ""),
        ("shopify-order-legacy-2008.json", "southern-tea", "orders/create", "#1001"),
        ("shopify-refund-wrong-size.json", "southern-tea", "refunds/create", "450789469"),
        ("shopify-test-notification-2019.json", "southern-tea", "orders/cancelled", "#9999"),
        ("woocommerce-docs-order-processing.json", "harbour-books", "order.created", "727"),
        ("woocommerce-control-deliveries.json#ping", "harbour-books", "", ""),
        ("woocommerce-control-deliveries.json#order_deleted", "harbour-books", "order.deleted", "727"),
        ("bigcommerce-order-statusUpdated.json", "parts", "order.created", "173331"),
        ("shopware-entity-written.json", "parts", "order.created", ""),
    ],
)
def test_foreign_files_are_sent_as_their_producer_would(name: str, shop: str, topic: str, number: str) -> None:
    assert WEBHOOKS
    (delivery,) = (found for found in load_samples(WEBHOOKS) if found.name == name)
    assert (delivery.shop, delivery.topic) == (shop, topic)
    if number:
        assert delivery.number == number


@needs_shared
def test_foreign_bodies_go_out_byte_for_byte() -> None:
    assert WEBHOOKS
    for delivery in load_samples(WEBHOOKS):
        raw = (WEBHOOKS / delivery.name.partition("#")[0]).read_bytes()
        if delivery.name.startswith(("shopify-delivery", "woocommerce-control")):
            assert json.dumps(delivery.body.decode()).encode() in raw
        else:
            assert delivery.body == raw


@needs_shared
def test_the_ping_has_no_signature_and_is_a_form() -> None:
    assert WEBHOOKS
    (ping,) = (found for found in load_samples(WEBHOOKS) if found.ping)
    sent = headers(ping, SECRETS["woocommerce"])
    assert sent["Content-Type"] == "application/x-www-form-urlencoded"
    assert not any(name.lower().startswith("x-wc") for name in sent)
    assert ping.body == b"webhook_id=123"


@needs_shared
def test_our_samples_are_not_taken_from_the_foreign_ones() -> None:
    """Ids, order keys, mail addresses and street lines of theirs must not turn up in ours."""
    assert WEBHOOKS
    ours = b"".join(delivery.body for delivery in OURS).decode()
    for path in WEBHOOKS.glob("*.json"):
        theirs = path.read_text()
        values = re.findall(r'"(?:order_key|token|cart_token|email|address1|address_1)": "([^"]{4,})"', theirs)
        values += re.findall(r'"id": (\d{8,})', theirs)
        assert [value for value in values if value in ours] == []


def test_a_folder_of_anything_is_sent_and_nothing_is_left_out_silently(tmp_path: Path) -> None:
    (tmp_path / "shopify-broken.json").write_bytes(b'{"id": 1,')
    (tmp_path / "shopify-deep.json").write_bytes(b"[" * 200_000)
    (tmp_path / "shopify-gone.json").write_bytes(b'{"id": 7}')
    (tmp_path / "woocommerce-list.json").write_bytes(b"[]")
    (tmp_path / "magento-order.json").write_bytes('{"größe": 1}'.encode())
    (tmp_path / "standard-order.json").write_bytes(b'{"type": "order.cancelled", "data": {"number": 12}}')
    (tmp_path / "vectors.json").write_bytes(b'{"vectors": []}')
    found = {part.name: part for part in read_folder(tmp_path)}
    assert isinstance(found.pop("vectors.json"), Skip)
    sent = {name: part for name, part in found.items() if isinstance(part, Delivery)}
    assert {name: (part.platform, part.topic, part.number) for name, part in sent.items()} == {
        "shopify-broken.json": ("shopify", "orders/create", ""),
        "shopify-deep.json": ("shopify", "orders/create", ""),
        "shopify-gone.json": ("shopify", "orders/delete", "7"),
        "woocommerce-list.json": ("woocommerce", "order.created", ""),
        "magento-order.json": ("standard", "order.created", ""),
        "standard-order.json": ("standard", "order.cancelled", "12"),
    }
    assert all(part.body == (tmp_path / name).read_bytes() for name, part in sent.items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topic": None}, "topic"),
        ({"commment": "typo"}, "commment"),
        ({"raw": "{}"}, "either body"),
    ],
    ids=["no topic", "unknown key", "body and raw"],
)
def test_a_mistake_in_a_sample_of_our_shape_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    sample = {"platform": "shopify", "shop": "s", "topic": "t", "comment": "c", "expect": "held", "body": {}}
    (tmp_path / "odd.json").write_text(json.dumps(sample | change))
    with pytest.raises(SampleError, match=said) as error:
        load_samples(tmp_path)
    assert "odd.json" in str(error.value)


def test_a_folder_that_is_missing_or_empty_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"no \*\.json"):
        load_samples(tmp_path)
    with pytest.raises(SampleError, match="no such folder"):
        load_samples(tmp_path / "none")


# ---------------------------------------------------------------- made orders


@each_platform
def test_made_orders_are_the_same_for_the_same_seed(platform: Platform) -> None:
    first = list(make_orders(40, platform=platform, seed=7, shop="s"))
    assert first == list(make_orders(40, platform=platform, seed=7, shop="s"))
    assert first[:20] == list(make_orders(20, platform=platform, seed=7, shop="s"))
    other = list(make_orders(40, platform=platform, seed=8, shop="s"))
    assert not {found.body for found in first} & {found.body for found in other}


@each_platform
def test_made_orders_never_share_a_number_an_id_or_a_delivery_id(platform: Platform) -> None:
    made = [
        *make_orders(600, platform=platform, seed=0, shop="s"),
        *make_orders(600, platform=platform, seed=1, shop="s"),
    ]
    assert len({found.number for found in made}) == len(made)
    assert len({found.delivery_id for found in made} | {found.event_id for found in made}) == 2 * len(made)
    orders = [body_of(found) for found in made]
    ids = {str(order["data"]["shop_order_id"] if platform == "standard" else order["id"]) for order in orders}
    assert len(ids) == len(made)


@each_platform
def test_made_orders_are_varied_and_add_up(platform: Platform) -> None:
    made = list(make_orders(300, platform=platform, seed=3, shop="s"))
    for found in made:
        CHECKS[platform](body_of(found))
    lines = {"shopify": "line_items", "woocommerce": "line_items", "standard": "lines"}[platform]
    orders = [body_of(found) for found in made]
    counts = Counter(len((order["data"] if platform == "standard" else order)[lines]) for order in orders)
    assert set(counts) == {1, 2, 3, 4, 5}
    text = b"".join(found.body for found in made)
    for country in (b'"AU"', b'"NZ"', b'"SE"'):
        assert country in text
    hosts = set(re.findall(rb"buyer\d+@([a-z.]+)", text))
    assert hosts == {b"example.com", b"example.org"}


def test_more_orders_than_a_seed_has_numbers_for_are_refused() -> None:
    with pytest.raises(ValueError, match="1,000,000"):
        next(make_orders(1_000_001, platform="shopify", seed=1, shop="s"))


# ---------------------------------------------------------------- sending


class FakeIntake(ThreadingHTTPServer):
    """Answers what ``script`` says for each try of a body: a status, or None to hang up without an answer."""

    daemon_threads = False

    def __init__(self, script: Callable[[int, bytes], int | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.tries: Counter[bytes] = Counter()
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeIntake

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.tries[body] += 1
            names = {name.lower(): value for name, value in self.headers.items()}
            self.server.seen.append((self.path, names, body))
            status = self.server.script(self.server.tries[body], body)
        if status is None:
            self.close_connection = True
            return
        answer = b'{"outcome": "accepted", "order": 12}' if status == 200 else b"<html>no</html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """The test output is no access log."""


@contextmanager
def intake(script: Callable[[int, bytes], int | None] = lambda _tried, _body: 200) -> Iterator[FakeIntake]:
    server = FakeIntake(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SHOP_SECRETS = {"tea": SECRETS["shopify"], "books": SECRETS["woocommerce"], "parts": SECRETS["standard"]}


def test_one_webhook_is_posted_to_its_shop_and_its_answer_read() -> None:
    (delivery,) = make_orders(1, platform="shopify", seed=1, shop="tea")

    async def run(url: str) -> Answer:
        async with httpx.AsyncClient(transport=AiohttpTransport()) as client:
            return await send(delivery, base_url=url, secret=SECRETS["shopify"], client=client)

    with intake() as server:
        answer = asyncio.run(run(server.url))
    assert (answer.status, answer.outcome, answer.order, answer.ok) == (200, "accepted", "12", True)
    ((path, sent, body),) = server.seen
    assert path == "/webhooks/tea"
    assert body == delivery.body
    assert sent["x-shopify-hmac-sha256"] == hmac_by_hand(SECRETS["shopify"].encode(), body)


def test_a_shop_sends_again_on_503_and_on_a_lost_connection_under_the_same_id() -> None:
    deliveries = [
        *make_orders(15, platform="shopify", seed=1, shop="tea"),
        *make_orders(15, platform="standard", seed=1, shop="parts"),
    ]
    script = {1: 503, 2: None}
    answers: dict[str, Answer] = {}
    with intake(lambda tried, _body: script.get(tried, 200)) as server:
        tally = asyncio.run(
            send_all(
                deliveries,
                url=server.url,
                secrets=SHOP_SECRETS,
                in_flight=8,
                on_answer=lambda delivery, answer: answers.__setitem__(delivery.shop + delivery.number, answer),
            )
        )
    assert tally == {"accepted": 30}
    assert len(answers) == 30
    assert {answer.tries for answer in answers.values()} == {3}
    ids = {(sent.get("x-shopify-webhook-id") or sent["webhook-id"]) for _, sent, _ in server.seen}
    assert ids == {delivery.delivery_id for delivery in deliveries}
    assert len(server.seen) == 90


def test_one_at_a_time_keeps_the_order() -> None:
    deliveries = list(make_orders(20, platform="woocommerce", seed=2, shop="books"))
    with intake(lambda tried, body: 503 if tried == 1 and body.endswith(b"3}") else 200) as server:
        asyncio.run(send_all(deliveries, url=server.url, secrets=SHOP_SECRETS))
    arrived = list(dict.fromkeys(body for _, _, body in server.seen))
    assert arrived == [delivery.body for delivery in deliveries]


@pytest.mark.parametrize(("status", "tries"), [(401, 1), (413, 1), (404, 1)])
def test_what_another_try_cannot_mend_is_sent_once(status: int, tries: int) -> None:
    with intake(lambda _tried, _body: status) as server:
        tally = asyncio.run(
            send_all(make_orders(3, platform="shopify", seed=1, shop="tea"), url=server.url, secrets=SHOP_SECRETS)
        )
    assert tally == {f"HTTP {status}": 3}
    assert set(server.tries.values()) == {tries}


def test_a_shop_gives_up_where_nobody_listens() -> None:
    answers: list[Answer] = []
    with intake() as server:
        url = server.url
    tally = asyncio.run(
        send_all(
            make_orders(2, platform="shopify", seed=1, shop="tea"),
            url=url,
            secrets=SHOP_SECRETS,
            on_answer=lambda _delivery, answer: answers.append(answer),
            give_up_s=0.3,
        )
    )
    assert tally == {"unanswered": 2}
    assert all(answer.status == 0 and not answer.ok and answer.tries > 1 for answer in answers)


def test_a_standard_shop_signs_each_try_anew_over_its_own_time() -> None:
    (delivery,) = make_orders(1, platform="standard", seed=1, shop="parts")
    with intake(lambda tried, _body: 503 if tried < 6 else 200) as server:
        asyncio.run(send_all([delivery], url=server.url, secrets=SHOP_SECRETS))
    now = datetime.now(UTC).timestamp()
    for _, sent, _ in server.seen:
        assert abs(int(sent["webhook-timestamp"]) - now) < 30
        name, value = expected_signature(delivery, sent)
        assert sent[name] == value


# ---------------------------------------------------------------- secrets and the command line


def test_secrets_are_read_from_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "tea.key").write_text("from a file\n")
    config = tmp_path / "crossdock.toml"
    config.write_text(
        '[shops.tea]\nplatform = "shopify"\nsecrets = ["file:tea.key", "env:OLD"]\n'
        '[shops.more-tea]\nplatform = "shopify"\nsecrets = ["env:MORE"]\n'
    )
    found = read_secrets(config, {"MORE": "from the environment"})
    assert found.secrets == {"tea": "from a file", "more-tea": "from the environment"}
    assert found.shops == {"shopify": "tea"}
    with pytest.raises(SecretError, match=r"more-tea.*MORE"):
        read_secrets(config, {})


def test_the_command_sends_a_folder_and_prints_a_line_each() -> None:
    secrets = {name: new_secret(table["platform"]) for name, table in DEMO["shops"].items()}
    given = [part for name, secret in secrets.items() for part in ("--secret", f"{name}={secret}")]
    with intake() as server:
        result = CliRunner().invoke(main, ["--url", server.url, *given])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert len(lines) == len(OURS) + 1
    assert lines[-1] == f"accepted: {len(OURS)}"
    assert "southern-tea" in lines[0]
    assert "#1001" in lines[0]
    assert not any(secret in result.output for secret in secrets.values())


def test_the_command_makes_orders_and_fails_when_one_is_refused() -> None:
    with intake(lambda _tried, _body: 401) as server:
        result = CliRunner().invoke(
            main, ["--url", server.url, "--make", "5", "--shop", "tea", "--secret", "tea=hush", "--seed", "4"]
        )
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "HTTP 401: 5"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no secret for fen-candles, harbour-books"),
        (["--secret", "tea"], "SHOP=SECRET"),
        (["--samples", "/nowhere"], "no such folder"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--make", "1", "--platform", "standard", "--secret", "parts=plain!"], "no base64"),
    ],
)
def test_the_command_says_what_is_missing(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code != 0
    assert said in result.output
