"""Whatever a press office goes through, everybody gets what they asked for: once, in time, as it stands.

The whole desk at once: releases by hand and by a source, edited, corrected, withdrawn, under embargo and
out of it, in languages that come late; readers who come, choose, take breaks, move, leave and come back;
dispatchers that send some and die; and a clock that jumps over hours, days and the ends of summer time.
What should come of it a model says that knows nothing of the product (`support.press_model`):

    nobody early   nothing of a release leaves before its moment, but to accredited readers
    nobody twice   a release reaches a reader once, by itself, in a digest or as they are caught up with;
                   a correction or withdrawal those who hold an earlier text, once each
    nobody missed  who stayed has all that their choice asked for at the moment that decided, in their
                   language, in the newest text there was as it left, and was told of later ones
    nobody else    who has not confirmed, or has left, is mailed nothing; what was withdrawn does not leave
    the proof adds up, and the desk sees each release as it stands

`MAILER_TEST_STEPS=10000` runs so many steps instead of the usual few.
"""

import itertools
import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from support.all_rows import take_out
from support.choosing import ask_link, manage_token
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN
from support.desk_hand import Mail
from support.digesting import ALL, choose
from support.dispatching_by_hand import ByHand
from support.feeds import Item, feed_page, source_at
from support.mortal import Killed, Mortal
from support.offices import KEFM, UM, Clock, make_office
from support.press_model import UNFINISHED, Bond, Choice, PressModel, Release, Text
from support.readers import PAGE, confirm_token, leave_token, rejoin_token, sign_up
from support.taking import poll
from support.web_source import WebSource

from mailer.core.address import parse_address
from mailer.core.delivery import MAILED, Outcome
from mailer.core.errors import NotAllowed, TryLater
from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.mail.compose import Composer
from mailer.services import (
    accreditation,
    aftermath,
    confirmation,
    control,
    corrections,
    digest,
    early,
    embargo,
    imports,
    leaving,
    moving,
    press,
    proof,
    publish,
    rejoining,
    retry,
    scheduling,
    translations,
)
from mailer.services.accreditation import Grant
from mailer.services.bookkeeper import Letter
from mailer.services.moving import Wish
from mailer.services.office import Limits
from mailer.services.press import Beside
from mailer.services.publish import Published
from mailer.sources.address_list import Listed
from mailer.store.ledger_tables import mailing
from mailer.store.tables import manage_link, request, subscriber, subscription

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "0"))
STORY = 40
"""Steps of one story."""

ROOMS = {
    room.key: replace(room, frequencies=ALL, languages=("da", "en"), catch_up=catch_up)
    for room, catch_up in ((UM, 2), (KEFM, 0))
}
MAILBOXES = [f"{name}@example.org" for name in ("anna", "bo", "carl", "dora", "else")]
READERS: dict[str, dict[str, Any]] = dict(
    zip(
        MAILBOXES,
        [
            {},
            {"frequency": "daily", "merged": True},
            {"frequency": "weekly", "weekday": 2, "languages": ("en", "da")},
            {"every_language": True, "languages": ("da", "en")},
        ],
        strict=False,
    )
)
"""Who is there as a story begins, and what they chose."""
STARTS = [
    datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 15, 0, tzinfo=UTC),  # the night before clocks skip an hour
    datetime(2026, 10, 24, 15, 0, tzinfo=UTC),  # and before one comes twice
]
ANSWERS = [ACCEPTED, ACCEPTED, ACCEPTED, DEFERRED, REFUSED, UNKNOWN]
OLD = timedelta(hours=21)
"""What fails longer after it was made may be given up."""
TOKEN = re.compile(r"(?<![-/=\w])q\d+q(?![-\w])")
"""In words, not in the address of a page, which keeps those of the first title."""

TITLE = "Ministeren taler i salen om {}"
BODY = "Talen om {} begynder på mandag i den store sal."

picks = st.integers(0, 255)
rooms = st.sampled_from(sorted(ROOMS))
mailboxes = st.sampled_from(MAILBOXES)


