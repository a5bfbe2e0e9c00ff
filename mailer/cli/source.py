"""The commands about sources: what there is, polling now, and trying out."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import show
from mailer.cli.main import Invocation

if TYPE_CHECKING:
    from mailer.services.intake import Polled
    from mailer.services.rehearsal import Prospect, Rehearsed
    from mailer.services.roster import Listing


@click.group()
def source() -> None:
    """List sources, poll them now, and try out what would become of what they hold.

    \b
    Example:
      mailer source check https://www.example.org/press/feed.xml
      mailer source list

    \b
    Exit codes:
      0   done
      1   a source failed
      2   wrong usage or settings, or there is no such source
    """


@source.command("list")
@show.json_option
@click.pass_obj
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the sources of the settings, when each is polled, and what is wrong with it.

    \b
    Example:
      mailer source list

    \b
    Exit codes:
      0   done
      69  the database is not there
    """
    from mailer.services import roster  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(invocation.settings()) as office:
        rows = roster.listed(office)
    text = _listing(rows) if rows else "The settings have no sources. Add a [[source]] section."
    show.emit({"sources": rows}, as_json=as_json, text=text)


@source.command()
@click.argument("key", metavar="[KEY]", required=False)
@show.json_option
@click.pass_context
def poll(ctx: click.Context, key: str | None, as_json: bool) -> None:
    """Poll one source now, or all whose time has come.

    The first poll of a source mails nothing: what is there is shown on the pages.

    \b
    Example:
      mailer source poll press-feed

    \b
    Exit codes:
      0   polled
      1   a source failed; `mailer source list` shows it too
      2   there is no such source
      69  the database is not there
    """
    from mailer.services import intake  # noqa: PLC0415 - feeds and pages are heavy
    from mailer.wiring import open_office  # noqa: PLC0415 - help needs no database

    with open_office(ctx.obj.settings()) as office:
        if key is None:
            done = asyncio.run(intake.poll_due(office))
        else:
            done = [asyncio.run(intake.poll(office, key))]
    text = "\n".join(_polled(one) for one in done) or "No source's time has come."
    show.emit({"polled": done}, as_json=as_json, text=text)
    ctx.exit(1 if any(one.fault for one in done) else 0)


@source.command()
@click.argument("place", metavar="URL|FILE|KEY")
@click.option("--newsroom", metavar="KEY", help="On whose terms.  [default: the only one]")
@click.option("--why", is_flag=True, help="Every rule's word, not only the one that decided.")
@show.json_option
@click.pass_context
def check(ctx: click.Context, place: str, newsroom: str | None, why: bool, as_json: bool) -> None:
    """Look at a source and say what would become of each release there, and why; nothing is stored.

    An address or a file is judged as a source that needs nobody's word and has been read before.

    \b
    Example:
      mailer source check https://www.example.org/press/feed.xml
      mailer source check press-feed --why

    \b
    Exit codes:
      0   it can be read
      1   nothing can be made of it
      2   there is no such source, or several newsrooms to choose from
    """
    from mailer.services import rehearsal  # noqa: PLC0415 - feeds and pages are heavy
    from mailer.wiring import open_office  # noqa: PLC0415 - help needs no database

    with open_office(ctx.obj.settings()) as office:
        found = office.sources.get(place)
        if found is None:
            found = rehearsal.of_place(office, place, newsroom=newsroom)
        seen = rehearsal.rehearse(office, found)
    show.emit(seen, as_json=as_json, text=_rehearsed(seen, in_full=why))
    if seen.fault is not None:
        show.complain(f"{seen.fault}\n  -> {seen.cure}")
        ctx.exit(1)


def _listing(rows: "Sequence[Listing]") -> str:
    table = show.table(
        ["source", "newsroom", "approval", "state", "last", "next", "place"],
        [
            [row.key, row.newsroom, row.approval, row.state, row.polled_at, row.next_at, row.place]
            for row in rows
        ],
    )
    notes = [line for row in rows for line in _notes(row)]
    return "\n".join([table, *([""] if notes else []), *notes])


def _notes(row: "Listing") -> list[str]:
    lines = []
    if row.fault is not None:
        since = f" since {show.moment(row.failing_since)}" if row.failing_since else ""
        lines.append(f"{row.key} fails{since}, {row.failures} time(s): {row.fault}")
        lines.append(f"  -> {row.cure}")
    lines.extend(_refusal(row.key, one) for one in row.refusals)
    if row.hub_fault:
        lines.append(f"{row.key}: its hub {row.hub}: {row.hub_fault}")
    return lines


def _polled(one: "Polled") -> str:
    if one.fault is not None:
        line = f"{one.source} failed: {one.fault}\n  -> {one.cure}"
    else:
        counts = ", ".join(f"{number} {word}" for word, number in sorted(one.counts.items()))
        line = f"{one.source}: {one.outcome}" + (f": {counts}" if counts else "")
    refused = [_refusal(one.source, each) for each in one.refusals]
    following = [f"  next at {show.moment(one.next_at)}"] if one.next_at else []
    return "\n".join([line, *refused, *following])


def _refusal(source_key: str, one: Mapping[str, Any]) -> str:
    return f"{source_key}: {one['place']}: {one['what']}\n  -> {one['cure']}"


def _rehearsed(seen: "Rehearsed", *, in_full: bool) -> str:
    if seen.fault is not None:
        return ""
    lines = [f"{seen.place}: {seen.format}, {len(seen.documents)} release(s)"]
    if seen.first_look:
        lines.append("It was never polled: the first poll mails nothing.")
    if seen.hub is not None:
        lines.append(f"Its hub, {seen.hub}, can tell us of news at once: set websub = true.")
    for one in seen.documents:
        lines.extend(["", *_prospect(one, in_full=in_full)])
    for refusal in seen.refusals:
        lines.extend(["", f"{refusal.place}: {refusal.what}", f"  -> {refusal.cure}"])
    return "\n".join(lines)


_WORDS = {
    "pass": "passed by",
    "keep": "shown on the pages, mailed to nobody",
    "hold": "held",
    "send": "mailed",
    "known": "known",
    "edit": "known, with another text",
}


def _prospect(one: "Prospect", *, in_full: bool) -> list[str]:
    dated = one.dated_as or (show.moment(one.dated) if one.dated else "no date")
    lines = [f"{one.title}  ({one.language}, {dated})", f"  {_WORDS[one.action]}: {one.why}"]
    if in_full:
        lines.extend(f"    {reason.rule}: {reason.words}" for reason in one.reasons)
        lines.extend(f"    known as {name}" for name in one.names)
    return lines
