"""Read folders of orders: our own samples, and the files of anybody else.

One of our own samples has the keys ``platform``, ``shop``, ``topic``, ``comment``, ``expect``, ``ends``, ``at``,
``written``, ``waits``, ``fault``, ``waybill`` (the last six may be left out;
:class:`~sandbox.shops.delivery.Delivery` says what they are) and ``body`` (JSON), or ``raw`` (text) where the exact
bytes matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

from sandbox.shops.delivery import PLATFORMS, Delivery, Json, Platform, decode, encode

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
"""Our own samples, and ``demo.toml`` that they are made for."""

DEMO_SHOPS: Mapping[Platform, str] = {
    "shopify": "southern-tea",
    "woocommerce": "harbour-books",
    "standard": "parts",
}
"""Which shop of ``demo.toml`` sends the files that name none."""

_FORM = "application/x-www-form-urlencoded"


class SampleError(ValueError):
    """A folder or one of our own sample files cannot be used. The text names file and field."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A file, or a part of one, that is nothing to send."""

    name: str
    reason: str


def load_samples(folder: Path, *, shops: Mapping[Platform, str] = DEMO_SHOPS) -> list[Delivery]:
    """The deliveries of all ``*.json`` files of a folder, by file name; what is no webhook is left out.

    Send them one after the other where later files are about earlier orders.

    Raises:
        SampleError: as :func:`read_folder`.
    """
    return [found for found in read_folder(folder, shops=shops) if isinstance(found, Delivery)]


def read_folder(folder: Path, *, shops: Mapping[Platform, str] = DEMO_SHOPS) -> list[Delivery | Skip]:
    """Like :func:`load_samples`, with a stated skip for what is left out: no file gives nothing.

    Our own samples say what they are. For other files the name's beginning, ``shopify-`` or ``woocommerce-``,
    decides the platform; everything else is sent by the standard shop, which is how a body arrives whose
    producer was pointed at the wrong place. Bodies go out byte for byte as they stand in the file.

    Args:
        shops: the sender of files that name no shop, for each platform.

    Raises:
        SampleError: no such folder, nothing in it, or a mistake in a file of our own shape.
    """
    if not folder.is_dir():
        raise SampleError(f"{folder}: no such folder")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise SampleError(f"{folder}: has no *.json file")
    return [found for path in paths for found in _read(path, shops)]


def _read(path: Path, shops: Mapping[Platform, str]) -> Iterator[Delivery | Skip]:
    raw = path.read_bytes()
    content = decode(raw)
    platform = _platform(path.name)
    maker = _Maker(name=path.name, platform=platform, shop=shops[platform])
    if not isinstance(content, dict):
        yield maker.delivery(raw, content, _default_topic(platform))
    elif "vectors" in content:
        yield Skip(path.name, "signature vectors, no order")
    elif content.get("platform") in PLATFORMS and "shop" in content:
        yield _own(path.name, content)
    elif isinstance(content.get("raw_body"), str):
        yield _wrapped(maker, content)
    elif any(_is_wrapper(part) for part in content.values()):
        yield from _parts(maker, content)
    else:
        yield maker.delivery(raw, content, _topic(platform, content))


def _platform(name: str) -> Platform:
    for platform in PLATFORMS:
        if name.startswith(f"{platform}-"):
            return platform
    return "standard"


def _default_topic(platform: Platform) -> str:
    return "orders/create" if platform == "shopify" else "order.created"


def _topic(platform: Platform, body: Json) -> str:
    """The topic under which a shop would send such a body."""
    if platform == "standard":
        return str(body.get("type") or _default_topic(platform))
    if set(body) == {"id"}:
        return "orders/delete" if platform == "shopify" else "order.deleted"
    if platform == "woocommerce":
        return _default_topic(platform)
    if "refund_line_items" in body and "order_id" in body:
        return "refunds/create"
    if body.get("cancelled_at"):
        return "orders/cancelled"
    return "orders/fulfilled" if body.get("fulfillment_status") == "fulfilled" else "orders/create"


