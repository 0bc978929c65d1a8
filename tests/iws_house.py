"""The whole house with IWS destinations: a fixed customer, one found by e-mail, one who never ordered before."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from tests.house import CONFIG, House

KEY = "K7IWSKEY"
CUSTOMER, NEW_CUSTOMER = "CUST-000101", "CUST-000777"

_DESTINATION = """
[destinations.{name}]
system = "iws"
base_url = "{{sandbox}}/iws/Interprise.Web.Services"
auth = {{{{ mode = "basic", username = "env:IWS_KEY", password = "" }}}}
timeout_s = {{timeout_s}}
max_in_flight = 8
customer = "{customer}"
status_minutes = {status_minutes}
stock_minutes = 0
retry = {{{{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}}}
[destinations.{name}.fields]
warehouseCode = "MAIN"
sourceCode = "Internet"
[destinations.{name}.skus]
"MUG-BLUE" = "MUG-11OZ-BLU"
"""

_ROUTES = """
[[routes]]
name = "mail"
when = {{ tag = ["mail"] }}
deliver = ["iws-mail"]

[[routes]]
name = "new"
when = {{ tag = ["new"] }}
deliver = ["iws-new"]

[[routes]]
name = "all"
deliver = ["iws-uk"]
"""

_DESTINATIONS = (
    _DESTINATION.format(name="iws-uk", customer=CUSTOMER, status_minutes=0.02)
    + _DESTINATION.format(name="iws-mail", customer="email", status_minutes=0)
    + _DESTINATION.format(name="iws-new", customer=NEW_CUSTOMER, status_minutes=0)
)


class IwsHouse(House):
    """Orders go to IWS for one customer; with the tag ``mail`` for whom the e-mail address belongs to, with ``new`` for
    a customer without orders.

    Sweeps and leases are short, so that what was lost is seen to within a second or two.
    """

    def __init__(self, folder: Path, **more: Any) -> None:
        config = CONFIG[: CONFIG.index("[destinations.")] + _DESTINATIONS + _ROUTES
        environment = {"IWS_KEY": KEY, "CROSSDOCK_SWEEP_S": "0.5", "CROSSDOCK_LEASE_S": "2"}
        super().__init__(folder, config=config, environment=environment, **more)
        self.sandbox_arguments = ("--credential", f"iws.key={KEY}")

    def there(self, number: str) -> dict[str, Any]:
        """The one sales order that IWS has of an order of the shop ``parts``."""
        [found] = self.held_there()["iws"][f"P-{number}"]
        order: dict[str, Any] = found
        return order

    def struck(self) -> list[int]:
        """How often each fault has struck, in the order they were given."""
        faults = httpx.get(f"{self.sandbox_url}/_sandbox/faults").raise_for_status().json()["faults"]
        return [int(rule["hits"]) for rule in faults]

    def act(self, number: str, action: str, **body: Any) -> None:
        """As a person does over the API: replay, accept."""
        path = f"{self.url}/api/orders/{self.order(number)['id']}/{action}"
        httpx.post(path, json=body or None).raise_for_status()

    def keeps_its_key(self, numbers: Iterable[str]) -> None:
        """The key is in no log, on no page, in no answer of the API and in no file of the home."""
        shown = [self.log(), *(json.dumps(self.order(number)) for number in numbers)]
        shown += [
            httpx.get(f"{self.url}{path}").text for path in ("/", "/destinations", "/metrics", "/api/destinations")
        ]
        assert not [text for text in shown if KEY in text]
        for path in self.home.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), f"{path} has the key"
