"""What a probe found out, where a contract guesses: what the server contradicts, and what was not to be tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schemas.destination import Destination
from worker.outcomes import Delivered, Outcome, Suspend
from worker.system import Http, Probed

D = TypeVar("D", bound=Destination)

CANNOT_LOOK = "An order whose answer was lost could not be looked up: the server contradicts what that needs."


@dataclass(slots=True)
class Findings(Generic[D]):
    """What was asked at one destination so far, and what came of it.

    Attributes:
        contradicted: guesses that are wrong, each a sentence with the key to set.
        untried: what could not be asked, each a sentence.
        failed: why the destination cannot be worked with; the first that was found.
    """

    destination: D
    http: Http
    contradicted: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    failed: Outcome | None = None

    def contradict(self, remark: str, *, needed: bool = False) -> None:
        """A guess is wrong. ``needed``: an order cannot be looked up then, so that it might be made twice."""
        self.contradicted.append(remark)
        if needed:
            self.fail(Suspend(code="cannot_look", reason=CANNOT_LOOK))

    def fail(self, why: Outcome) -> None:
        """The destination cannot be worked with."""
        self.failed = self.failed or why

    def key(self, name: str) -> str:
        """Where a name is corrected."""
        return f"set {name} in [destinations.{self.destination.name}.names]"

    def probed(self, *more: str) -> Probed:
        """All of it, and ``more`` remarks."""
        return Probed(self.failed or Delivered(reference=None), (*self.contradicted, *self.untried, *more))