ACTS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    "a_release_comes": (
        8,
        {
            "room": rooms,
            "languages": st.sampled_from(["da", "da", "en", "da en", "en da"]),
            "hours": st.sampled_from([0, 0, 0, 2, 26]),
            "embargo_hours": st.sampled_from([0, 0, 0, 3, 27]),
            "urgent": st.sampled_from([False, False, True]),
            "let_go": st.sampled_from([True, True, True, False]),
        },
    ),
    "the_desk_corrects": (
        7,
        {
            "pick": picks,
            "language": st.sampled_from(["da", "da", "en"]),
            "silent": st.sampled_from([False, False, True]),
            "looked": st.booleans(),
        },
    ),
    "the_desk_withdraws": (1, {"pick": picks, "looked": st.booleans()}),
    "the_desk_moves_a_moment": (
        3,
        {
            "pick": picks,
            "act": st.sampled_from(["embargo", "embargo", "lift", "schedule", "early", "early"]),
            "hours": st.sampled_from([1, 5, 26]),
        },
    ),
    "the_desk_lets_go": (2, {"pick": picks, "urgent": st.booleans()}),
    "the_desk_translates": (3, {"pick": picks, "let_go": st.booleans()}),
    "an_operator_acts": (2, {"pick": picks, "act": st.sampled_from(["pause", "resume", "cancel"])}),
    "an_operator_retries": (2, {"refused": st.booleans()}),
    "the_source_shows": (
        6,
        {
            "what": st.sampled_from(["new", "new", "edit", "edit", "rename", "the same"]),
            "pick": picks,
        },
    ),
    "a_reader_chooses": (
        8,
        {
            "mailbox": mailboxes,
            "room": rooms,
            "frequency": st.sampled_from([*ALL, "at_once"]),
            "hour": st.sampled_from([2, 8, 9]),
            "weekday": st.integers(0, 6),
            "languages": st.sampled_from([("da",), ("en",), ("da", "en"), ("en", "da")]),
            "pause": st.sampled_from([None, None, 20]),
            "urgent_at_once": st.booleans(),
            "merged": st.booleans(),
            "every_language": st.booleans(),
        },
    ),
    "a_reader_leaves": (2, {"mailbox": mailboxes, "room": rooms}),
    "a_reader_thinks_better_of_it": (2, {"mailbox": mailboxes, "room": rooms}),
    "a_reader_signs_up": (
        3,
        {
            "mailbox": mailboxes,
            "room": rooms,
            "language": st.sampled_from(["da", "en"]),
            "confirms": st.sampled_from([True, True, False]),
        },
    ),
    "a_reader_moves": (2, {"old": mailboxes, "new": mailboxes, "room": rooms}),
    "time_passes": (
        12,
        {"hours": st.sampled_from([0.05, 0.3, 1, 4, 11, 19, 30, 100]), "watched": st.booleans()},
    ),
    "chores_are_done": (4, {"deaths": st.sampled_from([0, 0, 1, 2])}),
    "releases_are_published": (2, {}),
    "another_dispatcher_starts": (1, {}),
    "it_takes": (3, {"pick": picks, "want": st.integers(1, 6)}),
    "it_sends": (
        9,
        {
            "pick": picks,
            "want": st.integers(1, 4),
            "answer": st.sampled_from(ANSWERS),
            "took": st.booleans(),
        },
    ),
    "it_sends_all": (4, {"pick": picks}),
    "it_begins": (3, {"pick": picks, "count": st.integers(1, 3)}),
    "it_hears": (3, {"pick": picks, "answer": st.sampled_from(ANSWERS), "took": st.booleans()}),
    "it_is_killed": (
        3,
        {
            "pick": picks,
            "took": st.booleans(),
            "journal": st.sampled_from(["kept", "kept", "gone", "cut"]),
        },
    ),
}
"""What may happen: how often among all, and with what."""


