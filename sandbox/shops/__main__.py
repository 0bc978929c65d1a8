"""``python -m sandbox.shops``: send orders from a terminal, one printed line each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import click

from sandbox.shops.delivery import PLATFORMS, Answer, Delivery, Platform
from sandbox.shops.keys import SecretError, ShopSecrets, read_secrets
from sandbox.shops.orders import make_orders
from sandbox.shops.samples import DEMO_SHOPS, SAMPLES, SampleError, Skip, read_folder
from sandbox.shops.sending import send_all


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where crossdock listens.")
@click.option(
    "--samples",
    type=click.Path(path_type=Path),
    default=SAMPLES,
    help="Folder of orders; our own by default.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="A crossdock.toml: shops and their secrets are read from it.",
)
@click.option(
    "--secret", "given", multiple=True, metavar="SHOP=SECRET", help="A shop's secret; goes before the file's."
)
@click.option(
    "--make",
    "count",
    type=click.IntRange(1, 1_000_000),
    help="Make so many orders instead of reading a folder.",
)
@click.option("--platform", type=click.Choice(get_args(Platform)), default="shopify", help="Of the orders to make.")
@click.option("--shop", help="The shop of the orders to make; the first of the platform by default.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Other seed, other orders.")
@click.option(
    "--in-flight", type=click.IntRange(1, 500), help="Webhooks at a time; 1 for a folder, 20 for made orders."
)
def main(  # noqa: PLR0917 - click passes options by name
    url: str,
    samples: Path,
    config: Path | None,
    given: tuple[str, ...],
    count: int | None,
    platform: Platform,
    shop: str | None,
    seed: int,
    in_flight: int | None,
) -> None:
    """Sign orders and post them to crossdock as the real shops do."""
    known = _secrets(config, given)
    senders: dict[Platform, str] = {name: known.shops.get(name, DEMO_SHOPS[name]) for name in PLATFORMS}
    deliveries: Iterator[Delivery] | list[Delivery]
    if count:
        needed = {shop or senders[platform]}
        deliveries = make_orders(count, platform=platform, seed=seed, shop=shop or senders[platform])
    else:
        deliveries = _read(samples, senders)
        needed = {delivery.shop for delivery in deliveries}
    missing = sorted(needed - set(known.secrets))
    if missing:
        raise click.UsageError(f"no secret for {', '.join(missing)}: give --secret SHOP=SECRET, or --config FILE")
    failed = 0

    def show(delivery: Delivery, answer: Answer) -> None:
        nonlocal failed
        failed += not answer.ok
        click.echo(_line(delivery, answer))

    sending = send_all(
        deliveries, url=url, secrets=known.secrets, in_flight=in_flight or (20 if count else 1), on_answer=show
    )
    try:
        tally = asyncio.run(sending)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(", ".join(f"{word}: {number}" for word, number in sorted(tally.items())))
    if failed:
        raise click.exceptions.Exit(1)


def _secrets(config: Path | None, given: tuple[str, ...]) -> ShopSecrets:
    named: dict[str, str] = {}
    for text in given:
        shop, equals, secret = text.partition("=")
        if not (shop and equals and secret):
            raise click.UsageError("--secret takes SHOP=SECRET")
        named[shop] = secret
    if config is None:
        return ShopSecrets(secrets=named, shops={})
    try:
        read = read_secrets(config, os.environ, given=named)
    except SecretError as error:
        raise click.ClickException(str(error)) from error
    return read


def _read(folder: Path, senders: Mapping[Platform, str]) -> list[Delivery]:
    try:
        found = read_folder(folder, shops=senders)
    except SampleError as error:
        raise click.ClickException(str(error)) from error
    for part in found:
        if isinstance(part, Skip):
            click.echo(f"skipped {part.name}: {part.reason}")
    return [part for part in found if isinstance(part, Delivery)]


def _line(delivery: Delivery, answer: Answer) -> str:
    status = answer.status or "no answer"
    words = (
        f"{delivery.shop:<14}",
        f"{delivery.number or '-':<14}",
        f"{delivery.topic or 'ping':<17}",
        f"{status}",
    )
    order = f"order {answer.order}" if answer.order else ""
    what = " ".join(part for part in (delivery.name, delivery.comment) if part)
    return " ".join((*words, f"{answer.outcome or '-':<9}", f"{order:<12}", what)).rstrip()


if __name__ == "__main__":
    main()
