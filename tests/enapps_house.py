"""The whole house with an Enapps destination, and two others that find their customers in its copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.house import CONFIG, House
from tests.manex_house import KEY
from tests.servers import wait_until

SECRETS = {
    "ENAPPS_SECRET": "sk7house7secret",
    "ENAPPS_LOGIN": "house-router-1",
    "ENAPPS_PASSWORD": "pw9house9word",
}

DESTINATIONS = """
[destinations.enapps-uk]
system = "enapps"
base_url = "{sandbox}/enapps/api/v1"
auth = {{ mode = "enapps", secret = "env:ENAPPS_SECRET", login = "env:ENAPPS_LOGIN", password = "env:ENAPPS_PASSWORD" }}
timeout_s = {timeout_s}
max_in_flight = 4
shipping_sku = "CARRIAGE"
sync_minutes = 0.01
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}

[destinations.esuite-au]
system = "esuite"
base_url = "{sandbox}/esuite/api/v2"
auth = {{ mode = "bearer", token = "env:ESUITE_TOKEN" }}
timeout_s = {timeout_s}
customer = "enapps-uk:ref"
shipping_sku = "FREIGHT"
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.esuite-au.fields]
BatchType = "SAR"
TransType = "SOR"
TransLedger = "S"
[destinations.esuite-au.payments]
"*" = {{ PaymentType = "WEB", AuthBankPosted = "B" }}

[destinations.manex-us]
system = "manex"
base_url = "{sandbox}/manex"
auth = {{ mode = "path", key = "env:MANEX_KEY" }}
timeout_s = {timeout_s}
so_prefix = "W"
customer = "enapps-uk:ref"
shipping_sku = "FREIGHT"
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.manex-us.line_fields]
uOfMeas = "EACH"
deliv_time = "3:00"
[destinations.manex-us.price_fields]
saleTypeID = "OTHER"

[[routes]]
name = "esuite"
when = {{ tag = ["esuite"] }}
deliver = ["esuite-au"]

[[routes]]
name = "manex"
when = {{ tag = ["manex"] }}
deliver = ["manex-us"]

[[routes]]
name = "all"
deliver = ["enapps-uk"]
"""


LISTS = ("partners", "contacts", "addresses", "products")


class EnappsHouse(House):
    """Orders go to Enapps, and those with a tag to Esuite or ManEx.

    Lists are read again after a second, whenever somebody looks: beat does every five seconds. Sweeps and
    leases are short, so that what was lost is seen to within a second or two.
    """

    def __init__(self, folder: Path, **more: Any) -> None:
        config = CONFIG[: CONFIG.index("[destinations.")] + DESTINATIONS
        quick = {"CROSSDOCK_SWEEP_S": "0.5", "CROSSDOCK_LEASE_S": "2"}
        super().__init__(folder, config=config, environment={**SECRETS, "MANEX_KEY": KEY, **quick}, **more)
        named = {"secret": "ENAPPS_SECRET", "login": "ENAPPS_LOGIN", "password": "ENAPPS_PASSWORD"}
        credentials = [f"enapps.{name}={SECRETS[variable]}" for name, variable in named.items()]
        told = [("--credential", one) for one in (*credentials, f"manex.key={KEY}")]
        self.sandbox_arguments = tuple(part for pair in told for part in pair)

    def read_at(self) -> dict[str, str | None]:
        """When each list of Enapps was copied last."""
        places = httpx.get(f"{self.url}/api/destinations", timeout=5).raise_for_status().json()["items"]
        [feeds] = [one["feeds"] for one in places if one["name"] == "enapps-uk"]
        return {feed["name"]: feed["read_at"] for feed in feeds}

    def wait_for_copies(self, *names: str, seconds: float = 30) -> None:
        """Wait until these lists, or all four, were read from beginning to end after this was called.

        A list is three requests there, the first page twice and an empty one, and each is told: so the fourth one is of
        a reading that began later than one that is just going on and may miss what is new.
        """
        wanted = names or LISTS
        for _ in range(4):
            before = self.read_at()

            def newer(before: dict[str, str | None] = before) -> bool:
                self.look_at_feeds()
                now = self.read_at()
                return all(now.get(name) and now[name] != before.get(name) for name in wanted)

            wait_until(newer, seconds=seconds, what=f"{', '.join(wanted)} of Enapps are copied once more", every=0.2)

    def replay(self, number: str) -> None:
        """As a person does."""
        httpx.post(f"{self.url}/api/orders/{self.order(number)['id']}/replay").raise_for_status()