def acts() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Something that happens, by its weight."""
    names = [name for name, (weight, _) in ACTS.items() for _ in range(weight)]
    return st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), st.fixed_dictionaries(ACTS[name][1]))
    )


@dataclass
class Handed:
    """A letter as it was handed out."""

    kind: str
    tokens: set[str]
    of: dict[int, Bond] = field(default_factory=dict)


class PressOffice(RuleBasedStateMachine):
    """Stories of a desk with a source, of five mailboxes at two newsrooms, of dispatchers and a relay."""

    database: Mortal
    server: WebSource
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        feed = source_at(self.server)
        self.database.deaths = 0
        take_out(self.database)
        self.office = make_office(
            self.database,
            self.clock,
            newsrooms=ROOMS,
            limits=Limits(portion=2),
            sources={feed.key: feed},
        )
        self.composer = Composer(self.office.keys.tokens, self.office.keys.marks)
        self.model = PressModel(
            {key: room.time_zone for key, room in ROOMS.items()},
            {key: room.catch_up for key, room in ROOMS.items()},
        )
        self.folder = tempfile.TemporaryDirectory()
        self.fresh = itertools.count(1)
        self.items: list[tuple[Item, int]] = []
        self.seeded = False
        self.taken = 0
        self.left: dict[Bond, datetime] = {}
        self.handed: dict[int, Handed] = {}
        self.unwritten: dict[ByHand, list[Letter]] = {}
        self.workers: list[ByHand] = []

    @initialize(start=st.sampled_from(STARTS), languages=st.sampled_from(["da", "en"]))
    def the_office_opens(self, start: datetime, languages: str) -> None:
        self.clock.moment = start
        self.a_dispatcher_starts()
        for key, room in ROOMS.items():
            people = [Listed(line, name) for line, name in enumerate(READERS, 1)]
            for batch in imports.import_people(
                self.office, newsroom=room, people=people, evidence="sheets"
            ):
                assert not batch.refused
            for mailbox, choice in READERS.items():
                self.model.joins(self.model.bond(mailbox, key), start, Choice())
                if choice:
                    self.a_reader_chooses(mailbox, key, **choice)
        accreditation.accredit(
            self.office,
            parse_address(MAILBOXES[0]),
            newsroom=ROOMS["um"],
            grant=Grant("Avisen", start + timedelta(days=900)),
            who="desk",
        )
        self.model.bond(MAILBOXES[0], "um").accredited = True
        self.the_source_shows("new", 0)  # the first look mails nothing
        self.a_release_comes("um", languages, 0, 0, urgent=False, let_go=True)
        self.chores_are_done(0)

    @rule(act=acts())
    def happens(self, act: tuple[str, dict[str, Any]]) -> None:
        name, terms = act
        getattr(self, name)(**terms)

    # What the desk does.

    def a_release_comes(
        self,
        room: str,
        languages: str,
        hours: int,
        embargo_hours: int,
        *,
        urgent: bool,
        let_go: bool,
    ) -> None:
        now = self.clock()
        name = f"urn:{next(self.fresh)}"
        texts = [self.fresh_text(language) for language in languages.split()]
        until = now + timedelta(hours=embargo_hours) if embargo_hours else None
        at = now + timedelta(hours=hours) if hours else None
        numbers = {
            press.add_document(
                self.office,
                ReleaseDocument(edition(one), identity=name, publish_at=at, embargo_until=until),
                newsroom=room,
                who="desk",
            ).id
            for one in texts
        }
        (number,) = numbers
        release = Release(number, room, texts=texts, publish_at=at, embargo=until)
        self.model.adds(release)
        if let_go:
            self.let_go(release, urgent=urgent)

    def let_go(self, release: Release, *, urgent: bool) -> None:
        press.send(self.office, release.number, who="desk", urgent=urgent)
        release.urgent = release.urgent or urgent
        if release.state == "held":
            release.state, release.approved_at = "approved", self.clock()
        release.expected = dict.fromkeys(release.expected, True)

    def the_desk_corrects(self, pick: int, language: str, silent: bool, looked: bool) -> None:
        release = self.one_of(pick)
        text = self.fresh_text(language)
        text.told = not silent
        with suppress(NotAllowed):
            corrections.correct(
                self.office,
                release.number,
                edition(text),
                note="A wrong day.",
                who="desk",
                silent=silent,
                patience=0,
            )
            self.model.writes(release, text)
            self.look(release, looked)
            if "corrected words that a source still shows" in UNFINISHED:
                self.items = [one for one in self.items if one[1] != release.number]

    def the_desk_withdraws(self, pick: int, looked: bool) -> None:
        release = self.one_of(pick)
        with suppress(NotAllowed):
            corrections.withdraw(self.office, release.number, reason="", who="desk", patience=0)
            self.model.withdraws(release)
            self.look(release, looked)

    def the_desk_moves_a_moment(self, pick: int, act: str, hours: int) -> None:
        release = self.one_of(pick, "approved", "held")
        until = self.clock() + timedelta(hours=hours)
        with suppress(NotAllowed):
            if act == "embargo":
                embargo.move(self.office, release.number, until, who="desk", patience=0)
                release.embargo = until
            elif act == "lift":
                embargo.lift(self.office, release.number, who="desk", patience=0)
                release.embargo = None
            elif act == "schedule":
                scheduling.schedule(self.office, release.number, until, who="desk")
                release.publish_at = until
            else:
                early.send_early(self.office, release.number, who="desk")
                release.early = True

    def the_desk_lets_go(self, pick: int, urgent: bool) -> None:
        with suppress(NotAllowed):
            self.let_go(self.one_of(pick, "held", "published"), urgent=urgent)

    def the_desk_translates(self, pick: int, let_go: bool) -> None:
        release = self.one_of(pick, "published", "approved", "held")
        missing = [one for one in ("da", "en") if one not in release.languages]
        if not missing:
            return
        text = self.fresh_text(missing[0])
        text.mailed = release.state != "published"
        with suppress(NotAllowed):
            press.add_document(
                self.office,
                ReleaseDocument(edition(text)),
                newsroom=release.room,
                who="desk",
                beside=Beside(translates=release.number),
            )
            self.model.writes(release, text)
            if let_go:
                self.let_go(release, urgent=False)

    def an_operator_acts(self, pick: int, act: str) -> None:
        release = self.one_of(pick)
        with suppress(NotAllowed):
            if act == "pause":
                control.pause(self.office, release.number, who="desk", patience=0)
            elif act == "resume":
                control.resume(self.office, release.number, who="desk")
            else:
                control.cancel(self.office, release.number, who="desk", patience=0)
            if act != "resume" and release.state == "approved":
                release.state = "held"
            elif act == "cancel" and release.state == "published":
                self.model.cancels(release)

    def an_operator_retries(self, refused: bool) -> None:
        retry.retry(self.office, who="desk", kinds=["deferred", "expired", *["refused"] * refused])

    # What the source shows.

    def the_source_shows(self, what: str, pick: int) -> None:
        known = len(self.items)
        if what != "new" and not known:
            return
        place = pick % known if known else 0
        if what == "new":
            text = self.fresh_text("da")
            item = Item(
                title=TITLE.format(text.token),
                body=BODY.format(text.token),
                guid=f"https://um.example/?p={text.token[1:-1]}",
                link=f"https://um.example/nyheder/{text.token[1:-1]}",
                at=self.clock(),
            )
            self.items.insert(0, (item, 0))
        else:
            item, number = self.items[place]
            if what == "edit":
                text = self.fresh_text("da")
                said = {"title": item.title, "body": item.body}
                words = {name: re.sub(r"q\d+q", text.token, one) for name, one in said.items()}
                item = replace(item, **words)  # type: ignore[arg-type] # as named
            elif what == "rename":
                name = f"p{next(self.fresh)}"
                item = replace(
                    item, guid=f"https://um.example/{name}", link=f"https://um.example/sag/{name}"
                )
            self.items[place] = (item, number)
        self.server.pages["/feed"] = feed_page([one for one, _ in self.items])
        done = poll(self.office)
        assert done.outcome in {"read", "unchanged"}, done
        if what == "new":
            self.a_new_item(text, seen=self.seeded)
        elif what == "edit":
            self.an_edited_item(self.model.releases[self.items[place][1]], text)

    def a_new_item(self, text: Text, *, seen: bool) -> None:
        (row,) = [one for one in press.listed(self.office) if text.token in one.edition.title]
        now = self.clock()
        release = Release(row.id, "um", texts=[text], made_at=now, source=True)
        if seen:
            release.state, release.approved_at = "approved", now
            release.publish_at = now + timedelta(minutes=10)
        else:  # kept for the pages
            release.state, release.published_at = "published", row.published_at or row.made_at
        self.model.adds(release)
        self.items[0] = (self.items[0][0], row.id)
        self.seeded = True

    def an_edited_item(self, release: Release, text: Text) -> None:
        """What was mailed changes on the pages alone; what was not is put off."""
        text.mailed = release.state != "published" and not release.early
        self.model.writes(release, text)
        if release.state == "approved":
            assert release.made_at is not None
            stands = self.clock() + timedelta(minutes=10)
            moment = min(stands, release.made_at + timedelta(minutes=60))
            release.publish_at = max(moment, release.publish_at or moment)

    # What readers do.

    def a_reader_chooses(self, mailbox: str, room: str, **changes: Any) -> None:
        bond = self.model.bond(mailbox, room)
        if not bond.active:
            return
        if pause := changes.pop("pause", None):
            changes["paused_until"] = self.clock() + timedelta(hours=pause)
        choose(self.office, mailbox, newsroom=ROOMS[room], **changes)
        self.model.chooses(bond, self.clock(), replace(bond.choice, **changes))

    def a_reader_leaves(self, mailbox: str, room: str) -> None:
        bond = self.model.bond(mailbox, room)
        if bond.active:
            token = leave_token(self.office, self.number_of(bond))
            leaving.leave(self.office, token=token, origin=PAGE)
            self.model.leaves(bond)
            self.left[bond] = self.clock()

    def a_reader_thinks_better_of_it(self, mailbox: str, room: str) -> None:
        bond = self.model.bond(mailbox, room)
        since = self.left.get(bond)
        if bond.active or since is None or self.clock() - since > timedelta(days=6):
            return
        token = rejoin_token(self.office, self.number_of(bond))
        view = rejoining.rejoin(self.office, token=token, language="da", origin=PAGE)
        if view.state == "active":
            self.model.joins(bond, self.clock())

    def a_reader_signs_up(self, mailbox: str, room: str, language: str, confirms: bool) -> None:
        bond = self.model.bond(mailbox, room)
        before = self.last(request.c.id)
        sign_up(self.office, mailbox, newsroom=ROOMS[room], language=language)
        number = self.last(request.c.id)
        if not confirms or number == before:
            return
        token = confirm_token(self.office, number)
        with self.database.read() as connection:
            state = connection.scalar(select(request.c.state).where(request.c.id == number))
        view = confirmation.confirm(self.office, token=token, origin=PAGE)
        if state == "open" and view.state == "confirmed":
            self.model.joins(bond, self.clock(), Choice(languages=(language,)))

    def a_reader_moves(self, old: str, new: str, room: str) -> None:
        if old == new or not self.model.bond(old, room).active:
            return
        before = self.last(manage_link.c.id)
        ask_link(self.office, old, newsroom=ROOMS[room])
        link = self.last(manage_link.c.id)
        if link == before:
            return
        asked = self.last(request.c.id)
        wish = Wish(parse_address(new), "To the new address.", PAGE)
        with suppress(NotAllowed, TryLater):
            moving.ask(self.office, token=manage_token(self.office, link), wish=wish)
            number = self.last(request.c.id)
            view = moving.confirm(self.office, request_id=number, origin=PAGE)
            if number != asked and view is not None and view.state == "confirmed":
                self.model.moves(old, new)

    # Time, and what is done as it passes.

    def time_passes(self, hours: float, watched: bool) -> None:
        """Args: watched: a dispatcher does its chores as it passes."""
        self.clock.move(hours=hours)
        if watched:
            self.chores_are_done(0)

    def chores_are_done(self, deaths: int) -> None:
        self.releases_are_published()
        aftermath.settle_due(self.office)
        for done in translations.publish_due(self.office):
            assert isinstance(done, Published)
            with self.database.read() as connection:
                of = select(mailing.c.language).where(mailing.c.id == done.mailing_id)
                language = connection.scalar(of)
            release = self.model.releases[done.release_id]
            self.model.translates(release, str(language), self.clock())
        self.database.deaths = deaths
        for _ in range(deaths + 1):
            with suppress(Killed):
                while digest.send_due(self.office).more:
                    pass
        self.database.deaths = 0
        while digest.send_due(self.office).more:
            pass
        self.model.opens(self.clock())

    def releases_are_published(self) -> None:
        done = publish.publish_due(self.office)
        went = [one.release_id for one in done if isinstance(one, Published)]
        assert went == self.model.publishes(self.clock())

    # What dispatchers do.

    def another_dispatcher_starts(self) -> None:
        if len(self.workers) < 2:
            self.a_dispatcher_starts()

    def a_dispatcher_starts(self) -> None:
        worker = ByHand(self.office, Path(self.folder.name) / "state", lambda: 0.0)
        worker.books.take_over()
        self.workers.append(worker)
        self.unwritten[worker] = []

    def it_takes(self, pick: int, want: int) -> None:
        self.take(self.worker(pick), want)

    def it_sends(self, pick: int, want: int, answer: Outcome, took: bool) -> None:
        """A few letters, all of them answered alike, and told to the ledger."""
        worker = self.worker(pick)
        self.take(worker, want)
        self.begin(worker, want)
        for letter in list(worker.leaving):
            self.hear(worker, letter, answer, took=took)
        self.write(worker)

    def it_sends_all(self, pick: int) -> None:
        worker = self.worker(pick)
        self.finish(worker)

    def it_begins(self, pick: int, count: int) -> None:
        self.begin(self.worker(pick), count)

    def it_hears(self, pick: int, answer: Outcome, took: bool) -> None:
        worker = self.worker(pick)
        for letter in worker.leaving[:1]:
            self.hear(worker, letter, answer, took=took)

    def it_is_killed(self, pick: int, took: bool, journal: str) -> None:
        worker = self.worker(pick)
        doubtful = list(worker.leaving)
        for letter in doubtful:
            if took:
                self.arrive(letter)
        if journal != "kept":
            doubtful += [*worker.feed, *worker.entered, *self.unwritten[worker]]
        for letter in doubtful:
            self.doubt(letter)
        worker.kill(journal)
        self.workers.remove(worker)
        for other in self.workers:
            other.books.take_over()
        if not self.workers:
            self.a_dispatcher_starts()

    def take(self, worker: ByHand, want: int) -> None:
        letters = worker.take(want, notices=2)
        self.unwritten[worker] = []
        for letter in letters:
            self.is_handed_out(letter)

    def write(self, worker: ByHand) -> None:
        worker.write()
        self.unwritten[worker] = []

    def begin(self, worker: ByHand, count: int) -> None:
        for letter in worker.feed[:count]:
            worker.enter(letter)
            worker.begin(letter)

    def hear(self, worker: ByHand, letter: Letter, answer: Outcome, *, took: bool) -> None:
        if answer is ACCEPTED or (answer is UNKNOWN and took):
            self.arrive(letter)
        if answer is UNKNOWN:
            self.doubt(letter)
        elif answer is not ACCEPTED:
            self.fail(letter, for_good=answer is REFUSED)
        self.unwritten[worker].append(letter)
        worker.end(letter, answer)

    def finish(self, worker: ByHand) -> None:
        """Everything that is due, until nothing is."""
        for letter in list(worker.leaving):
            self.hear(worker, letter, ACCEPTED, took=True)
        self.write(worker)
        for _ in range(200):
            if not worker.feed:
                self.take(worker, 20)
            if not worker.feed:
                return
            self.begin(worker, 20)
            for letter in list(worker.leaving):
                self.hear(worker, letter, ACCEPTED, took=True)
            self.write(worker)
        raise AssertionError("there is no end to it")

    # What the relay and the model see of it.

    def is_handed_out(self, letter: Letter) -> None:
        purpose = letter.prepared.purpose
        if purpose not in MAILED:
            return
        tokens = self.tokens_of(letter)
        kind, mailbox = str(purpose), letter.due.mailbox
        self.model.hands_out(kind, mailbox, tokens, self.clock())
        of = {
            release.number: self.model.bond(mailbox, release.room)
            for release in map(self.model.tokens.__getitem__, tokens)
        }
        self.handed[letter.due.id] = Handed(kind, tokens, of)

    def tokens_of(self, letter: Letter) -> set[str]:
        mail = Mail.read(self.composer.compose(letter.prepared, letter.due).content)
        assert mail.headers["To"] == letter.due.mailbox
        return set(TOKEN.findall(mail.headers["Subject"] + "\n" + mail.text))

    def arrive(self, letter: Letter) -> None:
        if (handed := self.handed.get(letter.due.id)) is not None:
            self.model.arrives(letter.due.id, handed.kind, handed.of, handed.tokens)

    def doubt(self, letter: Letter) -> None:
        if (handed := self.handed.get(letter.due.id)) is not None:
            self.model.doubts(letter.due.id, handed.of, handed.tokens)
            self.fail(letter, for_good=False)

    def fail(self, letter: Letter, *, for_good: bool) -> None:
        handed = self.handed.get(letter.due.id)
        if handed is not None and (for_good or self.clock() - letter.due.made_at > OLD):
            for number, bond in handed.of.items():
                self.model.is_refused(bond, {number})

    def look(self, release: Release, looked: bool) -> None:
        """Within a look nothing old is left that was not begun."""
        for worker in self.workers if looked else ():
            self.write(worker)
            for letter in worker.feed:
                handed = self.handed.get(letter.due.id)
                if handed and handed.kind in {"release", "early", "correction"}:
                    assert release.number not in handed.of, "it was not let go"

    # The promise.

    @invariant()
    def it_adds_up(self) -> None:
        PressOffice.steps += 1
        self.taken += 1
        if self.taken % 4 == 0:  # these take longest, and what is wrong stays so
            self.the_proof_adds_up()
            self.the_desk_sees_each_release_as_it_stands()
        self.the_readers_are_those_who_said_yes()

    def the_proof_adds_up(self) -> None:
        found = proof.verify(self.office)
        assert found.ok, [(one.mailing, one.gaps) for one in found.mailings if one.gaps]

    def the_desk_sees_each_release_as_it_stands(self) -> None:
        shown = {
            row.id: (row.state, row.publish_at, row.embargo_until, row.urgent)
            for row in press.listed(self.office, limit=500)
        }
        stands = {
            one.number: (one.state, one.publish_at, one.embargo, one.urgent)
            for one in self.model.releases.values()
        }
        assert shown == stands, sorted(shown.items() ^ stands.items(), key=str)

    def the_readers_are_those_who_said_yes(self) -> None:
        query = (
            select(subscriber.c.lookup, subscription.c.newsroom)
            .join_from(subscription, subscriber)
            .where(subscription.c.state == "active")
        )
        with self.database.read() as connection:
            found = {(row.lookup, row.newsroom) for row in connection.execute(query)}
        assert found == {(one.mailbox, one.room) for one in self.model.bonds if one.active}

    def teardown(self) -> None:
        try:
            if self.workers and sys.exc_info()[0] is None:
                self.all_comes_to_rest()
        finally:
            for worker in self.workers:
                with suppress(Exception):
                    worker.journal.close()
                    worker.presence.let_go()
            self.folder.cleanup()

    def all_comes_to_rest(self) -> None:
        for worker in self.workers:
            self.finish(worker)
        for release in self.model.releases.values():
            with suppress(NotAllowed):
                control.resume(self.office, release.number, who="desk")
        for _ in range(14):
            self.chores_are_done(0)
            for worker in self.workers:
                self.finish(worker)
            self.clock.move(hours=15)
        self.the_proof_adds_up()
        self.the_desk_sees_each_release_as_it_stands()
        for release in self.model.releases.values():
            late = [one for one, let_go in release.expected.items() if let_go]
            assert release.state != "published" or not late, (
                f"{release.number} is not sent in {late}"
            )
        missing = {
            (bond.mailbox, bond.room): found
            for bond in self.model.bonds
            if bond.active and (found := list(self.model.missing(bond)))
        }
        assert not missing, missing

    # Who and what.

    def one_of(self, pick: int, *states: str) -> Release:
        """Some release; of these states if there is one."""
        known = list(self.model.releases.values())
        found = [one for one in known if one.state in states] or known
        return found[-1 - pick % len(found)]

    def worker(self, pick: int) -> ByHand:
        return self.workers[pick % len(self.workers)]

    def fresh_text(self, language: str) -> Text:
        return Text(f"q{next(self.fresh)}q", language)

    def last(self, column: Any) -> int:
        with self.database.read() as connection:
            return connection.scalar(select(func.max(column))) or 0

    def number_of(self, bond: Bond) -> int:
        query = (
            select(subscription.c.id)
            .join(subscriber)
            .where(subscriber.c.lookup == bond.mailbox, subscription.c.newsroom == bond.room)
        )
        with self.database.read() as connection:
            return int(connection.execute(query).scalar_one())


def edition(text: Text) -> Edition:
    """A text by the desk."""
    words = Block("paragraph", (Run(BODY.format(text.token)),))
    return Edition(text.language, TITLE.format(text.token), "Det vigtigste.", (words,))


def withdrawn_with_a_digest_under_way(office: PressOffice) -> None:
    office.clock.move(hours=24)
    office.chores_are_done(0)
    office.the_desk_withdraws(pick=0, looked=True)


def corrected_with_a_digest_under_way(office: PressOffice) -> None:
    office.it_sends_all(0)
    office.clock.move(hours=24)
    office.chores_are_done(0)
    office.the_desk_corrects(pick=0, language="da", silent=False, looked=True)


def moved_to_who_holds_what_is_still_due(office: PressOffice) -> None:
    office.it_sends(0, 1, ACCEPTED, took=True)
    office.clock.move(hours=1)
    office.a_reader_moves(MAILBOXES[3], MAILBOXES[0], "um")


def corrected_while_a_source_shows_the_old_words(office: PressOffice) -> None:
    office.the_source_shows("new", 0)
    office.the_desk_corrects(pick=0, language="da", silent=False, looked=True)
    office.clock.move(minutes=1)
    office.the_source_shows("rename", 1)
    office.the_desk_sees_each_release_as_it_stands()


def translated_after_its_reader_turned_to_digests(office: PressOffice) -> None:
    office.it_sends_all(0)
    office.a_reader_chooses(MAILBOXES[0], "um", frequency="daily")
    office.the_desk_translates(pick=0, let_go=True)


STORIES = [
    withdrawn_with_a_digest_under_way,
    corrected_with_a_digest_under_way,
    moved_to_who_holds_what_is_still_due,
    corrected_while_a_source_shows_the_old_words,
    translated_after_its_reader_turned_to_digests,
]
"""Where it went wrong once."""


@pytest.mark.parametrize("story", STORIES, ids=[one.__name__ for one in STORIES])
def test_a_story_ends_well(story: Callable[[PressOffice], None], sqlite_url: str) -> None:
    PressOffice.database = Mortal(sqlite_url)
    with WebSource() as PressOffice.server:
        office = PressOffice()
        office.the_office_opens(STARTS[0], "da")
        office.a_reader_chooses(MAILBOXES[1], "um", merged=False)
        story(office)
        office.teardown()
    PressOffice.database.close()


def tell(url: str, steps: int) -> None:
    """Tell stories until so many steps were taken."""
    PressOffice.database = Mortal(url)
    PressOffice.steps = 0
    terms = settings(
        max_examples=max(1, min(steps // STORY, 25)),
        stateful_step_count=STORY,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with WebSource() as PressOffice.server:
        while PressOffice.steps < steps:
            run_state_machine_as_test(PressOffice, settings=terms)
    PressOffice.database.close()


@pytest.mark.timeout(0 if STEPS else 180)
def test_everybody_gets_what_they_asked_for_on_sqlite(sqlite_url: str) -> None:
    tell(sqlite_url, STEPS or 160)


@pytest.mark.postgresql
@pytest.mark.timeout(0 if STEPS else 180)
def test_everybody_gets_what_they_asked_for_on_postgresql(postgresql_url: str) -> None:
    tell(postgresql_url, STEPS or 40)
