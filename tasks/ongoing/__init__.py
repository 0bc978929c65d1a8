"""Ongoing WMS: a warehouse order, over REST or SOAP as ``api`` says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from schemas.http import Call
from schemas.ongoing import OngoingDestination, to_ship
from schemas.ongoing_reply import FoundOrder
from tasks.ongoing.converge import LAG_S, converge_through, desired, prepare
from tasks.ongoing.door import Door
from tasks.ongoing.feeds import FEEDS, progress_of
from tasks.ongoing.probe import probed
from tasks.ongoing.rest import Rest
from tasks.ongoing.soap import Soap
from tasks.ongoing.soap_feeds import READINGS, Reading
from worker.app import delivery_task
from worker.feeds import Batch, Checkpoint, Feed
from worker.outcomes import Outcome, Reject, Retry
from worker.system import Http, Job, Probed, System

__all__ = ["LAG_S", "SYSTEM", "converge", "deliver", "plan", "probe"]


async def converge(job: Job[OngoingDestination], http: Http) -> Outcome:
    """Make the warehouse agree: the order there and equal, or not there where nothing is wanted of it any more."""
    return await converge_through(_door(job.destination), job, http)


def plan(job: Job[OngoingDestination]) -> Sequence[Call]:
    """The one write of a first attempt, or nothing where nothing is to be shipped. Raises Unmappable."""
    if job.order.cancelled or not to_ship(job.order):
        return ()
    body, _ = desired(job)
    return (_door(job.destination).write(body),)


async def probe(destination: OngoingDestination, http: Http) -> Probed:
    """Prove address, login and goods owner by reading, and that the login is not one for all goods owners."""
    return await probed(destination, _door(destination), http, now=time.time())


def _door(destination: OngoingDestination) -> Door:
    return Soap(destination) if destination.api == "soap" else Rest(destination)


async def ask(destination: OngoingDestination, numbers: Sequence[str], now: float, http: Http) -> Batch:
    """How some orders get on: what a webhook says is read anew before anything follows from it (section 4)."""
    found = list[FoundOrder]()
    for number in numbers:
        looked = await _door(destination).look(number, http, now=now)
        if not isinstance(looked, list):
            problem = Retry(code=looked.code, reason=looked.reason) if isinstance(looked, Reject) else looked
            return Batch(checkpoint={}, problem=problem)
        found += looked
    return Batch(checkpoint={}, progress=progress_of((one.json for one in found), destination))


def _feed(rest: Feed[OngoingDestination], over_soap: Reading) -> Feed[OngoingDestination]:
    """A feed that is read over the API of its destination."""

    async def read(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
        reading = over_soap if destination.api == "soap" else rest.read
        return await reading(destination, checkpoint, now, http)

    return replace(rest, read=read, ask=ask if rest.name == "statuses" else None)


SYSTEM = System(
    name="ongoing",
    converge=converge,
    plan=plan,
    probe=probe,
    prepare=prepare,
    feeds=tuple(_feed(feed, READINGS[feed.name]) for feed in FEEDS),
)

deliver = delivery_task(SYSTEM)
