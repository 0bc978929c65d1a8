"""The whole house with a ManEx destination, and what the stand-in has to hold in the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.deliveries import OneSystem

KEY = "K9MANEXKEY"
CREDENTIALS = (f"manex.key={KEY}",)

SECTION = """
[destinations.manex-us]
system = "manex"
base_url = "{sandbox}/manex"
auth = {{ mode = "path", key = "env:MANEX_KEY" }}
timeout_s = {timeout_s}
so_prefix = "W"
customer = "0000000008"
lead_days = 5
calendar = "US"
shipping_sku = "FREIGHT"
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.manex-us.line_fields]
uOfMeas = "EACH"
deliv_time = "3:00"
[destinations.manex-us.price_fields]
saleTypeID = "OTHER"
"""

_ROUTE = """
[[routes]]
name = "manex"
deliver = ["manex-us"]
"""


class ManexHouse(OneSystem):
    """Every order goes to ManEx alone."""

    system = "manex"

    def __init__(self, folder: Path, **more: Any) -> None:
        environment = {"MANEX_KEY": KEY}
        super().__init__(folder, sections=SECTION + _ROUTE, environment=environment, credentials=CREDENTIALS, **more)

    def complete(self, numbers: Iterable[str], *, lines: int | None = None) -> None:
        """Each order is there as one sales order; each of its lines once, with one price and one due date."""
        there = self.held_there()["manex"]
        assert sorted(there) == sorted(numbers)
        for number, orders in there.items():
            assert len(orders) == 1, f"{number} is there {len(orders)} times"
            rows = orders[0]["lines"]
            assert len({row["LINE_NO"] for row in rows}) == len(rows), f"{number} has a line twice"
            assert lines is None or len(rows) == lines, f"{number} has {len(rows)} lines"
            for row in rows:
                once = (len(row["prices"]), len(row["due_dates"]))
                assert once == (1, 1), f"{number} line {row['LINE_NO']} has {once} prices and due dates"
                assert row["due_dates"][0]["QTY"] == row["ORD_QTY"]
