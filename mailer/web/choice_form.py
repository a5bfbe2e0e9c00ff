"""The form of a reader's choice at one newsroom: what it shows, and how what it sends is read.

It works without a script: languages by one select for each place, topics and the like (`interests`) by
"all" or "only these", a break by the day on which it ends. What a newsroom does not offer is neither shown
nor taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailer.core.choice import Choice
from mailer.core.newsroom import Newsroom
from mailer.services.choices import mark_of
from mailer.store.people import SubscriptionRow
from mailer.texts.names import own_name
from mailer.web import interests, timing
from mailer.web.interests import Group, Unticked
from mailer.web.timing import Timing, Untimely

LONGEST_BREAK = timedelta(days=366)
"""A break is for a while; who wants no mail for ever leaves."""


class Unclear(Exception):
    """What was sent cannot be a choice.

    Attributes:
        part: of the form: "languages", "frequency", "hour", "until", or the name of a group of `interests`.
        reason: a word for it, which the page has a sentence for.
    """

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(part, reason)
        self.part = part
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an active subscription, filled in.

    Attributes:
        mark: of the choice that it shows.
        places: for each place of preference the languages to put there; none where there is one alone.
        every_language: each release in every one of the languages.
        groups: what else there is to choose by.
        timing: how often there is mail.
        until: the day on which a break ends, or what was typed for it; empty for no break.
        earliest, latest: the days a break may end on.
        part, reason: what could not be read, as `Unclear` has them; empty where all is well.
    """

    mark: str
    places: tuple[tuple[Option, ...], ...]
    every_language: bool
    groups: tuple[Group, ...]
    timing: Timing
    until: str
    earliest: date
    latest: date
    part: str = ""
    reason: str = ""


def filled(
    standing: SubscriptionRow,
    newsroom: Newsroom,
    *,
    language: str,
    now: datetime,
    merging: bool = False,
) -> Form:
    """The form with the choice as it stands.

    Args:
        language: of the page's words.
        merging: the reader has another newsroom here whose digests could come in the same mail.
    """
    choice, today = standing.choice, _today(newsroom, now)
    wanted = [tag for tag in choice.languages if tag in newsroom.languages]
    paused = choice.paused_until is not None and now < choice.paused_until
    return Form(
        mark=mark_of(standing),
        places=_places(newsroom.languages, wanted),
        every_language=choice.every_language,
        groups=interests.offered(newsroom, choice, language=language),
        timing=timing.offered(newsroom, choice, merging=merging),
        until=_day(newsroom, choice.paused_until).isoformat() if paused else "",
        earliest=today + timedelta(days=1),
        latest=today + LONGEST_BREAK,
    )


def spoiled(form: Form, fields: Mapping[str, str], unclear: Unclear) -> Form:
    """The form as it was sent, with what could not be read of it."""
    tags = [option.value for option in form.places[0]] if form.places else []
    sent = [fields.get(f"language-{number}", "") for number in range(1, len(form.places) + 1)]
    return Form(
        mark=form.mark,
        places=_places(tags, sent),
        every_language="every-language" in fields,
        groups=interests.as_sent(form.groups, fields),
        timing=timing.as_sent(form.timing, fields),
        until=fields.get("until", "")[:40],
        earliest=form.earliest,
        latest=form.latest,
        part=unclear.part,
        reason=unclear.reason,
    )


def read(
    fields: Mapping[str, str],
    newsroom: Newsroom,
    standing: SubscriptionRow,
    *,
    now: datetime,
    merging: bool = False,
) -> Choice:
    """The choice that was sent; what the form did not ask stays as it is.

    Args:
        merging: as the form was filled.

    Raises:
        Unclear: it cannot be one.
    """
    try:
        wanted = interests.read(newsroom, fields)
    except Unticked as none:
        raise Unclear(none.name, "none") from none
    several = len(newsroom.languages) > 1
    choice = replace(
        standing.choice,
        languages=_languages(fields, newsroom, standing),
        every_language="every-language" in fields if several else standing.choice.every_language,
        paused_until=_until(fields, newsroom, standing, now),
    )
    try:
        choice = timing.read(newsroom, fields, choice, merging=merging)
    except Untimely as none:
        raise Unclear(none.name, "unknown") from none
    return wanted.over(choice)


def _languages(
    fields: Mapping[str, str], newsroom: Newsroom, standing: SubscriptionRow
) -> tuple[str, ...]:
    offered = newsroom.languages
    if len(offered) < 2:
        return standing.languages
    sent = [fields.get(f"language-{number}", "") for number in range(1, len(offered) + 1)]
    wanted = tuple(dict.fromkeys(tag for tag in sent if tag))
    if not wanted or not set(wanted) <= set(offered):
        raise Unclear("languages", "none" if not wanted else "unknown")
    return wanted


def _until(
    fields: Mapping[str, str], newsroom: Newsroom, standing: SubscriptionRow, now: datetime
) -> datetime | None:
    """The moment at which the day begins on which a break ends, where the newsroom is."""
    typed, before = fields.get("until", "").strip(), standing.choice.paused_until
    if not typed:
        return before if before is not None and before <= now else None  # a break that is over
    try:
        day = date.fromisoformat(typed)
    except ValueError as error:
        raise Unclear("until", "unreadable") from error
    today = _today(newsroom, now)
    if day <= today:
        raise Unclear("until", "past")
    if day > today + LONGEST_BREAK:
        raise Unclear("until", "far")
    return datetime.combine(day, time(), ZoneInfo(newsroom.time_zone)).astimezone(UTC)


def _places(tags: tuple[str, ...] | list[str], wanted: list[str]) -> tuple[tuple[Option, ...], ...]:
    if len(tags) < 2:
        return ()
    chosen = [*wanted, *[""] * len(tags)]
    return tuple(
        tuple(Option(tag, own_name(tag), tag == chosen[place]) for tag in tags)
        for place in range(len(tags))
    )


def _today(newsroom: Newsroom, now: datetime) -> date:
    return now.astimezone(ZoneInfo(newsroom.time_zone)).date()


def _day(newsroom: Newsroom, moment: datetime | None) -> date:
    assert moment is not None
    return moment.astimezone(ZoneInfo(newsroom.time_zone)).date()
