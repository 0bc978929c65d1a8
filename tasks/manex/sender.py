"""ManEx: sending calls of one attempt, several at once where they need nothing of each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cachetools import TTLCache

from schemas.http import Call
from schemas.manex import ManexDestination, Part
from schemas.manex.calls import Calls, Resolved
from schemas.manex.reply import part_keys
from tasks.manex.difference import Write
from tasks.manex.replies import HARMLESS, Done, Meaning, meaning, unanswered
from worker.outcomes import Outcome, Reject, Retry, Suspend
from worker.system import Http, Job, together

_SEVERITY = (Suspend, Retry, Reject)
"""Of several things that went wrong at once, the first of these decides: what may pass by itself goes first."""

_found: TTLCache[tuple[str, str, Part], Resolved] = TTLCache(maxsize=10_000, ttl=600)
"""Parts of ItemMaster/Get, by destination and address; only those that were found."""


class Sender:
    """Sends, and says what the replies mean.

    Attributes:
        unanswered: a call may still be carried out, although nobody answered it.
    """

    def __init__(self, job: Job[ManexDestination], http: Http) -> None:
        self.unanswered = False
        self._destination, self._now, self._http = job.destination, job.now, http
        self._calls = Calls(job.destination)

    async def send(self, action: str, call: Call, what: str) -> Meaning:
        """Send one call. ``what``: what it is about, for people."""
        reply = await self._http.send(call)
        if action not in HARMLESS and unanswered(reply):
            self.unanswered = True
        return meaning(reply, action=action, what=what, destination=self._destination.name, now=self._now)

    async def read_all(self, action: str, calls: Sequence[tuple[str, Call]]) -> list[Meaning | None]:
        """What they mean, in their order; None for those that were not sent after one went wrong."""
        answers: list[Meaning | None] = [None] * len(calls)
        waiting = iter(enumerate(calls))

        async def hand() -> None:
            for place, (what, call) in waiting:
                if worst(answers) is None:
                    answers[place] = await self.send(action, call, what)

        await together(hand() for _ in range(self._at_once(calls)))
        return answers

    async def write_all(self, writes: Sequence[Write]) -> tuple[list[tuple[Write, Done]], Outcome | None]:
        """Those that were carried out, and the worst of what went wrong. A refusal does not stop the others."""
        waiting, done, answers = iter(writes), list[tuple[Write, Done]](), list[Meaning]()

        async def hand() -> None:
            for write in waiting:
                if isinstance(worst(answers), Suspend | Retry):
                    return
                answer = await self.send(write.action, write.call, write.what)
                answers.append(answer)
                if isinstance(answer, Done):
                    done.append((write, answer))

        await together(hand() for _ in range(self._at_once(writes)))
        return done, worst(answers)

    async def resolve(self, parts: Iterable[Part]) -> tuple[dict[Part, Resolved], Outcome | None]:
        """Inventory key, unit and warehouse key of each part (section 7); remembered for ten minutes."""
        name, base = self._destination.name, self._destination.base_url
        asked = list(dict.fromkeys(parts))
        resolved = {part: found for part in asked if (found := _found.get((name, base, part))) is not None}
        missing = [part for part in asked if part not in resolved]
        calls = [(f"the part {part}", self._calls.item_master(part)) for part in missing]
        answers = await self.read_all("ItemMaster/Get", calls)
        for part, answer in zip(missing, answers, strict=True):
            if isinstance(answer, Done):
                uniq_key, unit, w_key = part_keys(answer.found)
                resolved[part] = _found[name, base, part] = Resolved(uniq_key=uniq_key, unit=unit, w_key=w_key)
        return resolved, worst(answers)

    def _at_once(self, calls: Sequence[object]) -> int:
        return min(self._destination.parallel, len(calls))


def worst(answers: Sequence[Meaning | None]) -> Outcome | None:
    """The most urgent of what went wrong, if anything did."""
    for kind in _SEVERITY:
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    return None
