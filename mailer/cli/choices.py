"""What readers do by a mailed link, done by an operator they asked: `change`, `everything`, `erase`."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mailer.cli import show
from mailer.cli.account import operator
from mailer.cli.main import Invocation
from mailer.core.address import parse_address
from mailer.core.choice import FREQUENCIES, Choice, to_plain

if TYPE_CHECKING:
    from mailer.core.newsroom import Newsroom

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of `change` as they were given."""

    languages: tuple[str, ...]
    topics: tuple[str, ...]
    all_topics: bool
    kinds: tuple[str, ...]
    all_kinds: bool
    places: tuple[str, ...]
    all_places: bool
    every_language: bool | None
    frequency: str | None
    hour: int | None
    weekday: str | None
    urgent_at_once: bool | None
    merged: bool | None
    pause_until: str | None
    resume: bool

    def over(self, before: Choice, room: "Newsroom", now: datetime) -> Choice:
        """The choice that comes of it; what no option names stays."""
        both = [
            f"--{one} or --all-{one}s"
            for one in ("topic", "kind", "place")
            if getattr(self, f"{one}s") and getattr(self, f"all_{one}s")
        ]
        if self.pause_until and self.resume:
            both.append("--pause-until or --resume")
        if both:
            raise click.UsageError(f"Say {', '.join(both)}; not both")
        return replace(
            before,
            languages=self.languages or before.languages,
            topics=None if self.all_topics else self.topics or before.topics,
            kinds=None if self.all_kinds else self.kinds or before.kinds,
            places=None if self.all_places else self.places or before.places,
            every_language=_or(self.every_language, before.every_language),
            frequency=self.frequency or before.frequency,
            hour=before.hour if self.hour is None else self.hour,
            weekday=WEEKDAYS.index(self.weekday) if self.weekday else before.weekday,
            urgent_at_once=_or(self.urgent_at_once, before.urgent_at_once),
            merged=_or(self.merged, before.merged),
            paused_until=None if self.resume else self._until(room, now) or before.paused_until,
        )

    def _until(self, room: "Newsroom", now: datetime) -> datetime | None:
        """When a break ends: as a day begins where the newsroom is."""
        if self.pause_until is None:
            return None
        try:
            day = date.fromisoformat(self.pause_until)
        except ValueError as error:
            raise click.UsageError("Write --pause-until as a day, such as 2031-12-24") from error
        until = datetime.combine(day, time(), ZoneInfo(room.time_zone)).astimezone(UTC)
        if until <= now:
            raise click.UsageError(f"{day} has begun already: --pause-until takes a later day")
        return until


def _or(said: bool | None, before: bool) -> bool:
    return before if said is None else said


@click.command()
@click.argument("address")
@click.option("--newsroom", metavar="KEY", help="Which newsroom.  [default: the only one]")
@click.option(
    "--language", "languages", metavar="TAG", multiple=True, help="In order; once for each."
)
@click.option("--topic", "topics", metavar="KEY", multiple=True, help="Only these; once for each.")
@click.option("--all-topics", is_flag=True, help="Every release, whatever its topics.")
@click.option(
    "--kind", "kinds", metavar="KEY", multiple=True, help="Only these kinds; once for each."
)
@click.option("--all-kinds", is_flag=True, help="Releases of every kind.")
@click.option("--place", "places", metavar="KEY", multiple=True, help="Only these; once for each.")
@click.option("--all-places", is_flag=True, help="Releases about every place.")
@click.option(
    "--every-language/--first-language",
    default=None,
    help="Each release in all of the languages, or in the first there is.",
)
@click.option("--frequency", type=click.Choice(FREQUENCIES), help="How often.")
@click.option(
    "--hour",
    type=click.IntRange(0, 23),
    help="At which a digest comes, in the newsroom's time zone.",
)
@click.option("--weekday", type=click.Choice(WEEKDAYS), help="On which a weekly digest comes.")
@click.option(
    "--urgent-at-once/--urgent-in-digest",
    default=None,
    help="What is urgent by itself at once, or in the digest as all else.",
)
@click.option(
    "--merged/--separate",
    default=None,
    help="Digests of several newsrooms that are due at one moment: in one mail, or one each.",
)
@click.option("--pause-until", metavar="DAY", help="No mail before this day, such as 2031-12-24.")
@click.option("--resume", is_flag=True, help="End a break now.")
@show.json_option
@click.pass_obj
def change(
    invocation: Invocation,
    /,
    address: str,
    newsroom: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change what ADDRESS has chosen at a newsroom, as its reader asked you to.

    What no option names stays as it is. The change is kept as evidence with your account; the reader
    is not told by mail.

    \b
    Example:
      mailer subscriber change anna@example.org --newsroom um --topic climate --pause-until 2031-12-24

    \b
    Exit codes:
      0  changed, or it was so already
      2  no active subscription, or something the newsroom does not offer
    """
    from mailer.services import choices  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    asked = _Asked(**given)
    read = parse_address(address, smtputf8=True)
    with open_office(invocation.settings()) as office:
        if newsroom is None and len(office.newsrooms) != 1:
            raise click.UsageError(f"Say which --newsroom: {', '.join(sorted(office.newsrooms))}")
        room = office.newsroom(newsroom or next(iter(office.newsrooms)))
        before = choices.standing_of(office, address=read, newsroom=room).choice
        wanted = asked.over(before, room, office.clock())
        changed = choices.change_for(
            office, address=read, newsroom=room, choice=wanted, who=operator()
        )
    result = {"address": read.mailbox, "newsroom": room.key, "changed": changed}
    words = ", ".join(name.replace("_", " ") for name in changed)
    text = f"Changed for {read.mailbox} at {room.key}: {words}" if changed else "It was so already"
    show.emit({**result, **to_plain(wanted)}, as_json=as_json, text=text)


@click.command()
@click.argument("address")
@show.json_option
@click.pass_obj
def everything(invocation: Invocation, address: str, as_json: bool) -> None:
    """Write everything that is kept about ADDRESS, as its reader can download it.

    One JSON document with each row about the mailbox, and what each key means.

    \b
    Example:
      mailer subscriber everything anna@example.org > anna.json

    \b
    Exit codes:
      0  written
      2  nothing is kept about it but perhaps its hash
    """
    from mailer.services import takeout  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    read = parse_address(address, smtputf8=True)
    with open_office(invocation.settings()) as office:
        found = takeout.of_address(office, address=read)
    if as_json:
        show.emit(found, as_json=True)
    else:
        click.echo(takeout.as_json(found), nl=False)


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do it without asking: it cannot be undone.")
@show.json_option
@click.pass_obj
def erase(invocation: Invocation, address: str, yes: bool, as_json: bool) -> None:
    """Erase ADDRESS: its subscriptions end, and all that names its reader goes.

    What proves your conduct stays, without them. A keyed hash keeps the address from being imported, until
    its reader signs up anew.

    \b
    Example:
      mailer subscriber erase anna@example.org --yes

    \b
    Exit codes:
      0  erased
      2  nothing is kept about it but perhaps its hash, or it was not confirmed with --yes
    """
    from mailer.services import erasing  # noqa: PLC0415 - SQLAlchemy takes half a second
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    read = parse_address(address, smtputf8=True)
    if not yes:
        raise click.UsageError("Erasing cannot be undone: say --yes if you mean it")
    with open_office(invocation.settings()) as office:
        erasing.erase_for(office, address=read, who=operator())
    show.emit({"address": read.mailbox, "erased": True}, as_json=as_json, text="Erased")
