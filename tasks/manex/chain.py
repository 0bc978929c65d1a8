"""ManEx: one attempt at a sales order, stage by stage, from wherever an earlier one stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from schemas.goods import anything_open
from schemas.manex import ManexDestination, Part, told
from schemas.manex.calls import Calls, Resolved
from schemas.manex.desired import Desired, is_ours, remarks
from schemas.manex.reply import PriceRow, SalesOrder, new_line, price_row, sales_order, unique_ln
from tasks.manex.difference import Difference, Known, Write, exchanged
from tasks.manex.replies import Absent, Done
from tasks.manex.sender import Sender, worst
from tasks.once import NOTHING_LEFT, never_sent
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Http, Job


class Chain:
    """Makes one sales order agree: look where something may be there, then header, lines, prices and dates.

    The memo has, beside what :func:`schemas.manex.desired.prepare` settles: ``header``, the PoNo of the header once it
    is known to be there; ``parts`` and ``dated`` as at Known; ``verified``, everything was read back once;
    ``unanswered``, a call may still be carried out; ``looked_at``, when it was first looked for.
    """

    def __init__(self, job: Job[ManexDestination], http: Http, desired: Desired) -> None:
        self._job, self._desired = job, desired
        self._sender, self._calls = Sender(job, http), Calls(job.destination)
        self._memo: dict[str, Any] = dict(job.memo)
        self._may_be_there = job.in_doubt or "header" in job.memo
        # An attempt that was cut off may have had calls in the air that nobody remembers.
        self._sender.unanswered = bool(self._memo.pop("unanswered", False)) or job.interrupted
        self._there: SalesOrder | None = None
        self._prices: dict[str, PriceRow | None] = {}
        self._parts: dict[Part, Resolved] = {}
        self._steps: list[str] = []
        self._wrote = False

    async def run(self) -> Outcome:
        """The attempt, to its end."""
        for stage in (self._look, self._header, self._lines, self._prices_and_dates, self._verify):
            stop = await stage()
            if stop is not None:
                return self._ended(stop)
        return self._ended(self._agreed())

    # ------------------------------------------------------------------ stages: None goes on, an outcome ends it

    async def _look(self) -> Outcome | None:
        if not self._may_be_there:
            return None
        stop = await self._read()
        if stop is not None:
            return stop
        if self._there is None:
            return self._absent()
        return await self._ask_prices() or self._go_on()

    async def _header(self) -> Outcome | None:
        if self._there is not None:
            return await self._mend_header(self._there)
        order, so_no = self._job.order, self._desired.so_no
        if order.cancelled or not anything_open(order):
            return Delivered(reference=None, note=never_sent("ManEx") if order.cancelled else NOTHING_LEFT)
        # An unknown part is found out before there is a header without lines.
        stop = await self._resolve()
        if stop is not None:
            return stop
        answer = await self._sender.send("Add", self._calls.add(self._desired), f"the header of {so_no}")
        if isinstance(answer, Reject) and answer.code == "add_failed":
            return await self._taken(answer)
        if not isinstance(answer, Done):
            return worst([answer])
        self._steps.append(f"header {so_no} written")
        self._wrote = self._may_be_there = True
        self._memo |= {"header": self._desired.po_no, "told": [self._desired.wording]}
        self._there = SalesOrder(so_no=so_no, customer="", po_no=self._desired.po_no, order_date=None, lines=())
        return None

    async def _lines(self) -> Outcome | None:
        double = self._difference().doubles()
        if double:
            return self._double(double)
        stop = await self._resolve()
        if stop is not None:
            return stop
        for writes in (Difference.shrinking, Difference.lines):
            stop = await self._write(writes(self._difference()))
            if stop is not None:
                return stop
        missing = self._difference().missing()
        if missing:
            reason = f"ManEx took the lines of {self._desired.so_no}, and does not show line {told(missing)}"
            return Retry(code="not_shown", reason=reason, tries=4)
        return None

    async def _prices_and_dates(self) -> Outcome | None:
        done, stop = await self._sender.write_all(writes := self._difference().prices_and_dates())
        self._tell(writes, done)
        return stop

    async def _verify(self) -> Outcome | None:
        """Read back what was written, and compare: a swapped day and month is silent (section 6)."""
        if self._wrote:
            stop = await self._read()
            if stop is not None:
                return stop
        found, so_no = self._difference(), self._desired.so_no
        if found.doubles():
            return self._double(found.doubles())
        swapped = found.swapped()
        if swapped:
            return Reject(
                code="date_swapped",
                reason=f"In {so_no} {swapped}.",
                hint=f"Set date_format in [destinations.{self._job.destination.name}] to the other way, then replay.",
            )
        # What prices were written is not in SO/Get (section 5).
        left = [*found.shrinking(), *found.lines(), *(w for w in found.prices_and_dates() if "Price" not in w.action)]
        if left:
            what = ", ".join(write.what for write in left)
            reason = f"ManEx took everything of {so_no}, and still shows it without {what}"
            return Retry(code="differs", reason=reason, tries=3)
        stuck = found.stuck()
        if stuck:
            return Reject(
                code="too_late",
                reason=f"{so_no} in ManEx: {'; '.join(stuck)}.",
                hint="Edit the order to what was shipped, or settle it in ManEx, then replay; or accept it as is.",
                hold=True,
            )
        return None

    def _agreed(self) -> Delivered:
        so_no, order, found = self._desired.so_no, self._job.order, self._difference()
        self._memo["verified"] = True
        note = "" if self._wrote else f"found in ManEx as {so_no}, equal to the order; nothing was sent"
        if order.cancelled:
            note = "every line has the status Cancel"
            if self._there is not None and not self._there.lines:
                note = "it has no line; its header stays, since ManEx offers no way to remove one"
        said = remarks(order, number=self._job.number, destination=self._job.destination)
        return Delivered(reference=so_no, note=note, warnings=(*said, *found.remarks()))

    # ------------------------------------------------------------------ looking

    async def _read(self) -> Outcome | None:
        """SO/Get. What is there under our number has to be ours."""
        so_no = self._desired.so_no
        answer = await self._sender.send("Get", self._calls.get(so_no), so_no)
        if isinstance(answer, Absent):
            self._there = None
        elif isinstance(answer, Done):
            there = sales_order(answer.found)
            if not is_ours(there, self._desired, self._memo):
                return self._foreign(there)
            self._there, self._may_be_there = there, True
            self._memo.setdefault("header", there.po_no)
        return worst([answer])

    def _foreign(self, there: SalesOrder) -> Reject:
        so_no = self._desired.so_no
        said = f"customer {there.customer}, PoNo {there.po_no or 'empty'}"
        if "header" in self._memo:
            return Reject(
                code="changed_there",
                reason=f"{so_no} was written for this order, and has {said} in ManEx now.",
                hint="Set customer and PoNo back in ManEx, then replay; or accept it as it is there.",
                hold=True,
            )
        self._may_be_there = self._sender.unanswered = False
        del self._memo["SoNo"]
        name = self._job.destination.name
        return Reject(
            code="number_taken",
            reason=f"The sales order number {so_no} belongs to another order in ManEx ({said}); it was left alone.",
            hint="A replay takes the next number. If others count with this prefix too, change so_prefix in "
            f"[destinations.{name}] before.",
        )

    async def _taken(self, refused: Reject) -> Outcome | None:
        """SO/Add was refused for a reason that is not documented: perhaps the number is there (section 8)."""
        stop = await self._read()
        if stop is not None or self._there is None:
            return stop or refused
        return await self._ask_prices() or self._go_on() or await self._mend_header(self._there)

    def _absent(self) -> Outcome | None:
        so_no, written = self._desired.so_no, self._memo.get("header")
        if written is not None and written == self._desired.po_no and not self._job.order.cancelled:
            return Reject(
                code="missing",
                reason=f"ManEx took {so_no} of this order, and does not show it any more.",
                hint="If someone deleted it there, accept it as it is there. To send the order once more, edit its "
                "number, then replay.",
                hold=True,
            )
        if written is None and self._job.order.cancelled:
            waiting = self._look_again()  # one that comes late must not outlive the cancel
            if waiting is not None:
                return waiting
        for name in ("header", "verified", "parts", "dated"):
            self._memo.pop(name, None)
        # A second SO/Add under our number does no harm (section 10.1), so it needs no second look.
        self._may_be_there = False
        return self._settled()

    async def _ask_prices(self) -> Outcome | None:
        """PriceGet of our lines: the list in SO/Get may be empty although there is a price (section 5)."""
        found = self._difference()
        rows = [row for item in self._desired.items if (row := found.row(item.line_no)) is not None]
        calls = [(f"the price of line {row.line_no}", self._calls.price_get(row.unique_ln)) for row in rows]
        answers = await self._sender.read_all("PriceGet", calls)
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Done):
                self._prices[row.unique_ln] = price_row(answer.found)
        return worst(answers)

    def _go_on(self) -> Outcome | None:
        """A call that nobody answered may be carried out late: then twice (section 10.4), or over a newer version's."""
        waiting = self._look_again() if self._sender.unanswered else None
        if waiting is None and not self._memo.get("verified"):
            self._steps.append(self._difference().resumed())
        return waiting

    def _look_again(self) -> Outcome | None:
        apart, now = self._job.destination.timeout_s, self._job.now
        # An attempt that was cut off may have written after its look.
        first = None if self._job.interrupted else self._memo.get("looked_at")
        if first is None:
            self._memo["looked_at"] = first = now
        elif now - float(first) >= apart:
            return self._settled()
        return Retry(
            code="looking",
            reason=f"{self._desired.so_no} is looked up once more: a call that ManEx did not answer may come late.",
            after=max(0.0, apart - (now - float(first))),
            counts=False,
            in_doubt=True,
        )

    def _settled(self) -> Outcome | None:
        self._sender.unanswered = False
        self._memo.pop("looked_at", None)
        return None

    # ------------------------------------------------------------------ writing

    async def _mend_header(self, there: SalesOrder) -> Outcome | None:
        """Number or note are others than those the header was written with, or its date went wrong."""
        renumbered = there.po_no.casefold() != self._desired.po_no.casefold()
        swapped = not self._memo.get("verified") and exchanged(self._desired.order_date, there.order_date)
        told = self._memo.get("told", ())
        reworded = not self._job.order.cancelled and any(one != self._desired.wording for one in told)
        if not renumbered and not swapped and not reworded:
            return None
        call = self._calls.edit(self._desired, note=reworded)
        answer = await self._sender.send("Edit", call, f"the header of {there.so_no}")
        if isinstance(answer, Done):
            self._wrote = True
            self._memo["header"] = self._desired.po_no
            changes = [f"PoNo {self._desired.po_no}, its date"] if renumbered or swapped else []
            if reworded:
                self._memo["told"] = [self._desired.wording]
                changes.append("its note")
            self._steps.append(f"header {there.so_no} changed: {', '.join(changes)}")
        return worst([answer])

    async def _resolve(self) -> Outcome | None:
        if not self._job.destination.item_master or self._parts:
            return None
        self._parts, stop = await self._sender.resolve(item.part for item in self._desired.items)
        return stop

    async def _write(self, writes: Sequence[Write]) -> Outcome | None:
        """Change lines, and know afterwards what is there: prices and dates need each line's UNIQUELN."""
        done, stop = await self._sender.write_all(writes)
        self._tell(writes, done)
        if stop is not None or not writes:
            return stop
        told_keys = {write.line_no: unique_ln(answer.found) for write, answer in done if write.action == "ItemADD"}
        if len(told_keys) < len(writes) or not all(told_keys.values()) or self._there is None:
            return await self._read()  # ItemADD as documented does not tell it (section 4)
        added = [new_line(item.line_no, told_keys[item.line_no], item.quantity) for item in self._items(told_keys)]
        self._there = replace(self._there, lines=(*self._there.lines, *added))
        return None

    def _items(self, line_nos: Any) -> list[Any]:
        return [item for item in self._desired.items if item.line_no in line_nos]

    def _tell(self, writes: Sequence[Write], done: Sequence[tuple[Write, Done]]) -> None:
        """Remember what was done, and say it."""
        parts = {item.line_no: str(item.part) for item in self._desired.items}
        for write, _ in done:
            if write.action in ("ItemADD", "ItemEdit") and write.line_no in parts:
                self._memo["parts"] = {**self._memo.get("parts", {}), str(write.line_no): parts[write.line_no]}
            elif write.action in ("DueDateAdd", "DueDateEdit"):
                self._memo["dated"] = sorted({*self._memo.get("dated", ()), write.line_no})
        self._wrote = self._wrote or bool(done)
        self._steps += _sentences(writes, [write for write, _ in done])

    # ------------------------------------------------------------------ the end

    def _double(self, line_nos: Sequence[int]) -> Reject:
        return Reject(
            code="duplicate_line",
            reason=f"{self._desired.so_no} has more than one line with the number {told(line_nos)} in ManEx.",
            hint="Cancel all but one of them in ManEx, then replay.",
        )

    def _difference(self) -> Difference:
        nothing = SalesOrder(so_no=self._desired.so_no, customer="", po_no="", order_date=None, lines=())
        known = Known(
            parts={int(line_no): part for line_no, part in self._memo.get("parts", {}).items()},
            dated=frozenset(self._memo.get("dated", ())),
            verified=bool(self._memo.get("verified")),
        )
        return Difference(
            desired=self._desired,
            there=self._there or nothing,
            prices=self._prices,
            known=known,
            calls=self._calls,
            parts=self._parts,
        )

    def _ended(self, outcome: Outcome) -> Outcome:
        """The outcome with what the next attempt has to know."""
        steps = tuple(self._steps)
        if isinstance(outcome, Delivered):
            return replace(outcome, memo=self._memo, steps=steps)
        if self._sender.unanswered:
            self._memo["unanswered"] = True
        return replace(outcome, memo=self._memo, steps=steps, in_doubt=outcome.in_doubt or self._may_be_there)


def _sentences(writes: Sequence[Write], done: Sequence[Write]) -> Iterator[str]:
    """What was done, in the order it was planned; equal sentences of several lines as one."""
    for says in dict.fromkeys(write.says for write in writes if write in done):
        lines = sorted(write.line_no for write in done if write.says == says)
        yield says.format(lines=f"line{'s' if len(lines) > 1 else ''} {told(lines)}")
