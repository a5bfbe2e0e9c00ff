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

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
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
from sqlalchemy import select
from support.desk import ACCEPTED, UNKNOWN
from support.mortal import Mortal
from support.press_acts import MAILBOXES, READERS, ROOMS, STARTS, acts
from support.press_facts import Choice
from support.press_readers import PressReaders
from support.web_source import WebSource

from mailer.core.address import parse_address
from mailer.core.errors import NotAllowed
from mailer.services import accreditation, control, imports, press, proof
from mailer.services.accreditation import Grant
from mailer.sources.address_list import Listed
from mailer.store.tables import subscriber, subscription

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "0"))
STORY = 40
"""Steps of one story."""


class PressOffice(PressReaders, RuleBasedStateMachine):
    """Stories of a press office, of its readers and its dispatchers."""

    steps = 0

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
        self.clock.move(microseconds=1)  # one thing is done after the other
        getattr(self, name)(**terms)

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
        for _ in range(17):  # a week, after the last that is still to be published
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


def came_back_before_their_row_was_written(office: PressOffice) -> None:
    office.a_release_comes("um", "en", 0, 0, urgent=True, let_go=True)
    office.chores_are_done(1)
    office.a_reader_moves(MAILBOXES[2], MAILBOXES[1], "kefm")
    office.a_reader_signs_up(MAILBOXES[2], "um", "da", confirms=True)


def corrected_without_a_word_before_the_notice_went(office: PressOffice) -> None:
    office.it_sends_all(0)
    office.the_desk_corrects(0, "da", silent=False, looked=False)
    office.the_desk_corrects(0, "da", silent=True, looked=False)


def moved_to_who_left_before_theirs_went(office: PressOffice) -> None:
    office.a_release_comes("kefm", "en da", 0, 0, urgent=False, let_go=True)
    office.clock.move(hours=11)
    office.chores_are_done(0)
    office.a_reader_leaves(MAILBOXES[0], "kefm")
    office.clock.move(microseconds=1)
    office.a_reader_moves(MAILBOXES[4], MAILBOXES[0], "um")
    office.clock.move(hours=22)


def moved_while_what_lay_in_a_digest_was_corrected(office: PressOffice) -> None:
    office.a_reader_chooses(MAILBOXES[1], "um", frequency="daily", merged=True)
    office.a_release_comes("kefm", "da en", 0, 3, urgent=False, let_go=True)
    office.time_passes(11, watched=True)
    office.it_takes(0, 2)
    office.time_passes(19, watched=True)
    office.the_desk_corrects(pick=0, language="da", silent=False, looked=True)
    office.clock.move(microseconds=1)
    office.a_reader_moves(MAILBOXES[1], MAILBOXES[2], "kefm")


def moved_to_whose_digest_is_in_doubt(office: PressOffice) -> None:
    office.it_sends_all(0)
    office.time_passes(100, watched=True)
    office.it_sends(0, 3, UNKNOWN, took=False)
    office.a_reader_moves(MAILBOXES[0], MAILBOXES[1], "um")


STORIES = [
    withdrawn_with_a_digest_under_way,
    corrected_with_a_digest_under_way,
    moved_to_who_holds_what_is_still_due,
    corrected_while_a_source_shows_the_old_words,
    translated_after_its_reader_turned_to_digests,
    came_back_before_their_row_was_written,
    corrected_without_a_word_before_the_notice_went,
    moved_to_who_left_before_theirs_went,
    moved_while_what_lay_in_a_digest_was_corrected,
    moved_to_whose_digest_is_in_doubt,
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
        derandomize=not STEPS,  # the same stories each time; a long run tells others
        suppress_health_check=list(HealthCheck),
    )
    with WebSource() as PressOffice.server:
        while PressOffice.steps < steps:
            run_state_machine_as_test(PressOffice, settings=terms)
    PressOffice.database.close()


@pytest.mark.timeout(0 if STEPS else 180)
def test_everybody_gets_what_they_asked_for_on_sqlite(sqlite_url: str) -> None:
    tell(sqlite_url, STEPS or 120)


@pytest.mark.postgresql
@pytest.mark.timeout(0 if STEPS else 180)
def test_everybody_gets_what_they_asked_for_on_postgresql(postgresql_url: str) -> None:
    tell(postgresql_url, STEPS or 40)
