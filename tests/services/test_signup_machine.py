"""Any order of sign-ups, presses, departures, imports and suppressions keeps the promise of consent."""

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import String, bindparam, cast, literal, select
from support.offices import UM, Clock, make_office
from support.readers import PAGE, confirm_token, leave_token, sign_up

from mailer.core.address import parse_address
from mailer.core.consent import ENDS, GRANTS, Reply
from mailer.services import imports, people, signup
from mailer.sources.address_list import Listed
from mailer.store.database import Database
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent, request, subscriber, subscription

readers = st.sampled_from([0, 1])
languages = st.sampled_from(["da", "en"])
_fresh = itertools.count()

STANDING = (
    select(
        subscriber.c.lookup,
        subscription.c.id,
        subscription.c.state,
        subscription.c.languages,
        subscription.c.generation,
    )
    .join_from(subscription, subscriber)
    .where(subscriber.c.lookup.in_(bindparam("names", expanding=True)))
)
DECISIVE = (
    select(subscriber.c.lookup, consent.c.act)
    .join_from(consent, subscription)
    .join(subscriber)
    .where(
        subscriber.c.lookup.in_(bindparam("names", expanding=True)),
        consent.c.act.in_([*GRANTS, *ENDS]),
    )
    .order_by(consent.c.id)
)
OWED = (
    select(delivery.c.purpose)
    .join_from(delivery, subscription)
    .join(subscriber)
    .where(subscriber.c.lookup.in_(bindparam("names", expanding=True)))
)
UNMAILED = select(request.c.id).where(
    request.c.state == "open",
    ~select(delivery.c.id)
    .where(delivery.c.cause == literal("request:") + cast(request.c.id, String))
    .exists(),
)


class Readers(RuleBasedStateMachine):
    """Two mailboxes at one newsroom; everything that may happen to them, in any order."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        number = next(_fresh)
        self.names = [f"a{number}@example.org", f"b{number}@example.org"]
        self.clock = Clock()
        self.office = make_office(self.database, self.clock)
        self.tokens: list[str] = []
        self.mailed = dict.fromkeys(self.names, 0)
        self.pressed = dict.fromkeys(self.names, 0)
        self.suppressed: set[str] = set()

    @rule(reader=readers, language=languages)
    def somebody_signs_up(self, reader: int, language: str) -> None:
        name = self.names[reader]
        before = self.standing(name)
        reply = sign_up(self.office, name, language=language)
        self.tokens.append(confirm_token(self.office))
        self.mailed[name] += reply is not Reply.SILENCE
        if name in self.suppressed:
            assert reply is Reply.SILENCE
        if before is not None:
            assert self.standing(name) == before

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def a_confirm_link_is_pressed(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        name = signup.read_request(self.office, token=token).mailbox
        before = self.standing(name)
        shown = signup.read_request(self.office, token=token).state
        after = signup.confirm(self.office, token=token, origin=PAGE).state
        if shown == "open":
            assert after == "confirmed"
            assert self.state(name) == "active"
            self.pressed[name] += 1
        else:
            assert after == shown
            assert self.standing(name) == before
        assert signup.confirm(self.office, token=token, origin=PAGE).state == after

    @rule(reader=readers)
    def a_leave_link_is_pressed(self, reader: int) -> None:
        name = self.names[reader]
        number = self.number(name)
        if number is None:
            return
        was = self.state(name)
        token = leave_token(self.office, number)
        assert signup.leave(self.office, token=token, origin=PAGE).state == "ended"
        assert self.state(name) == "ended"
        self.pressed[name] += was != "ended"

    @rule(reader=readers)
    def a_list_is_imported(self, reader: int) -> None:
        name = self.names[reader]
        was = self.state(name)
        listed = [Listed(1, name), Listed(2, name.upper())]
        (batch,) = imports.import_people(
            self.office, newsroom=UM, people=listed, evidence="Sign-up sheet"
        )
        if was == "ended" or name in self.suppressed:
            assert batch.tally.refused == 2
            assert self.state(name) == was
        else:
            assert batch.tally.imported == (was != "active")
            assert self.state(name) == "active"
            self.pressed[name] += batch.tally.imported

    @rule(reader=readers)
    def the_office_ends_it(self, reader: int) -> None:
        name = self.names[reader]
        if self.number(name) is None:
            return
        ended = people.end(
            self.office, address=parse_address(name), reason="Asked by phone", who="anna"
        )
        self.pressed[name] += len(ended)
        assert self.state(name) == "ended"

    @rule(reader=readers)
    def the_address_is_suppressed(self, reader: int) -> None:
        name = self.names[reader]
        ended = people.suppress(self.office, address=parse_address(name), reason="complaint")
        self.pressed[name] += len(ended)
        self.suppressed.add(name)

    @rule(minutes=st.sampled_from([1, 11, 24 * 60, 80 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock.move(minutes=minutes)
        for name in self.names:
            self.pressed[name] += minutes > 10  # the interval has passed: one more mail is allowed
        signup.expire_requests(self.office)

    @invariant()
    def the_promise_holds(self) -> None:
        names = {"names": self.names}
        with self.database.read() as connection:
            standing = connection.execute(STANDING, names).all()
            history = connection.execute(DECISIVE, names).all()
            owed = list(connection.scalars(OWED, names))
            unmailed = connection.scalars(UNMAILED).all()
        decisive = {row.lookup: row.act for row in history}  # the last entry of each wins
        for row in standing:
            assert (row.state == "active") == (decisive.get(row.lookup) in GRANTS)
            assert not (row.state == "active" and row.lookup in self.suppressed)
        for name in self.names:
            assert self.mailed[name] <= 1 + self.pressed[name]
        assert len(owed) == sum(self.mailed.values()) + owed.count("welcome")
        assert unmailed == []

    def standing(self, name: str) -> tuple[object, ...] | None:
        with self.database.read() as connection:
            row = connection.execute(STANDING, {"names": [name]}).one_or_none()
        return None if row is None else (row.id, row.state, tuple(row.languages), row.generation)

    def state(self, name: str) -> str | None:
        found = self.standing(name)
        return None if found is None else str(found[1])

    def number(self, name: str) -> int | None:
        found = self.standing(name)
        return None if found is None else int(str(found[0]))


def test_readers(sqlite_database: Database) -> None:
    Readers.database = sqlite_database
    run_state_machine_as_test(
        Readers, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )
