"""Who should have what of a press office, worked out anew from the history of what was done to it.

The model knows nothing of the product: no table, no service, no function of its core. It is told each act
(a release let go, a choice made, an hour passed, a letter that a relay took) and says at once what is wrong
with it; `missing` says in the end who lacks what. Texts are told apart by a token in their titles.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
LATE = timedelta(hours=24)

UNFINISHED = frozenset(
    {
        "opened digests",
        "merged copies",
        "translations and digests",
        "corrected words that a source still shows",
    }
)
"""Rooms that are being rebuilt, of which the model does not ask everything yet; empty once all are whole."""


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
        mailed: mails carry it; otherwise it is on the pages and in digests alone.
    """

    token: str
    language: str
    told: bool = False
    mailed: bool = True


@dataclass
class Release:
    """One release, from its first sight on.

    Attributes:
        expected: languages that came late, and whether the desk has let them go.
        mailed: texts in the languages that it was published or translated in.
        early: it was sent to accredited readers.
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

    def text(self, token: str) -> Text | None:
        """The text of that token."""
        return next((one for one in self.texts if one.token == token), None)


@dataclass
class Wait:
    """A release that waits for a reader's digest.

    Attributes:
        tokens: texts that it may be shown in, once it was opened.
        floating: it lies in a mail of several newsrooms, which may be made anew.
    """

    since: datetime
    catch_up: bool = False
    tokens: set[str] = field(default_factory=set)
    done: bool = False
    floating: bool = False


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
        ever: releases that were ever owed in any way.
        excused: nothing of these is asked any more: its reader left, a relay refused it, it was cancelled.
        loose: of these nothing is asked as long as a room is `UNFINISHED`.
    """

    mailbox: str
    room: str
    active: bool = False
    choice: Choice = field(default_factory=Choice)
    accredited: bool = False
    owed: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    waits: dict[int, Wait] = field(default_factory=dict)
    got: dict[int, Got] = field(default_factory=lambda: defaultdict(Got))
    ever: set[int] = field(default_factory=set)
    excused: set[int] = field(default_factory=set)
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


