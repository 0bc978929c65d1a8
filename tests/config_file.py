"""A right ``crossdock.toml`` that tests spoil, and how they read it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from worker.config import Problem, check

STANDARD = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ENV = {"SHOP": "shop-secret", "STD": STANDARD, "TOKEN": "the-token", "WMS": "the-password"}
GOOD = """\
[shops.au]
platform = "shopify"
secrets = ["env:SHOP"]

[shops.b2b]
platform = "standard"
secrets = ["env:STD"]
release = "placed"
number_prefix = "B-"

[destinations.books]
system = "esuite"
base_url = "https://erp.example.com/api/v2/"
auth = { mode = "bearer", token = "env:TOKEN" }
shipping_sku = "FREIGHT"

[destinations.books.fields]
AccountRef = "CASH01"
BatchType = "SAR"
TransType = "SOR"
TransLedger = "S"

[destinations.wms]
system = "ongoing"
base_url = "https://api.ongoingsystems.se/acme/api/v1"
auth = { mode = "basic", username = "WSI_ACME", password = "env:WMS" }
goods_owner_id = 159

[[routes]]
name = "down-under"
when = { shop = ["au"], country = ["AU", "nz"] }
deliver = ["books", "wms"]

[[routes]]
name = "rest"
deliver = ["wms"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "crossdock.toml"
    path.write_text(text, encoding="utf-8")
    return path


def found(folder: Path, text: str, environ: Mapping[str, str] = ENV) -> list[Problem]:
    return check(write(folder, text), environ)


def line_of(text: str, mark: str) -> int:
    return text[: text.index(mark)].count("\n") + 1
