"""The whole house with IWS destinations: a fixed customer, one found by e-mail, one who never ordered before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.deliveries import OneSystem

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


class IwsHouse(OneSystem):
    """Orders go to IWS for one customer; with the tag ``mail`` for whom the e-mail address belongs to, with ``new`` for
    a customer without orders.
    """

    system = "iws"

    def __init__(self, folder: Path, **more: Any) -> None:
        sections, credentials = _DESTINATIONS + _ROUTES, (f"iws.key={KEY}",)
        super().__init__(folder, sections=sections, environment={"IWS_KEY": KEY}, credentials=credentials, **more)
