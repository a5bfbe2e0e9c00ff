"""What there is at a press office, as its model has it: choices, texts, releases, and what readers were sent.

The model knows nothing of the product: no table, no service, no function of its core. To be read in this
order: this module, `press_history` (what was done, and what is owed for it), `press_model` (what leaves).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass
class Choice:
    """What a reader wants at one newsroom."""

    languages: tuple[str, ...] = ("da",)
    frequency: str = "at_once"
    hour: int = 8
    weekday: int = 0
    paused_until: datetime | None = None
    urgent_at_once: bool = True
    merged: bool = False
    every_language: bool = False


@dataclass
class Text:
    """One text of a release in one language.

    Attributes:
        told: whoever holds an earlier one is told of it by mail.
        corrects: it was put in the place of an earlier one, which does not leave any more.
        mailed: mails carry it; otherwise it is on the pages and in digests alone.
    """

    token: str
    language: str
    told: bool = False
    mailed: bool = True
    corrects: bool = False


@dataclass
class Release:
    """One release, from its first sight on.

    Attributes:
        expected: languages that came late, and whether the desk has let them go.
        mailed: texts in the languages that it was published or translated in.
        early: it was sent to accredited readers.
        before_end: letters that had come when it was withdrawn unpublished: those after tell of that.
        touched: the last moment from which its being late is reckoned.
    """

    number: int
    room: str
    state: str = "held"
    texts: list[Text] = field(default_factory=list)
    publish_at: datetime | None = None
    embargo: datetime | None = None
    approved_at: datetime | None = None
    published_at: datetime | None = None
    made_at: datetime | None = None
    urgent: bool = False
    source: bool = False
    early: bool = False
    before_end: frozenset[int] = frozenset()
    cancelled: bool = False
    expected: dict[str, bool] = field(default_factory=dict)

    @property
    def moment(self) -> datetime | None:
        """Nobody may see it before; None where nothing keeps it."""
        found = [one for one in (self.publish_at, self.embargo) if one is not None]
        return max(found, default=None)

    @property
    def languages(self) -> list[str]:
        """In the order in which they came."""
        return list(dict.fromkeys(one.language for one in self.texts))

    def newest(self, language: str, *, mailed: bool = False) -> Text:
        """The last text in a language, or the last that mails carry."""
        return [
            one for one in self.texts if one.language == language and (one.mailed or not mailed)
        ][-1]

    def text(self, token: str) -> Text:
        """The text of that token."""
        return next(one for one in self.texts if one.token == token)


@dataclass
class Wait:
    """A release that waits for a reader's digest, or one language of it.

    Attributes:
        language: that waits; empty for those that the digest finds.
        first: which it was to be when the release was published.
        shown: the languages that it was shown in, once it was opened.
        tokens: texts that it may be shown in, once it was opened.
        opened: it was, so it waits for no hour any more, though it may be made anew.
    """

    since: datetime
    catch_up: bool = False
    language: str = ""
    first: str = ""
    shown: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    done: bool = False
    opened: bool = False

    @property
    def languages(self) -> set[str]:
        """What it stands for, as far as that is known."""
        return {*self.shown, self.language, self.first} - {""}


@dataclass
class Got:
    """What of a release a reader was sent.

    Attributes:
        copies: by the number of the letter, the tokens and what it was.
        may: texts that they hold or may hold.
    """

    copies: dict[int, tuple[str, frozenset[str]]] = field(default_factory=dict)
    may: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Bond:
    """A mailbox's bond to a newsroom.

    Attributes:
        owed: languages in which each release was to come at once, by its number.
        waits: what waited for a digest, by release: all of its languages.
        ever: releases that were ever owed in any way.
        excused: nothing of these is asked any more: its reader left, a relay refused it, it was cancelled.
        either: these were owed to two who became one: any of the languages will do.
        passed_on: what of `got` went along with its reader to another mailbox: whoever comes here since has
            none of it.
        loose: of these it is open which of two who became one was owed what, in which language.
    """

    mailbox: str
    room: str
    active: bool = False
    choice: Choice = field(default_factory=Choice)
    accredited: bool = False
    owed: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    waits: dict[int, list[Wait]] = field(default_factory=lambda: defaultdict(list))
    got: dict[int, Got] = field(default_factory=lambda: defaultdict(Got))
    ever: set[int] = field(default_factory=set)
    excused: set[int] = field(default_factory=set)
    either: set[int] = field(default_factory=set)
    passed_on: dict[int, Got] = field(default_factory=lambda: defaultdict(Got))
    loose: set[int] = field(default_factory=set)


def best(wanted: tuple[str, ...], offered: list[str]) -> str:
    """The first wanted language that there is, else the original."""
    return next((one for one in wanted if one in offered), offered[0])


def next_hour(choice: Choice, zone: ZoneInfo, after: datetime) -> datetime:
    """When the clocks of a newsroom next show a reader's hour, by asking every minute of the days to come."""
    first = after.astimezone(zone).date()
    for days in range(9):
        day = first + days * DAY
        if choice.frequency == "weekly" and day.weekday() != choice.weekday:
            continue
        minute = datetime.combine(day - DAY, time(22, tzinfo=UTC)) + timedelta(hours=choice.hour)
        minute -= timedelta(hours=4)
        while True:
            local = minute.astimezone(zone)
            if local.date() == day and local.hour >= choice.hour:
                break
            minute += timedelta(minutes=15)
        if minute > after:
            return minute
    raise AssertionError("a week has seven days")
