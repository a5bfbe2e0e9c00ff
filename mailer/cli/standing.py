"""The command that tells how things stand: `status`."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from mailer.cli import show
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.standing import Amiss, FailingSource, Status, UnderWay


@click.command()
@show.json_option
@click.pass_obj
def status(invocation: Invocation, as_json: bool) -> None:
    """Tell what is due, held, under way and done.

    And which relays and sources fail since when and why, how fast a mailing goes and how long it will
    take, and what waits for a word of yours, with the command that gives it.

    \b
    Example:
      mailer status

    \b
    Exit codes:
      0   told
      2   wrong settings, or the database needs `mailer db upgrade`
      69  the database is not there
    """
    from mailer.services import standing  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        found = standing.status(office)
    show.emit(found, as_json=as_json, text="\n".join(_lines(found)))


def _lines(found: "Status") -> Iterator[str]:
    yield _rooms(found)
    yield ""
    yield _waiting(found)
    yield from _digests(found)
    for mailing in found.open:
        yield _progress(mailing)
        yield from _details(mailing)
    for release in found.held:
        yield f"release {release.release} is held: {release.reason}"
    for one in found.amiss:
        yield from _amiss(one)
    yield from _signups(found)
    for relay in found.relays:
        if relay.failing_since is not None:
            since = show.moment(relay.failing_since)
            yield f"relay {relay.relay} fails on {relay.host} since {since}: {relay.fault}"
    for source in found.sources:
        yield from _failing(source)


def _failing(one: "FailingSource") -> Iterator[str]:
    since = f" since {show.moment(one.failing_since)}" if one.failing_since else ""
    again = f"; next look {show.moment(one.next_at)}" if one.next_at else ""
    yield f"source {one.source} fails{since}, {one.failures:,} time(s): {one.fault}{again}"
    if one.cure:
        yield f"  -> {one.cure}"


def _rooms(found: "Status") -> str:
    return show.table(
        ["newsroom", "active", "pending", "ended", "published", "approved", "held"],
        [
            [
                key,
                *(room["subscriptions"].get(name, 0) for name in ("active", "pending", "ended")),
                *(room["releases"].get(name, 0) for name in ("published", "approved", "held")),
            ]
            for key, room in found.newsrooms.items()
        ],
    )


def _waiting(found: "Status") -> str:
    due = found.waiting
    if not (due["notices"] or due["releases"]):
        return "Nothing is due."
    line = f"Due: {due['notices']:,} notices, {due['releases']:,} releases"
    line += f", {due['retries']:,} of them retries" if due["retries"] else ""
    return line + (f"; the oldest since {show.moment(due['oldest'])}" if due["oldest"] else "")


def _progress(one: "UnderWay") -> str:
    urgent = " (urgent)" if one.urgent else ""
    of = f"release {one.release}" if one.release is not None else f"digests from {one.newsroom}"
    kind = show.mailing_kind(one.kind)
    line = f"mailing {one.mailing}{kind and f', {kind},'} of {of}{urgent} is {one.state}:"
    line += f" {one.settled:,} of {one.audience:,} settled ({one.percent} %)"
    if one.rate is not None and one.seconds_left is not None:
        left = show.lasting(timedelta(seconds=one.seconds_left))
        line += f", {_speed(one.rate)}, {left} to go"
    return line


def _signups(found: "Status") -> Iterator[str]:
    here = found.signups
    if here.exploding is not None:
        yield f"sign-ups explode since {show.moment(here.exploding)}: their mails are held"
    if here.held and here.since is not None:
        held = f"{here.held:,} confirmations are held, the first since {show.moment(here.since)}"
        yield f"{held} -> mailer signup held, then release or drop"


def _speed(rate: float) -> str:
    return f"{rate:,.0f} a second" if rate >= 10 else f"{rate * 60:,.0f} a minute"


def _details(one: "UnderWay") -> Iterator[str]:
    counts = [
        f"{number:,} {name}"
        for name in ("deferred", "refused", "expired", "unknown")
        if (number := getattr(one, name))
    ]
    if counts:
        yield f"  {', '.join(counts)}"
    if one.state == "held":
        yield f"  {one.hold_reason}"
        if one.release is None:
            yield f"  -> mailer digest resume {one.mailing}, or cancel"
        else:
            yield f"  -> mailer release resume {one.release}, or cancel"


def _digests(found: "Status") -> Iterator[str]:
    waits = found.digests
    if waits.copies and waits.next_at is not None:
        yield f"Waiting for digests: {waits.copies:,}, the next until {show.moment(waits.next_at)}"


def _amiss(one: "Amiss") -> Iterator[str]:
    digests = one.release is None  # no one release's
    what = f"digests of mailing {one.mailing}" if digests else f"release {one.release}"
    if one.unknown:
        of = f"--mailing {one.mailing}" if digests else one.release
        yield f"{what}: {one.unknown:,} unknown -> mailer settle {of}"
    if one.expired:
        again = "mailer retry --expired" if digests else f"mailer retry {one.release} --expired"
        yield f"{what}: {one.expired:,} expired -> {again}"
