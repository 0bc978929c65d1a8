"""Stand-in shops: they sign and send orders as Shopify, WooCommerce and Standard Webhooks producers do.

``load_samples`` reads a folder of orders, ``make_orders`` makes any number of them, ``send`` posts one and
``send_all`` posts many and tries again as a shop would. ``python -m sandbox.shops`` does it from a terminal.
"""

from __future__ import annotations

from sandbox.shops.delivery import PLATFORMS, Answer, Delivery, Platform, encode
from sandbox.shops.keys import SecretError, new_secret, read_secrets
from sandbox.shops.orders import make_orders
from sandbox.shops.samples import DEMO_SHOPS, SAMPLES, SampleError, Skip, load_samples, read_folder
from sandbox.shops.sending import send, send_all
from sandbox.shops.signing import sign

__all__ = [
    "DEMO_SHOPS",
    "PLATFORMS",
    "SAMPLES",
    "Answer",
    "Delivery",
    "Platform",
    "SampleError",
    "SecretError",
    "Skip",
    "encode",
    "load_samples",
    "make_orders",
    "new_secret",
    "read_folder",
    "read_secrets",
    "send",
    "send_all",
    "sign",
]
