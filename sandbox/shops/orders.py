"""Any number of different, valid orders for benches and chaos runs; the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from sandbox.shops import shopify, standard, woocommerce
from sandbox.shops.delivery import Delivery, Json, Platform, encode
from sandbox.shops.purchase import ZERO, Item, Person, Purchase

FIRST_DAY = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SHOPIFY_ID = 9_100_000_000_000_000
"""Above 2^53, so that a reader that takes ids for floats mixes orders up (webhooks.md section 1)."""
_SPAN = 1_000_000

_BODIES: Mapping[Platform, Callable[[Purchase], Json]] = {
    "shopify": shopify.body,
    "woocommerce": woocommerce.body,
    "standard": standard.body,
}
_TOPICS: Mapping[Platform, str] = {
    "shopify": "orders/create",
    "woocommerce": "order.created",
    "standard": "order.created",
}
_ZONES = {
    "AU": timezone(timedelta(hours=11)),
    "NZ": timezone(timedelta(hours=13)),
    "SE": timezone(timedelta(hours=1)),
}

_FIRST = (
    "Maeve",
    "Otis",
    "Ingrid",
    "Tane",
    "Signe",
    "Rupert",
    "Aroha",
    "Linnea",
    "Desmond",
    "Yuki",
    "Åsa",
    "Zoë",
)
_LAST = (
    "Tallow",
    "Quillfeather",
    "Granlund",
    "Marsh",
    "Ödmark",
    "Pennyworth",
    "Kauri",
    "Holt",
    "Wren",
    "Lindqvist",
)
_STREETS = (
    "Sample Street",
    "Specimen Road",
    "Fable Lane",
    "Rehearsal Avenue",
    "Placeholder Crescent",
    "Övningsgatan",
)
_CITIES: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "AU": (
        ("Hobart", "7000", "TAS", "Tasmania"),
        ("Alabaster Bay", "3188", "VIC", "Victoria"),
        ("Newtown", "2042", "NSW", "New South Wales"),
        ("Fremantle", "6160", "WA", "Western Australia"),
    ),
    "NZ": (("Dunedin", "9016", "OTA", "Otago"), ("Nelson", "7010", "NSN", "Nelson")),
    "SE": (("Malmö", "211 20", "", ""), ("Östersund", "831 30", "", ""), ("Laholm", "312 30", "", "")),
}
_COUNTRIES = {"AU": "Australia", "NZ": "New Zealand", "SE": "Sweden"}
# Numbers that the regulators keep free for fiction; New Zealand has none.
_PHONES = {"AU": "+61 2 5550 {:04}", "NZ": "", "SE": "+46 8 465 004 {:02}"}

_METHODS = (("shopify_payments", "Credit card"), ("paypal", "PayPal"), ("bank_deposit", "Bank deposit"))

_GOODS = (
    ("TEA-EARL", "Earl Grey", "100 g"),
    ("TEA-SENCHA", "Sencha", "50 g"),
    ("TEA-CHAI", "Masala chai", "250 g"),
    ("MUG-BLUE", "Mug, blue", ""),
    ("MUG-ÖL", "Mug “Öland”", ""),
    ("POT-IRON", "Cast iron teapot", "0.8 l"),
    ("BOOK-TIDES", "A Calendar of Tides", "Paperback"),
    ("BOOK-KNOTS", "Knots & Splices", "Hardback"),
    ("MAP-HARBOUR", "Harbour chart, folded", ""),
    ("PART-10", "Hex bolt M10", "25 pieces"),
    ("PART-22", "Bearing 22 mm", ""),
    ("TIN-S", "Tin, small", ""),
)


def make_orders(n: int, *, platform: Platform, seed: int, shop: str) -> Iterator[Delivery]:
    """Make ``n`` orders of one shop: 1 to 5 lines, buyers in Australia, New Zealand and Sweden, AUD.

    Numbers are ``seed`` x 1,000,000 + 1 and up, so two seeds never share one. The same arguments give the
    same bytes and delivery ids, so that a run that is started again re-sends instead of ordering anew.

    Raises:
        ValueError: n is above 1,000,000 or the seed is negative.
    """
    if n > _SPAN or seed < 0:
        raise ValueError("at most 1,000,000 orders a seed, and no negative seed")
    dice = random.Random(f"{shop}/{platform}/{seed}")
    for place in range(1, n + 1):
        moment = FIRST_DAY + timedelta(seconds=place)
        purchase = _purchase(dice, platform, seed * _SPAN + place, moment)
        yield Delivery(
            shop=shop,
            platform=platform,
            topic=_TOPICS[platform],
            body=encode(platform, _BODIES[platform](purchase)),
            delivery_id=_uuid(dice),
            event_id=_uuid(dice),
            triggered=moment,
            number=purchase.number,
        )


def _uuid(dice: random.Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


def _purchase(dice: random.Random, platform: Platform, number: int, moment: datetime) -> Purchase:
    country = dice.choices(("AU", "NZ", "SE"), weights=(6, 2, 2))[0]
    buyer = _person(dice, country, number)
    discounted = dice.random() < 0.2
    method, title = dice.choice(_METHODS)
    return Purchase(
        id=SHOPIFY_ID + number if platform == "shopify" else number,
        number=f"#{number}" if platform == "shopify" else str(number),
        placed_at=moment.astimezone(_ZONES[country]),
        currency="AUD",
        items=tuple(_item(dice, number, place, discounted) for place in range(1, dice.randint(1, 5) + 1)),
        email=buyer.email,
        ship_to=buyer,
        bill_to=buyer if dice.random() < 0.8 else None,
        tax_rate=Decimal("0.10") if country == "AU" else ZERO,
        taxes_included=dice.random() < 0.7,
        shipping_price=Decimal(dice.choice(("0.00", "9.90", "14.95"))),
        discount_code="TIDE10" if discounted else "",
        method=method,
        method_title=title,
        note=dice.choice(
            (
                "",
                "",
                "Please leave it behind the blue door.",
                "お茶をありがとう 🍵",
                "Ring the bell, à bientôt",
            )
        ),
    )


def _person(dice: random.Random, country: str, number: int) -> Person:
    first, last = dice.choice(_FIRST), dice.choice(_LAST)
    city, postcode, state, state_name = dice.choice(_CITIES[country])
    return Person(
        first_name=first,
        last_name=last,
        email=f"buyer{number}@{dice.choice(('example.com', 'example.org'))}",
        address1=f"{dice.randint(1, 240)} {dice.choice(_STREETS)}",
        address2=dice.choice(("", "", "Unit 4")),
        city=city,
        postcode=postcode,
        state=state,
        state_name=state_name,
        country=country,
        country_name=_COUNTRIES[country],
        company=dice.choice(("", "", "", "Sample & Sons Pty Ltd")),
        phone=_PHONES[country].format(dice.randint(0, 99)),
    )


def _item(dice: random.Random, number: int, place: int, discounted: bool) -> Item:
    sku, name, variant = dice.choice(_GOODS)
    price = Decimal(dice.randint(150, 8999)).scaleb(-2)
    return Item(
        id=number * 10 + place,
        sku=sku,
        name=name,
        variant=variant,
        price=price,
        quantity=Decimal(dice.choice((1, 1, 1, 2, 3, 7))),
        discount=(price / 10).quantize(Decimal("0.01")) if discounted else ZERO,
        options=(("Engraving", "A.L."),) if sku.startswith("MUG") and dice.random() < 0.3 else (),
    )
