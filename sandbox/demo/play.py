"""The demo itself, once its processes are on their way: send, watch, judge, explain."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import httpx

from sandbox.demo import clock
from sandbox.demo.folder import DemoError
from sandbox.demo.guide import print_guide
from sandbox.demo.orders import Api, Row
from sandbox.demo.run import Options, Stage
from sandbox.demo.sales_orders import judge_lines
from sandbox.demo.screen import Changes, Progress, Screen, make_console, make_screen, print_line
from sandbox.demo.sender import Sender
from sandbox.demo.summary import Times, print_summary
from sandbox.demo.verdict import Names, judge
from sandbox.demo.warehouse import Warehouse
from sandbox.shops.delivery import Delivery
from sandbox.shops.samples import SAMPLES, SampleError, Skip, read_folder

UP_S = 60.0
"""How long everything may take to start."""

REST_S = 120.0
"""How long orders may move on after the last webhook was answered."""

_START_LOOK_S, _LOOK_S, _IDLE_LOOK_S = 0.05, 0.2, 0.5


class Play:
    """One demo."""

    def __init__(self, options: Options, stage: Stage, ending: threading.Event) -> None:
        self._options = options
        self._stage = stage
        self._ending = ending
        self._times = Times(began=clock.began())
        self._console = make_console()
        self._api = Api(crossdock=stage.crossdock, sandbox=stage.sandbox)

    def run(self) -> int:
        """Play it; returns the exit code.

        Raises:
            DemoError: as :func:`sandbox.demo.run.run`.
        """
        sender = Sender(self._read(), url=self._stage.crossdock, secrets=self._stage.setup.secrets)
        try:
            with make_screen(self._console) as screen:
                self._wait_until_up(screen)
                rows = self._send_and_watch(sender, screen)
            if self._options.once:
                return self._conclude(rows, sender)
            if not self._ending.is_set():
                self._explain(rows, sender)
                self._stay(rows, sender)
            return 0
        except httpx.HTTPError as error:
            told = self._stage.processes.tell()
            raise DemoError(f"no good answer from {error.request.url}: {error}; {told}") from error
        finally:
            sender.stop()
            self._api.close()

    def _read(self) -> list[Delivery]:
        try:
            found = read_folder(self._options.samples or SAMPLES)
        except SampleError as error:
            raise DemoError(str(error)) from error
        for part in found:
            if isinstance(part, Skip):
                self._console.print(f"[dim]skipped {part.name}: {part.reason}[/]")
        deliveries = [part for part in found if isinstance(part, Delivery)]
        for delivery in deliveries:
            if delivery.shop not in self._stage.setup.secrets:
                known = ", ".join(self._stage.setup.secrets)
                raise DemoError(f"{delivery.name}: the demo has no shop {delivery.shop}, only {known}")
        if not deliveries:
            raise DemoError(f"{self._options.samples} has nothing to send")
        return deliveries

    def _wait_until_up(self, screen: Screen) -> None:
        """Until the stand-ins and web answer."""
        deadline = time.monotonic() + UP_S
        waiting = {"the stand-ins": self._api.sandbox_answers, "web": self._api.crossdock_answers}
        while waiting and not self._ending.wait(_START_LOOK_S):
            self._stage.processes.check()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{' and '.join(waiting)} did not answer in {UP_S:.0f} s; {self._stage.processes.tell()}"
                )
            screen.show(Progress(stage="starting web, worker, broker", began=self._times.began))
            waiting = {what: answers for what, answers in waiting.items() if not answers()}
        self._times.up = time.time()

    def _send_and_watch(self, sender: Sender, screen: Screen) -> list[Row]:
        """Until all orders stand still, or the time is over."""
        if self._ending.is_set():
            return []
        for delivery in sender.deliveries:
            if delivery.fault is not None:
                self._api.fault(delivery.fault)
        sender.start()
        warehouse = Warehouse(self._api, self._stage.setup)
        rows: list[Row] = []
        deadline = float("inf")
        while not self._ending.wait(_LOOK_S):
            done = sender.done  # asked before the orders: what was sent by now is among them
            rows = self._look(sender, rows)
            sender.look(rows)
            left = len(sender.deliveries) - len(sender.sent)
            moving = sum(row.moving for row in rows)
            untold = warehouse.look(rows, sender.sent)
            at_rest = done and not moving and not untold
            stage = f"{left} webhooks to send" if left else "" if at_rest else f"{moving + untold} on their way"
            screen.show(Progress(stage=stage, rows=rows, total=len(rows) + left, began=self._times.began))
            if done and deadline == float("inf"):
                deadline = time.monotonic() + REST_S
            if at_rest or time.monotonic() > deadline:
                break
        self._times.rest = time.time()
        return rows

    def _look(self, sender: Sender, last: list[Row]) -> list[Row]:
        """The orders as they are now; as they were, where web is being started again."""
        self._stage.processes.check()
        try:
            return self._api.orders(sender.sent)
        except httpx.HTTPError:
            return last

    def _conclude(self, rows: Sequence[Row], sender: Sender) -> int:
        if self._ending.is_set():
            self._console.print("Interrupted, so nothing was compared.")
            return 1
        held = self._api.held_there()
        names = Names(self._stage.setup.config)
        failures = judge(rows, sender.sent, held, names)
        failures += judge_lines(rows, sender.sent, self._api.sales_orders(), names)
        print_summary(self._console, rows=rows, sent=sender.sent, held=held, failures=failures, times=self._times)
        return 1 if failures else 0

    def _explain(self, rows: Sequence[Row], sender: Sender) -> None:
        print_guide(self._console, rows, sender.sent, self._api.destinations(), self._stage)

    def _stay(self, rows: list[Row], sender: Sender) -> None:
        """Tell what changes, until the end."""
        changes = Changes(rows)
        while not self._ending.wait(_IDLE_LOOK_S):
            rows = self._look(sender, rows)
            for row in changes.of(rows):
                print_line(self._console, row)