def _is_wrapper(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("raw_body"), str)


def _parts(maker: _Maker, content: Json) -> Iterator[Delivery | Skip]:
    """A file of several deliveries, each under a name of its own."""
    for key, part in content.items():
        name = f"{maker.name}#{key}"
        if not _is_wrapper(part):
            yield Skip(name, "no raw_body, nothing to send")
            continue
        yield _wrapped(_Maker(name=name, platform=maker.platform, shop=maker.shop), cast("Json", part))


def _wrapped(maker: _Maker, wrapper: Json) -> Delivery:
    """A captured delivery: its body as text, its topic in the headers or beside it."""
    text = cast("str", wrapper["raw_body"])
    sent = wrapper.get("headers")
    names = {str(key).lower(): str(value) for key, value in sent.items()} if isinstance(sent, dict) else {}
    ping = wrapper.get("content_type") == _FORM or names.get("content-type") == _FORM
    body = decode(text)
    topic = (
        names.get("x-shopify-topic")
        or names.get("shopify-topic")
        or names.get("x-wc-webhook-topic")
        or str(wrapper.get("topic") or "")
        or (_topic(maker.platform, body) if isinstance(body, dict) else _default_topic(maker.platform))
    )
    return maker.delivery(text.encode(errors="surrogatepass"), body, "" if ping else topic, ping=ping)


def _own(name: str, content: Json) -> Delivery:
    """A sample of our own shape; see the files beside ``demo.toml``."""
    platform = cast("Platform", content["platform"])
    known = {"platform", "shop", "topic", "comment", "body", "raw", "expect"}
    known |= {"ends", "at", "written", "waits", "fault", "waybill"}
    missing = [key for key in ("topic", "comment", "expect") if not isinstance(content.get(key), str)]
    if missing or set(content) - known:
        raise SampleError(f"{name}: missing {missing}, unknown {sorted(set(content) - known)}")
    if ("body" in content) == ("raw" in content):
        raise SampleError(f"{name}: give either body (JSON) or raw (text)")
    raw = str(content["raw"]).encode() if "raw" in content else encode(platform, content["body"])
    body = decode(raw) if "raw" in content else content["body"]
    at, written, fault, ends, waybill = (content.get(key) for key in ("at", "written", "fault", "ends", "waybill"))
    found = _Maker(name=name, platform=platform, shop=str(content["shop"])).delivery(raw, body, str(content["topic"]))
    return replace(
        found,
        comment=str(content["comment"]),
        expect=str(content["expect"]),
        ends=None if ends is None else str(ends),
        at=tuple(map(str, at)) if isinstance(at, list) else None,
        written=tuple(map(str, written)) if isinstance(written, list) else None,
        waits=content.get("waits") is True,
        fault=fault if isinstance(fault, dict) else None,
        waybill=None if waybill is None else str(waybill),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Knows the file and the sender; makes the delivery."""

    name: str
    platform: Platform
    shop: str

    def delivery(self, raw: bytes, body: object, topic: str, *, ping: bool = False) -> Delivery:
        return Delivery(
            shop=self.shop,
            platform=self.platform,
            topic=topic,
            body=raw,
            delivery_id=str(uuid4()),
            event_id=str(uuid4()),
            triggered=datetime.now(UTC),
            name=self.name,
            number=_number(self.platform, body),
            ping=ping,
        )


def _number(platform: Platform, body: object) -> str:
    """The order number that the shop's people see, or the id, or "" in a body that has neither."""
    if not isinstance(body, dict):
        return ""
    order = body.get("data", body) if platform == "standard" else body
    if not isinstance(order, dict):
        return ""
    names = {
        "shopify": ("name", "order_id"),
        "woocommerce": ("number",),
        "standard": ("number", "shop_order_id"),
    }
    for name in (*names[platform], "id"):
        if isinstance(order.get(name), str | int) and order[name] != "":
            return str(order[name])
    return ""
