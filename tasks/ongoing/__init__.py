"""Ongoing WMS: a warehouse order, over REST or SOAP as ``api`` says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from schemas.http import Call
from schemas.ongoing import OngoingDestination, to_ship
from tasks.ongoing.converge import LAG_S, converge_through, desired, prepare
from tasks.ongoing.door import Door
from tasks.ongoing.feeds import FEEDS
from tasks.ongoing.rest import Rest
from tasks.ongoing.soap import Soap
from worker.app import delivery_task
from worker.feeds import Feed
from worker.outcomes import Outcome
from worker.system import Http, Job, System

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


async def probe(destination: OngoingDestination, http: Http) -> Outcome:
    """Prove address, login and goods owner by reading."""
    return await _door(destination).probe(http, now=time.time())


def _door(destination: OngoingDestination) -> Door:
    return Soap(destination) if destination.api == "soap" else Rest(destination)


def _over_rest(feed: Feed[OngoingDestination]) -> Feed[OngoingDestination]:
    """Feeds are read over REST; a SOAP destination has no address for that."""
    return replace(feed, every_s=lambda destination: 0 if destination.api == "soap" else feed.every_s(destination))


SYSTEM = System(
    name="ongoing", converge=converge, plan=plan, probe=probe, prepare=prepare, feeds=tuple(map(_over_rest, FEEDS))
)

deliver = delivery_task(SYSTEM)
