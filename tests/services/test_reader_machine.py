"""A reader's whole life in any order: signing up, choosing, moving, leaving, coming back, being erased.

Three mailboxes, two newsrooms; strangers may ask for anything in anybody's name, scanners open every link,
old links and old mails are pressed at any time. At every step:

    active is exactly who said yes last with their own mailbox: by confirming, by coming back, by moving
    there, or on a list
    each subscription is as its last decisive entry says, and chosen as its last choice says
    looking changes nothing
    who was erased is named nowhere, until somebody asks anew in their name

`MAILER_TEST_STEPS=10000` runs so many steps instead of the usual few.
"""

import itertools
import os
from contextlib import suppress
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from support.all_rows import everything, take_out
from support.choosing import ASKED, PAGE, manage_token
from support.offices import KEFM, UM, Clock, make_office
from support.readers import WORDING
from support.waiting_mail import all_accepted

from mailer.core.address import parse_address
from mailer.core.choice import Choice, from_plain
from mailer.core.consent import ENDS, GRANTS
from mailer.core.delivery import NOTICES
from mailer.core.errors import AddressRefused, LinkOver, NotAllowed, NotFound, TryLater
from mailer.core.newsroom import Newsroom, Topic
from mailer.core.token import LinkPurpose
from mailer.services import (
    choices,
    confirmation,
    erasing,
    imports,
    leaving,
    links,
    moving,
    people,
    rejoining,
    signup,
    waiting,
)
from mailer.services.moving import Wish
from mailer.sources.address_list import Listed
from mailer.store.database import Database
from mailer.store.tables import consent, manage_link, move, request, subscriber, subscription

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "250"))
MAILBOXES = 3
_fresh = itertools.count()

TOPICS = (Topic("sea", (("en", "The sea"),)), Topic("air", (("en", "The air"),)))
ROOMS = {
    room.key: room
    for room in (
        Newsroom(**{name: getattr(each, name) for name in each.__slots__} | {"topics": TOPICS})
        for each in (UM, KEFM)
    )
}
mailboxes = st.integers(0, MAILBOXES - 1)
rooms = st.sampled_from(sorted(ROOMS))
chosen = st.builds(
    Choice,
    languages=st.just(("en",)),
    topics=st.sampled_from([None, ("sea",), ("air",), ("sea", "air")]),
)

Place = tuple[str, str]
"""A mailbox and a newsroom."""


class Lives(RuleBasedStateMachine):
    """What everybody may do, and who is a reader by now."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        number = next(_fresh)
        self.names = [f"{letter}{number}@example.org" for letter in "abc"]
        self.clock = Clock()
        self.office = make_office(self.database, self.clock, newsrooms=ROOMS)
        take_out(self.database)
        self.readers: set[Place] = set()
        self.erased: set[str] = set()
        self.moved_on: set[str] = set()
        self.suppressed: set[str] = set()
        self.numbers: set[int] = set()
        for mailbox, room in ((0, "um"), (0, "kefm"), (1, "um")):
            self.somebody_signs_up(mailbox, room)
            self.confirm(self.requests("signup")[-1])
        self.somebody_asks_for_the_choices(0, "um")

    # Asking: by the reader or by a stranger, nobody can tell; it makes nobody a reader.

    @rule(mailbox=mailboxes, room=rooms)
    def somebody_signs_up(self, mailbox: int, room: str) -> None:
        name = self.names[mailbox]
        signup.subscribe(
            self.office,
            newsroom=ROOMS[room],
            address=parse_address(name),
            language="en",
            wording=WORDING,
            origin=PAGE,
        )
        self.erased.discard(name)

    @rule(mailbox=mailboxes, room=rooms)
    def somebody_asks_for_the_choices(self, mailbox: int, room: str) -> None:
        links.ask(
            self.office,
            newsroom=ROOMS[room],
            address=parse_address(self.names[mailbox]),
            language="en",
            origin=ASKED,
        )

    @precondition(lambda self: self.links())
    @rule(data=st.data(), to=mailboxes)
    def somebody_wishes_to_move(self, data: st.DataObject, to: int) -> None:
        token = manage_token(self.office, data.draw(st.sampled_from(self.links())))
        wish = Wish(parse_address(self.names[to]), "To the new address.", PAGE)
        with suppress(AddressRefused, NotAllowed, LinkOver):
            moving.ask(self.office, token=token, wish=wish)
            self.erased.discard(self.names[to])

    # Answering: with what was mailed to a mailbox, at any time, as often as one likes.

    @precondition(lambda self: self.requests("signup"))
    @rule(data=st.data())
    def a_sign_up_is_confirmed(self, data: st.DataObject) -> None:
        self.confirm(data.draw(st.sampled_from(self.requests("signup"))))

    @precondition(lambda self: self.requests("move"))
    @rule(data=st.data())
    def a_move_is_confirmed(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.requests("move")))
        was_open, (to, _) = self.request(number)
        source = self.moves_from(number)
        with suppress(TryLater):
            view = moving.confirm(self.office, request_id=number, origin=PAGE)
            if was_open and view is not None and view.state == "confirmed":
                self.moved_on.add(str(source))
                theirs = {room for name, room in self.readers if name == source}
                self.readers = {one for one in self.readers if one[0] != source}
                self.readers |= {(to, room) for room in theirs}

    @precondition(lambda self: self.links())
    @rule(data=st.data(), room=rooms, choice=chosen)
    def a_choice_is_made(self, data: st.DataObject, room: str, choice: Choice) -> None:
        token = manage_token(self.office, data.draw(st.sampled_from(self.links())))
        with suppress(LinkOver, NotFound, NotAllowed):
            found = choices.read(self.office, token=token)
            mark = next(
                (choices.mark_of(one) for one in found.subscriptions if one.newsroom == room), ""
            )
            choices.change(
                self.office, token=token, newsroom_key=room, choice=choice, mark=mark, origin=PAGE
            )

    @precondition(lambda self: self.links())
    @rule(data=st.data(), room=rooms, all_of_it=st.booleans())
    def the_choices_end_it(self, data: st.DataObject, room: str, all_of_it: bool) -> None:
        token = manage_token(self.office, data.draw(st.sampled_from(self.links())))
        with suppress(LinkOver, NotFound, NotAllowed):
            key = None if all_of_it else room
            result = choices.end(self.office, token=token, newsroom_key=key, origin=PAGE)
            assert set(result.ended) <= set(ROOMS if all_of_it else [room])
            self.readers -= {(result.link.mailbox, ended) for ended in result.ended}

    @precondition(lambda self: self.links())
    @rule(data=st.data())
    def a_reader_is_erased(self, data: st.DataObject) -> None:
        token = manage_token(self.office, data.draw(st.sampled_from(self.links())))
        with suppress(LinkOver):
            name = choices.read(self.office, token=token).mailbox
            erasing.erase(self.office, token=token, origin=PAGE)
            self.is_erased(name)

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def a_leave_link_is_pressed(self, data: st.DataObject) -> None:
        """Of any mail that ever went out, whoever has the subscription by now."""
        number = data.draw(st.sampled_from(sorted(self.numbers)))
        token = self.office.keys.tokens.sign(LinkPurpose.LEAVE, number, self.clock())
        before = self.active()
        view = leaving.leave(self.office, token=token, origin=PAGE)
        if view is not None:
            assert view.state == "ended"
            self.readers.discard((view.mailbox, view.newsroom_key))
            assert len(before - self.active()) <= 1

    @precondition(lambda self: self.departures())
    @rule(data=st.data())
    def a_way_back_is_pressed(self, data: st.DataObject) -> None:
        entry, place = data.draw(st.sampled_from(self.departures()))
        token = self.office.keys.tokens.sign(LinkPurpose.REJOIN, entry, self.clock())
        before = self.active()
        with suppress(NotFound):
            rejoining.rejoin(self.office, token=token, language="en", origin=PAGE)
        if self.active() != before:
            assert self.active() - before == {place}
            self.readers.add(place)

    # What operators do, and time.

    @rule(mailbox=mailboxes, room=rooms)
    def a_list_is_imported(self, mailbox: int, room: str) -> None:
        name = self.names[mailbox]
        (batch,) = imports.import_people(
            self.office, newsroom=ROOMS[room], people=[Listed(1, name)], evidence="Sign-up sheet"
        )
        if batch.tally.imported:
            assert name not in self.erased | self.suppressed
            self.readers.add((name, room))

    @rule(mailbox=mailboxes)
    def the_office_erases(self, mailbox: int) -> None:
        name = self.names[mailbox]
        with suppress(NotFound):
            erasing.erase_for(self.office, address=parse_address(name), who="anna")
            self.is_erased(name)

    @rule(mailbox=mailboxes)
    def the_address_is_suppressed(self, mailbox: int) -> None:
        name = self.names[mailbox]
        people.suppress(self.office, address=parse_address(name), reason="complaint")
        self.suppressed.add(name)
        self.readers = {one for one in self.readers if one[0] != name}

    @rule()
    def scanners_open_every_link(self) -> None:
        before = everything(self.database)
        sign, now = self.office.keys.tokens.sign, self.clock()
        for number in self.requests("signup"):
            with suppress(NotFound):
                confirmation.read_request(self.office, token=sign(LinkPurpose.CONFIRM, number, now))
        for number in self.requests("move"):
            moving.read(self.office, request_id=number)
        for number in self.links():
            with suppress(LinkOver):
                choices.read(self.office, token=manage_token(self.office, number))
        for number in self.numbers:
            leaving.read_leave(self.office, token=sign(LinkPurpose.LEAVE, number, now))
        for entry, _ in self.departures():
            with suppress(NotFound):
                rejoining.read_rejoin(self.office, token=sign(LinkPurpose.REJOIN, entry, now))
        assert everything(self.database) == before

    @rule(minutes=st.sampled_from([1, 11, 11, 60, 25 * 60, 80 * 60, 200 * 60]))
    def time_passes(self, minutes: int) -> None:
        all_accepted(self.office, list(NOTICES))
        self.clock.move(minutes=minutes)
        waiting.tend(self.office)

    @invariant()
    def active_is_who_said_yes(self) -> None:
        assert self.active() == self.readers
        assert not {name for name, _ in self.readers} & self.suppressed

    @invariant()
    def the_history_says_the_same(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(select(subscription)).all()
            entries = connection.execute(select(consent).order_by(consent.c.id)).all()
        self.numbers |= {row.id for row in rows}
        said = {one.subscription_id: one.act for one in entries if one.act in {*GRANTS, *ENDS}}
        chose = {one.subscription_id: one.choice for one in entries if one.choice is not None}
        for row in rows:
            assert (row.state == "active") == (said.get(row.id) in GRANTS)
            if row.state == "active" and row.id in chose:
                topics = from_plain(chose[row.id]).topics
                assert topics == (None if row.topics is None else tuple(row.topics))

    @invariant()
    def the_erased_are_named_nowhere(self) -> None:
        kept = repr(everything(self.database)) if self.erased else ""
        assert not [name for name in self.erased if name in kept]

    def confirm(self, number: int) -> None:
        token = self.office.keys.tokens.sign(LinkPurpose.CONFIRM, number, self.clock())
        was_open, place = self.request(number)
        after = confirmation.confirm(self.office, token=token, origin=PAGE)
        if was_open and after.state == "confirmed":
            self.readers.add(place)

    def is_erased(self, name: str) -> None:
        self.readers = {one for one in self.readers if one[0] != name}
        if name not in self.moved_on:  # what was moved is another mailbox's history by now
            self.erased.add(name)

    def active(self) -> set[Place]:
        query = (
            select(subscriber.c.lookup, subscription.c.newsroom)
            .join_from(subscription, subscriber)
            .where(subscription.c.state == "active")
        )
        with self.database.read() as connection:
            return {(row.lookup, row.newsroom) for row in connection.execute(query)}

    def requests(self, kind: str) -> list[int]:
        """Those of a kind that are kept; what is not open was mailed once, or could have been."""
        query = select(request.c.id).where(request.c.kind == kind).order_by(request.c.id)
        with self.database.read() as connection:
            return list(connection.scalars(query))

    def request(self, number: int) -> tuple[bool, Place]:
        """Whether it can still be confirmed, and by whom for what."""
        query = (
            select(
                request.c.state, request.c.expires_at, subscriber.c.lookup, subscription.c.newsroom
            )
            .join_from(request, subscription, request.c.subscription_id == subscription.c.id)
            .join(subscriber)
            .where(request.c.id == number)
        )
        with self.database.read() as connection:
            row = connection.execute(query).one()
        return row.state == "open" and row.expires_at > self.clock(), (row.lookup, row.newsroom)

    def moves_from(self, number: int) -> str | None:
        query = (
            select(subscriber.c.lookup)
            .join_from(move, subscriber, move.c.subscriber_id == subscriber.c.id)
            .where(move.c.request_id == number)
        )
        with self.database.read() as connection:
            return connection.scalar(query)

    def links(self) -> list[int]:
        with self.database.read() as connection:
            return list(connection.scalars(select(manage_link.c.id).order_by(manage_link.c.id)))

    def departures(self) -> list[tuple[int, Place]]:
        """Entries of leaving within a week, and who left what."""
        query = (
            select(consent.c.id, subscriber.c.lookup, subscription.c.newsroom)
            .join_from(consent, subscription)
            .join(subscriber)
            .where(consent.c.act == "left", consent.c.at > self.clock() - timedelta(days=6))
            .order_by(consent.c.id)
        )
        with self.database.read() as connection:
            return [(row.id, (row.lookup, row.newsroom)) for row in connection.execute(query)]


def test_lives(sqlite_database: Database) -> None:
    Lives.database = sqlite_database
    length = min(STEPS, 50)
    run_state_machine_as_test(
        Lives,
        settings=settings(max_examples=max(1, STEPS // length), stateful_step_count=length),
    )