class PressModel:
    """Everything that was done, and what should come of it.

    Args:
        zones: of the newsrooms, by key.
        catch_up: how many releases each sends to who has just come.
    """

    def __init__(self, zones: dict[str, str], catch_up: dict[str, int]) -> None:
        self.zones = {key: ZoneInfo(name) for key, name in zones.items()}
        self.catch_up = catch_up
        self.releases: dict[int, Release] = {}
        self.bonds: list[Bond] = []
        self.tokens: dict[str, Release] = {}
        self.doubted: set[int] = set()
        self.arrived: dict[int, int] = defaultdict(int)

    # Readers.

    def bond(self, mailbox: str, room: str) -> Bond:
        """The bond of a mailbox to a newsroom; made where there is none."""
        for one in self.bonds:
            if (one.mailbox, one.room) == (mailbox, room):
                return one
        self.bonds.append(Bond(mailbox, room))
        return self.bonds[-1]

    def joins(self, bond: Bond, now: datetime, choice: Choice | None = None) -> None:
        """A reader has confirmed.

        Args:
            choice: a fresh one, which is caught up with; None for coming back as they were.
        """
        if bond.active:
            assert choice is not None
            bond.choice.languages = choice.languages
            return
        bond.active = True
        if choice is None:
            return
        bond.choice = choice
        known = [one for one in self.releases.values() if one.room == bond.room]
        public = [one for one in known if one.state == "published" and one.published_at]
        public.sort(key=lambda one: (one.published_at, one.number), reverse=True)
        for one in public[: self.catch_up[bond.room]]:
            if one.number not in bond.ever:
                self._wait(bond, one, now, catch_up=True)

    def leaves(self, bond: Bond) -> None:
        """A reader has left; what they still lacked is not asked any more."""
        bond.active = False
        bond.excused |= {number for number, _ in self.missing(bond)}
        bond.excused |= {number for number, one in bond.waits.items() if not one.done}

    def chooses(self, bond: Bond, now: datetime, choice: Choice) -> None:
        """A reader has chosen anew."""
        timing = ("frequency", "hour", "weekday", "paused_until")
        changed = any(getattr(bond.choice, one) != getattr(choice, one) for one in timing)
        bond.choice = choice
        for wait in bond.waits.values() if changed else ():
            if not wait.tokens:
                wait.since = now

    def moves(self, old: str, new: str) -> None:
        """A mailbox's reader goes on under another address."""
        for one in [each for each in self.bonds if each.mailbox == old]:
            other = next((o for o in self.bonds if (o.mailbox, o.room) == (new, one.room)), None)
            if other is not None and other.active and one.active:
                self._merge(one, other)
            elif one.active:
                if other is not None:
                    other.mailbox, other.active = old, False
                one.mailbox = new
            elif other is None and one.ever:
                one.mailbox = new

    def _merge(self, one: Bond, other: Bond) -> None:
        """Two become one, which wants what either wanted, with the timing of the one that moved."""
        mine, theirs = one.choice, other.choice
        mine.languages = tuple(dict.fromkeys((*mine.languages, *theirs.languages)))
        mine.every_language |= theirs.every_language
        pauses = [one for one in (mine.paused_until, theirs.paused_until) if one is not None]
        mine.paused_until = min(pauses) if len(pauses) == 2 else None
        other.choice = mine
        other.accredited |= one.accredited
        for number, languages in one.owed.items():
            other.owed[number] |= languages
        for number, wait in one.waits.items():
            other.waits.setdefault(number, wait)
        for number, got in one.got.items():
            other.got[number].copies |= got.copies
            other.got[number].may |= got.may
        other.ever |= one.ever
        other.excused |= one.excused
        one.active = False
        if "merged copies" in UNFINISHED:
            other.loose |= set(self.releases)
            one.loose |= set(self.releases)

    # The desk.

    def adds(self, release: Release) -> None:
        """A release is there."""
        self.releases[release.number] = release
        for one in release.texts:
            self.tokens[one.token] = release

    def writes(self, release: Release, text: Text) -> None:
        """A release has another text.

        One in a new language of what is public waits for the desk's word.
        """
        if release.state == "published" and text.language not in release.languages:
            release.expected[text.language] = False
        release.texts.append(text)
        self.tokens[text.token] = release
        if not text.told:
            return
        for bond, got in self._holders(release):
            if not bond.active:
                bond.excused.add(release.number)
            opened = bond.waits.get(release.number)
            if opened and opened.tokens and not got.copies:
                self._loosen(bond, release, "opened digests")

    def withdraws(self, release: Release) -> None:
        """Nothing more of it is to leave."""
        release.state = "withdrawn"
        for bond in self.bonds:
            if not bond.active:
                bond.excused.add(release.number)
            wait = bond.waits.get(release.number)
            if wait and wait.tokens and not bond.got[release.number].copies:
                self._loosen(bond, release, "opened digests")

    def cancels(self, release: Release) -> None:
        """What of its mailings has not left never will."""
        release.cancelled = True
        for bond in self.bonds:
            bond.excused.add(release.number)

    def is_refused(self, bond: Bond, numbers: set[int]) -> None:
        """A relay will not have it, or it is too late for another try."""
        bond.excused |= numbers

    def _holders(self, release: Release) -> Iterator[tuple[Bond, Got]]:
        for bond in self.bonds:
            if release.number in bond.got or release.number in bond.waits:
                yield bond, bond.got[release.number]

    def _loosen(self, bond: Bond, release: Release, room: str) -> None:
        if room in UNFINISHED:
            bond.loose.add(release.number)

    # Time.

    def publishes(self, now: datetime) -> list[int]:
        """What goes out at this moment, and becomes owed; what is too late is held instead."""
        done = []
        for one in self.releases.values():
            moment = one.moment
            if one.state != "approved" or (moment is not None and moment > now):
                continue
            since = max((m for m in (moment, one.approved_at) if m is not None), default=now)
            if now - since > LATE:
                one.state = "held"
                continue
            one.state, one.published_at = "published", now
            done.append(one.number)
            for text in one.texts:
                text.mailed = True
            for bond in self._wanting(one, now):
                if self._at_once(bond, one):
                    bond.owed[one.number].add(best(bond.choice.languages, one.languages))
                    bond.ever.add(one.number)
                elif one.number not in bond.ever:
                    self._wait(bond, one, now)
            if len(one.languages) > 1:
                self._expect_others(one)
        return done

    def _expect_others(self, release: Release) -> None:
        """Who wants every language gets the further ones by themselves."""
        for bond in self._wanting(release, None):
            mine = best(bond.choice.languages, release.languages)
            if bond.choice.every_language:
                for language in bond.choice.languages:
                    if language in release.languages and language != mine:
                        release.expected[language] = True

    def translates(self, release: Release, language: str, now: datetime) -> None:
        """A late language goes out by itself: to who lacks the release, or wants every language."""
        assert release.expected.pop(language, True), "nobody has let it go"
        release.newest(language).mailed = True
        for bond in self.bonds:
            if bond.room == release.room and (
                bond.choice.frequency != "at_once" or release.number in bond.waits
            ):
                self._loosen(bond, release, "translations and digests")
        for bond in self._wanting(release, now):
            has = bond.owed.get(release.number, set())
            wants = bond.choice.every_language and language not in has
            lacks = release.number not in bond.ever or wants
            if lacks and self._at_once(bond, release) and language in bond.choice.languages:
                bond.owed[release.number].add(language)
                bond.ever.add(release.number)

    def opens(self, now: datetime) -> None:
        """Digests that are due by now are made, as their releases say by now."""
        for bond in self.bonds:
            for number, wait in bond.waits.items():
                release = self.releases[number]
                if wait.done or not bond.active or release.state != "published":
                    continue
                if wait.tokens or self.due_at(bond, wait) <= now:
                    shown = [
                        language
                        for language in release.languages
                        if release.expected.get(language, True)
                    ]
                    language = best(bond.choice.languages, shown)
                    wait.floating = wait.floating or bond.choice.merged
                    if wait.floating or not wait.tokens:
                        wait.tokens.add(release.newest(language).token)

    def due_at(self, bond: Bond, wait: Wait) -> datetime:
        """When what waits is to come."""
        since = wait.since
        if bond.choice.paused_until is not None:
            since = max(since, bond.choice.paused_until)
        if wait.catch_up or bond.choice.frequency == "at_once":
            return since
        return next_hour(bond.choice, self.zones[bond.room], since)

    def _wanting(self, release: Release, now: datetime | None) -> Iterator[Bond]:
        for bond in self.bonds:
            until = bond.choice.paused_until
            pauses = now is not None and until is not None and until > now
            if bond.active and bond.room == release.room and not pauses:
                yield bond

    @staticmethod
    def _at_once(bond: Bond, release: Release) -> bool:
        urgent = release.urgent and bond.choice.urgent_at_once
        return bond.choice.frequency == "at_once" or urgent

    @staticmethod
    def _wait(bond: Bond, release: Release, now: datetime, *, catch_up: bool = False) -> None:
        bond.ever.add(release.number)
        bond.waits[release.number] = Wait(now, catch_up)

    # Letters.

    def hands_out(self, kind: str, mailbox: str, tokens: set[str], now: datetime) -> None:
        """A letter is handed out for sending: whether it may, and whether it says the newest there is."""
        found = {self.tokens[token].number: self.tokens[token] for token in tokens}
        assert found, f"a mail to {mailbox} without anything in it"
        here = [self.bond(mailbox, one.room) for one in found.values()]
        assert any(bond.active for bond in here), f"{mailbox} is no reader"
        for release in found.values():
            bond = self.bond(mailbox, release.room)
            theirs = {one for one in tokens if self.tokens[one] is release}
            check = getattr(self, f"_hands_out_{kind}")
            check(bond, release, theirs, now)
            early = release.moment is not None and release.moment > now
            assert not early or (release.early and bond.accredited), f"{release.number} left early"
            assert (
                early
                or release.published_at
                or kind in {"early", "embargo", "correction", "withdrawal"}
            )

    def _hands_out_release(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert release.state == "published", f"{release.number} is {release.state}"
        (token,) = tokens
        language = self._text(release, token).language
        assert token == release.newest(language, mailed=True).token, f"{token} leaves of {release}"
        if release.number not in bond.loose:
            assert language in bond.owed[release.number], f"{bond.mailbox}: not in {language}"
            self._has_none(bond, release, language)

    def _hands_out_digest(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        (token,) = tokens
        if release.number in bond.loose:
            return
        assert release.state == "published", f"{release.number} is {release.state}"
        assert release.number in bond.waits, f"{bond.mailbox} did not want {release.number} so"
        wait = bond.waits[release.number]
        if release.number not in bond.excused:
            assert token in wait.tokens, f"{bond.mailbox}: {token} of {wait}"
            self._has_none(bond, release, None)

    def _hands_out_early(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert bond.accredited
        assert release.state != "withdrawn"
        for token in tokens if release.state != "published" else ():
            language = self._text(release, token).language
            assert token == release.newest(language, mailed=True).token

    def _hands_out_correction(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert release.state != "withdrawn"
        newest = [
            t
            for t in tokens
            if t == release.newest(self._text(release, t).language, mailed=True).token
        ]
        assert newest, "a correction with an old text"
        self._is_for_holders(bond, release, {one for one in tokens if one not in newest})

    def _hands_out_withdrawal(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert release.state == "withdrawn"
        self._is_for_holders(bond, release, tokens)

    def _hands_out_embargo(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        self._is_for_holders(bond, release, set())

    def _is_for_holders(self, bond: Bond, release: Release, tokens: set[str]) -> None:
        if release.number in bond.loose:
            return
        may = bond.got[release.number].may
        assert may, f"{bond.mailbox} is told of {release.number} and holds nothing of it"

    def _has_none(self, bond: Bond, release: Release, language: str | None) -> None:
        """Nothing of it has arrived, but what nobody knows of."""
        for letter, (kind, tokens) in bond.got[release.number].copies.items():
            if kind == "early" or letter in self.doubted:
                continue
            spoken = {self._text(release, one).language for one in tokens}
            further = language is not None and bond.choice.every_language and language not in spoken
            assert further, f"more in {language}: {self._story(bond, release)}"

    def _story(self, bond: Bond, release: Release) -> str:
        doubted = self.doubted & bond.got[release.number].copies.keys()
        return f"{bond.got[release.number]}, doubted {doubted}, of {release} to {bond}"

    @staticmethod
    def _text(release: Release, token: str) -> Text:
        found = release.text(token)
        assert found is not None
        return found

    def arrives(self, letter: int, kind: str, bond_of: dict[int, Bond], tokens: set[str]) -> None:
        """A relay took a letter.

        Args:
            bond_of: whom it was for as it was handed out, by release.
        """
        assert not self.arrived[letter] or letter in self.doubted, f"{letter} came twice"
        self.arrived[letter] += 1
        for number, bond in bond_of.items():
            theirs = frozenset(one for one in tokens if self.tokens[one].number == number)
            got = bond.got[number]
            if kind in {"release", "digest"} and number not in bond.loose:
                spoken = next(iter(theirs), None)
                self._no_other(bond, number, letter, spoken if kind == "release" else None)
            if kind in {"correction", "withdrawal"} and letter not in got.copies:
                alike = [o for o, held in got.copies.items() if held == (kind, theirs)]
                assert all(one in self.doubted for one in alike) or number in bond.loose, (
                    f"{letter} tells it once more: {self._story(bond, self.releases[number])}"
                )
            got.copies[letter] = (kind, theirs)
            got.may |= theirs
            if number in bond.waits and kind == "digest":
                bond.waits[number].done = True

    def _no_other(self, bond: Bond, number: int, letter: int, token: str | None) -> None:
        """In whatever form it is sent, it is sent once."""
        release = self.releases[number]
        for other, (kind, tokens) in bond.got[number].copies.items():
            if other == letter or kind in {"early", "embargo"} or other in self.doubted:
                continue
            spoken = {self._text(release, one).language for one in tokens}
            further = token and self._text(release, token).language not in spoken
            assert further, f"{letter} with {token} is one more: {self._story(bond, release)}"

    def doubts(self, letter: int, bond_of: dict[int, Bond], tokens: set[str]) -> None:
        """Nobody knows whether a letter left."""
        self.doubted.add(letter)
        for number, bond in bond_of.items():
            bond.got[number].may |= {one for one in tokens if self.tokens[one].number == number}

    # The end.

    def missing(self, bond: Bond) -> Iterator[tuple[int, str]]:
        """What a reader lacks, as far as it is asked: the release's number, and why."""
        for number in sorted(bond.ever | set(bond.got)):
            if number in bond.excused or number in bond.loose:
                continue
            yield from ((number, why) for why in self._lacks(bond, self.releases[number]))

    def _lacks(self, bond: Bond, release: Release) -> Iterator[str]:
        copies = list(bond.got[release.number].copies.items())
        held = {one for _, (kind, tokens) in copies if kind != "withdrawal" for one in tokens}
        if release.state == "withdrawn":
            if held and not any(kind == "withdrawal" for _, (kind, _) in copies):
                yield "was not told that it was withdrawn"
            return
        if release.state != "published":
            return
        languages = {self._text(release, one).language for one in held}
        owed = set(bond.owed.get(release.number, ()))
        if release.number in bond.waits and not held:
            yield f"waits for it in a digest: {bond.waits[release.number]}"
        if owed - languages:
            yield f"has it not in {owed - languages}"
        for language in languages:
            texts = [one for one in release.texts if one.language == language]
            told = [place for place, one in enumerate(texts) if one.told]
            if told and not any(one.token in held for one in texts[told[-1] :]):
                yield f"has an old text in {language}"
