"""The whole house with an Enapps destination, and two others that find their customers in its copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import manex_house
from tests.deliveries import OneSystem
from tests.house import ESUITE
from tests.servers import wait_until

SECRETS = {
    "ENAPPS_SECRET": "sk7house7secret",
    "ENAPPS_LOGIN": "house-router-1",
    "ENAPPS_PASSWORD": "pw9house9word",
}

_BY_REF = 'customer = "enapps-uk:ref"'
_ENAPPS = """
[destinations.enapps-uk]
system = "enapps"
base_url = "{sandbox}/enapps/api/v1"
auth = {{ mode = "enapps", secret = "env:ENAPPS_SECRET", login = "env:ENAPPS_LOGIN", password = "env:ENAPPS_PASSWORD" }}
timeout_s = {timeout_s}
max_in_flight = 4
shipping_sku = "CARRIAGE"
sync_minutes = 0.01
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}

"""

_ESUITE = ESUITE.replace('reference_prefix = "WEB-"', _BY_REF).replace('AccountRef = "CASH01"\n', "")
_MANEX = manex_house.SECTION.replace('customer = "0000000008"', _BY_REF)
_ROUTES = """
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


class EnappsHouse(OneSystem):
    """Orders go to Enapps, and those with a tag to Esuite or ManEx.

    Lists are read again after a second, whenever somebody looks: beat does every five seconds.
    """

    system = "enapps"

    def __init__(self, folder: Path, **more: Any) -> None:
        named = {"secret": "ENAPPS_SECRET", "login": "ENAPPS_LOGIN", "password": "ENAPPS_PASSWORD"}
        super().__init__(
            folder,
            sections=_ENAPPS + _ESUITE + _MANEX + _ROUTES,
            environment={**SECRETS, "MANEX_KEY": manex_house.KEY},
            credentials=(
                *(f"enapps.{name}={SECRETS[variable]}" for name, variable in named.items()),
                *manex_house.CREDENTIALS,
            ),
            **more,
        )

    def read_at(self) -> dict[str, str | None]:
        """When each list of Enapps was copied last."""
        [feeds] = [one["feeds"] for one in self.destinations() if one["name"] == "enapps-uk"]
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
