"""A whole house whose orders go to one system, and what may happen to them on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx

from sandbox.shops import Delivery
from tests.house import ASK_S, SHOPS, House, new_number, told
from tests.servers import wait_until

QUICK = {"CROSSDOCK_SWEEP_S": "0.5", "CROSSDOCK_LEASE_S": "2"}
"""What was lost is seen to within a second or two."""

LATER = "2026-11-20T11:00:00Z"
"""The version of an order that comes after the first one."""

TROUBLE: Mapping[str, dict[str, Any]] = {
    "dropped after it was carried out": {"kind": "drop", "commit": True},
    "dropped before": {"kind": "drop", "commit": False},
    "silent after it was carried out": {"kind": "hang", "seconds": 4, "commit": "before"},
    "silent, and carried out after the first look": {"kind": "hang", "seconds": 1.3, "commit": "after"},
    "502 of a gateway after it was carried out": {"kind": "html502", "commit": True},
    "500": {"kind": "error500", "commit": False},
}
"""What may become of a write whose answer tells nothing, at a time-out of one second."""

AT_ONCE = 3
"""So many fail side by side: fewer than what pauses a destination."""


class OneSystem(House):
    """A house whose orders are looked for at one stand-in, ``system``. Sweeps and leases are short.

    Args:
        sections: destinations and routes of ``crossdock.toml``.
        credentials: ``SYSTEM.NAME=VALUE``, that a stand-in asks for in the place of its own.
    """

    system: ClassVar[str]

    def __init__(
        self,
        folder: Path,
        *,
        sections: str,
        environment: Mapping[str, str] | None = None,
        credentials: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(folder, config=SHOPS + sections, environment={**QUICK, **(environment or {})}, **more)
        self.sandbox_arguments = tuple(part for one in credentials for part in ("--credential", one))

    def there(self, number: str, system: str = "") -> dict[str, Any]:
        """The one object that the system has of an order of the shop ``parts``."""
        [found] = self.held_there()[system or self.system][f"P-{number}"]
        order: dict[str, Any] = found
        return order

    def strike(
        self, trouble: Mapping[str, Mapping[str, Any]], order: Callable[[str], Delivery], *, path: str
    ) -> dict[str, str]:
        """Each kind of trouble strikes the POST of an order of its own, a few at the same time: kind -> number."""
        self.clear_faults()
        numbers = {kind: new_number() for kind in trouble}
        for kind, fault in trouble.items():
            self.fault(self.system, fault, method="POST", path=path, match=f"P-{numbers[kind]}")
        kinds = list(trouble)
        for first in range(0, len(kinds), AT_ONCE):
            part = kinds[first : first + AT_ONCE]
            self.post([order(numbers[kind]) for kind in part])
            for kind in part:
                self.wait_for(numbers[kind], "delivered", seconds=40)
        assert self.struck() == [1] * len(trouble)
        return numbers

    def kill_while_hanging(self, orders: Mapping[str, Delivery], hanging: Sequence[str], *, path: str = "") -> None:
        """All workers are killed while the POSTs of some orders hang that are carried out; all are delivered."""
        self.clear_faults()
        for number in hanging:
            hang = {"kind": "hang", "seconds": 20, "commit": "before"}
            self.fault(self.system, hang, method="POST", match=f"P-{number}", **({"path": path} if path else {}))
        self.post(orders.values())
        struck = [1] * len(hanging)
        wait_until(lambda: self.struck() == struck, seconds=20, what="orders hang that are there", every=ASK_S)
        for child in self.children("worker"):
            child.kill()
        for number in orders:
            self.wait_for(number, "delivered", seconds=60)
        for number in hanging:
            assert "stopped without a word" in told(self.order(number))

    def keeps(self, secrets: Iterable[str], *, of: Iterable[str]) -> None:
        """Secrets are in no log, on no page, in no answer of the API about some orders, and in no file of the home."""
        shown = [self.log(), *(json.dumps(self.order(number)) for number in of)]
        paths = ("/", "/destinations", "/metrics", "/api/destinations")
        shown += [httpx.get(f"{self.url}{path}", timeout=20).text for path in paths]
        for secret in secrets:
            assert not [text for text in shown if secret in text]
            for path in self.home.rglob("*"):
                assert not path.is_file() or secret.encode() not in path.read_bytes(), f"{path} has a secret"


def bolts(quantity: int, **changes: Any) -> dict[str, Any]:
    """A line of so many bolts for 12.00 each, 2.00 of that tax."""
    line = {"id": "1", "sku": "BOLT-8", "name": "Bolt", "quantity": str(quantity)}
    return {**line, "total_incl": f"{quantity * 12}.00", "tax": f"{quantity * 2}.00", **changes}
