"""What was done to a press office, and what its readers are owed for it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from support.press_facts import Bond, Choice, Release, Text, Wait, best, next_hour

LATE = timedelta(hours=24)


class PressHistory:
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
        bond.excused |= {number for number, one in _each_wait(bond) if not one.done}

    def chooses(self, bond: Bond, now: datetime, choice: Choice) -> None:
        """A reader has chosen anew."""
        timing = ("frequency", "hour", "weekday", "paused_until")
        changed = any(getattr(bond.choice, one) != getattr(choice, one) for one in timing)
        bond.choice = choice
        for _, wait in _each_wait(bond) if changed else ():
            if not wait.opened:
                wait.since = now

    def moves(self, old: str, new: str) -> None:
        """A mailbox's reader goes on under another address."""
        for one in [each for each in self.bonds if each.mailbox == old]:
            other = next((o for o in self.bonds if (o.mailbox, o.room) == (new, one.room)), None)
            if other is not None and other.active and one.active:
                self._merge(one, other)
            elif one.active:
                if other is not None:
                    self._inherit(one, other)
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
            if other.owed[number] and not mine.every_language:
                other.either.add(number)
            other.owed[number] |= languages
        both = one.ever & other.ever
        other.loose |= {each for each in both if one.waits[each] or other.waits[each]}
        for number, wait in _each_wait(one):
            other.waits[number].append(wait)
        self._inherit(other, one)
        other.ever |= one.ever
        other.excused |= one.excused
        one.active = False
        # Perhaps it is the other's subscription that it goes on with, should its reader come back.
        other.loose |= one.loose
        one.loose |= one.ever | other.ever
        one.owed.clear()
        one.waits.clear()

    @staticmethod
    def _inherit(heir: Bond, other: Bond) -> None:
        """One has what the other was sent; what the other was not told as they were away, it is not told."""
        for number, got in other.got.items():
            gone = other.passed_on[number]
            may = got.may - gone.may
            heir.got[number].copies |= {k: v for k, v in got.copies.items() if k not in gone.copies}
            heir.got[number].may |= may
            if may and not heir.choice.every_language:
                heir.either.add(number)
            if may and number in other.excused:
                heir.excused.add(number)
            gone.copies |= got.copies
            gone.may |= got.may

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
        if not text.corrects:
            return
        for bond in self.bonds:
            if text.told and not bond.active:
                bond.excused.add(release.number)
            for wait in bond.waits[release.number]:
                wait.tokens -= {one.token for one in release.texts if one.language == text.language}

    def withdraws(self, release: Release) -> None:
        """Nothing more of it is to leave."""
        release.state = "withdrawn"
        release.before_end = frozenset(self.arrived)
        for bond in self.bonds:
            if not bond.active:
                bond.excused.add(release.number)

    def cancels(self, release: Release) -> None:
        """What of its mailings has not left never will."""
        release.cancelled = True
        for bond in self.bonds:
            bond.excused.add(release.number)

    def is_refused(self, bond: Bond, numbers: set[int]) -> None:
        """A relay will not have it, or it is too late for another try."""
        bond.excused |= numbers

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
                    self._wait(bond, one, now).first = best(bond.choice.languages, one.languages)
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
        for bond in self._wanting(release, now):
            waits = bond.waits[release.number]
            has = bond.owed[release.number].union(*(one.languages for one in waits))
            wants = bond.choice.every_language and language not in has
            lacks = release.number not in bond.ever
            if language not in bond.choice.languages or not (lacks or wants):
                continue
            if self._at_once(bond, release):
                bond.owed[release.number].add(language)
                bond.ever.add(release.number)
            else:
                self._wait(bond, release, now).language = "" if lacks else language

    def opens(self, now: datetime) -> None:
        """Digests that are due by now are made, as their releases say by now."""
        for bond in self.bonds:
            for number, wait in _each_wait(bond):
                release = self.releases[number]
                if wait.done or not bond.active or release.state != "published":
                    continue
                if wait.opened or self.due_at(bond, wait) <= now:
                    if not wait.opened:
                        wait.shown = self._shows(bond, release, wait)
                        wait.opened = True
                    wait.tokens |= {release.newest(one).token for one in wait.shown}

    @staticmethod
    def _shows(bond: Bond, release: Release, wait: Wait) -> list[str]:
        """The languages that a digest shows: the best, or each, of those that do not come otherwise."""
        if wait.language:
            return [wait.language]
        others = [one for one in bond.waits[release.number] if one is not wait]
        besides = bond.owed[release.number].union(*([*one.shown, one.language] for one in others))
        public = [one for one in release.languages if release.expected.get(one, True)]
        liked = [one for one in bond.choice.languages if one in public and one not in besides]
        if not liked and not besides - {""}:
            liked = public[:1]
        return liked if bond.choice.every_language else liked[:1]

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
    def _wait(bond: Bond, release: Release, now: datetime, *, catch_up: bool = False) -> Wait:
        bond.ever.add(release.number)
        bond.waits[release.number].append(Wait(now, catch_up))
        return bond.waits[release.number][-1]

    # The end.

    def missing(self, bond: Bond) -> Iterator[tuple[int, str]]:
        """What a reader lacks, as far as it is asked: the release's number, and why."""
        for number in sorted(bond.ever | set(bond.got)):
            if number in bond.excused:
                continue
            yield from ((number, why) for why in self._lacks(bond, self.releases[number]))

    def _lacks(self, bond: Bond, release: Release) -> Iterator[str]:
        copies = list(bond.got[release.number].copies.items())
        held = {one for _, (kind, tokens) in copies if kind != "withdrawal" for one in tokens}
        gone = bond.passed_on[release.number].copies  # whose reader hears of what became of it
        theirs = {one for letter, (_, tokens) in copies if letter not in gone for one in tokens}
        if release.state == "withdrawn":
            last = "withdrawal" if release.published_at else "embargo"
            notices = {letter for letter, (kind, _) in copies if kind == last}
            if theirs and notices <= release.before_end:
                yield "was not told that it was withdrawn"
            return
        if release.state != "published":
            return
        languages = {release.text(one).language for one in held}
        yield from self._lacks_languages(bond, release, languages)
        for language in languages:
            texts = [one for one in release.texts if one.language == language]
            told = [place for place, one in enumerate(texts) if one.told]
            mine = any(one.token in theirs for one in texts)
            if mine and told and not any(one.token in held for one in texts[told[-1] :]):
                yield f"has an old text in {language}"

    def _lacks_languages(self, bond: Bond, release: Release, languages: set[str]) -> Iterator[str]:
        number, doubtful = release.number, self._doubtful(bond, release)
        if number in bond.loose and bond.got[number].may:
            return  # what may have left to one of two who became one is not sent to the other
        owed = set(bond.owed.get(number, ())) - doubtful
        for wait in bond.waits[number]:
            owed |= set(wait.shown) - doubtful
            if not wait.opened and not languages and not doubtful:
                yield f"waits for it in a digest: {wait}"
        if number in bond.either and languages | doubtful:
            owed.clear()
        if owed - languages:
            yield f"has it not in {owed - languages}"

    @staticmethod
    def _doubtful(bond: Bond, release: Release) -> set[str]:
        """Languages in which they may hold a text that was corrected since, without a word to anybody.

        What may have left does not leave again once it was corrected, and there is no notice: it is on
        record as in doubt.
        """
        found = set()
        for place, text in enumerate(release.texts):
            later = [one for one in release.texts[place + 1 :] if one.language == text.language]
            silent = any(one.corrects and not one.told for one in later)
            if silent and text.token in bond.got[release.number].may:
                found.add(text.language)
        return found


def _each_wait(bond: Bond) -> Iterator[tuple[int, Wait]]:
    for number, waits in bond.waits.items():
        yield from ((number, one) for one in waits)
