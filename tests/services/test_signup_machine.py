"""Any order of sign-ups, presses, codes, departures, imports and suppressions keeps the promise of consent.

Strangers sign others up, scanners open every link, readers lose mails, deny them, come back, or never
answer and are forgotten. At every step:

    active is who said yes last, and nobody who must not be mailed
    a request confirms what it asked, and what anybody asked for elsewhere or later changes nothing
    looking changes nothing
    two mails to confirm are all that a pending reader gets until they answer or are forgotten, and no two
    answers to sign-ups come within ten minutes
    who was forgotten has left nothing, and no old link opens what came after

`MAILER_TEST_STEPS=10000` runs so many steps instead of the usual few.
"""

import itertools
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
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
from support.all_rows import everything, take_out
from support.offices import UM, Clock, make_office
from support.readers import PAGE, last_departure, leave_token
from support.waiting_mail import (
    all_accepted,
    newest_request,
    page_of,
    right_code,
    type_code,
    wrong_code,
)

from mailer.core.address import parse_address
from mailer.core.consent import ENDS, GRANTS, MOST_CONFIRMATION_MAILS, NOT_ME
from mailer.core.delivery import NOTICES
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.token import LinkPurpose
from mailer.services import (
    codes,
    confirmation,
    imports,
    leaving,
    not_me,
    people,
    rejoining,
    signup,
    waiting,
)
from mailer.services.codes import Entry
from mailer.services.not_me import Standing
from mailer.sources.address_list import Listed
from mailer.store.database import Database
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent, request, subscriber, subscription

readers = st.sampled_from([0, 1])
languages = st.sampled_from(["da", "en"])
_fresh = itertools.count()

STEPS = int(os.environ.get("MAILER_TEST_STEPS", "300"))
INTERVAL = timedelta(minutes=10)

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


OVERDUE = select(subscription.c.id).where(
    subscription.c.state == "pending",
    ~select(request.c.id)
    .where(
        request.c.subscription_id == subscription.c.id,
        request.c.state != "answered",
        request.c.made_at > bindparam("then"),
    )
    .exists(),
    ~select(request.c.id)
    .where(
        request.c.subscription_id == subscription.c.id,
        request.c.tend_at > bindparam("then") + timedelta(days=7),
    )
    .exists(),
)


@dataclass(frozen=True)
class Asked:
    """A sign-up as it was answered: whose, when, which request, which page."""

    name: str
    request_id: int
    language: str
    at: datetime
    page: str


class Readers(RuleBasedStateMachine):
    """Two mailboxes at one newsroom; everything that may happen to them, in any order."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        number = next(_fresh)
        self.names = [f"a{number}@example.org", f"b{number}@example.org"]
        self.clock = Clock()
        self.office = make_office(self.database, self.clock)
        take_out(self.database)
        self.asked: list[Asked] = []
        self.renewed: set[int] = set()
        self.unanswered = dict.fromkeys(self.names, 0)
        self.last_mail: dict[str, datetime] = {}
        self.suppressed: dict[str, str] = {}
        self.departures: list[tuple[int, int, datetime]] = []

    @rule(reader=readers, language=languages)
    def somebody_signs_up(self, reader: int, language: str) -> None:
        """The reader, or a stranger: nobody can tell."""
        name = self.names[reader]
        before, mails = self.standing(name), self.mails(name)
        page = page_of(self.office, name, language=language)
        number = newest_request(self.office)
        self.asked.append(Asked(name, number, language, self.clock(), page))
        if name in self.suppressed:
            assert self.mails(name) == mails
        if before is not None:
            assert self.standing(name) == before
        self.note_mails(name, self.mails(name) - mails)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def a_confirm_link_is_pressed(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asked))
        token = self.token(LinkPurpose.CONFIRM, one)
        before = self.standing(one.name)
        if not self.is_kept(one):
            with pytest.raises(NotFound):
                confirmation.confirm(self.office, token=token, origin=PAGE)
            return
        shown = confirmation.read_request(self.office, token=token).state
        after = confirmation.confirm(self.office, token=token, origin=PAGE).state
        if shown == "open":
            assert after == "confirmed"
            self.has_confirmed(one)
        else:
            assert after == shown
            assert self.standing(one.name) == before
        assert confirmation.confirm(self.office, token=token, origin=PAGE).state == after

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), right=st.booleans())
    def a_code_is_typed(self, data: st.DataObject, right: bool) -> None:
        """On the page of a sign-up: the code of some mail, or one of none."""
        page, mail = (data.draw(st.sampled_from(self.asked[-6:])) for _ in range(2))
        before = [self.standing(name) for name in self.names]
        was = self.request_state(mail)
        numbers = [one.request_id for one in self.asked]
        code = (
            right_code(self.office, mail.request_id) if right else wrong_code(self.office, *numbers)
        )
        came_of_it = type_code(self.office, page.page, code).entry
        if came_of_it is Entry.RIGHT:
            assert right
            assert page.name == mail.name
            assert self.clock() - page.at <= timedelta(minutes=30)
            assert self.request_state(mail) == "confirmed"
            if was == "open":
                self.has_confirmed(mail)
            else:
                assert [self.standing(name) for name in self.names] == before
        else:
            assert [self.standing(name) for name in self.names] == before

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def it_was_not_me(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asked))
        token = self.token(LinkPurpose.NOT_ME, one)
        was, shown = self.state(one.name), not_me.read(self.office, token=token).state
        after = not_me.refuse(self.office, token=token, origin=PAGE).state
        if not self.is_kept(one):
            assert after is Standing.GONE
        elif was == "active":
            assert after is Standing.ACTIVE
            assert self.state(one.name) == "active"
        else:
            assert self.suppressed.setdefault(one.name, NOT_ME)
            assert after is Standing.DONE
            assert self.state(one.name) == "ended" or shown is Standing.DONE
            self.has_answered(one.name, shown is Standing.OPEN)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def not_me_is_taken_back(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asked))
        token = self.token(LinkPurpose.NOT_ME, one)
        shown = not_me.read(self.office, token=token).state
        before = self.standing(one.name)
        after = not_me.undo(self.office, token=token, origin=PAGE).state
        assert self.state(one.name) == (None if before is None else str(before[1]))
        if shown is Standing.DONE:
            assert after is Standing.OPEN
            if self.suppressed.get(one.name) == NOT_ME:
                del self.suppressed[one.name]
            self.has_answered(one.name, True)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def a_fresh_mail_is_asked_for(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asked))
        token = self.token(LinkPurpose.CONFIRM, one)
        before, mails = self.standing(one.name), self.mails(one.name)
        try:
            _, page = signup.renew(self.office, token=token, origin=PAGE)
        except (NotAllowed, NotFound):
            assert self.mails(one.name) == mails
            return
        assert self.standing(one.name) == before
        number, sent = newest_request(self.office), self.mails(one.name) - mails
        self.asked.append(Asked(one.name, number, one.language, self.clock(), page))
        if sent and self.state(one.name) != "active":
            assert one.request_id not in self.renewed
            self.renewed.add(one.request_id)
            self.unanswered[one.name] = 0
        self.note_mails(one.name, sent)

    @precondition(lambda self: self.asked)
    @rule()
    def a_scanner_opens_every_link(self) -> None:
        before = everything(self.database)
        for one in self.asked:
            for look, purpose in ((confirmation.read_request, "confirm"), (not_me.read, "not-me")):
                with suppress(NotFound):
                    look(self.office, token=self.token(LinkPurpose(purpose), one))
            codes.read_page(self.office, token=one.page)
        assert everything(self.database) == before

    @rule(reader=readers)
    def a_leave_link_is_pressed(self, reader: int) -> None:
        name = self.names[reader]
        number = self.number(name)
        if number is None:
            return
        was = self.state(name)
        token = leave_token(self.office, number)
        left = leaving.leave(self.office, token=token, origin=PAGE)
        assert left is not None
        assert left.state == "ended"
        assert self.state(name) == "ended"
        self.has_answered(name, was != "ended")
        if was == "active":
            self.departures.append((last_departure(self.office, number), number, self.clock()))

    @precondition(lambda self: self.departures)
    @rule(data=st.data())
    def a_way_back_is_pressed(self, data: st.DataObject) -> None:
        entry, number, at = data.draw(st.sampled_from(self.departures))
        name = next(name for name in self.names if self.number(name) == number)
        token = self.office.keys.tokens.sign(LinkPurpose.REJOIN, entry, at)
        before = self.standing(name)
        last = last_departure(self.office, number) == entry
        views = [
            rejoining.rejoin(self.office, token=token, language="da", origin=PAGE) for _ in range(2)
        ]
        assert views[0] == views[1]
        late = self.clock() - at > timedelta(days=7)
        if self.state(name) == "active" and before != self.standing(name):
            assert last
            assert not late
            assert name not in self.suppressed
            self.has_answered(name, True)
        else:
            assert before == self.standing(name)
            assert not last or late or name in self.suppressed or self.state(name) == "active"

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
            self.has_answered(name, bool(batch.tally.imported))

    @rule(reader=readers)
    def the_office_ends_it(self, reader: int) -> None:
        name = self.names[reader]
        if self.number(name) is None:
            return
        ended = people.end(
            self.office, address=parse_address(name), reason="Asked by phone", who="anna"
        )
        self.has_answered(name, bool(ended))
        assert self.state(name) == "ended"

    @rule(reader=readers)
    def the_address_is_suppressed(self, reader: int) -> None:
        name = self.names[reader]
        ended = people.suppress(self.office, address=parse_address(name), reason="complaint")
        self.has_answered(name, bool(ended))
        self.suppressed.setdefault(name, "complaint")

    @rule(minutes=st.sampled_from([1, 11, 24 * 60, 80 * 60, 200 * 60]), sent=st.booleans())
    def time_passes(self, minutes: int, sent: bool) -> None:
        """And upkeep looks around, as it does all the time; `sent`: a dispatcher was at work before."""
        if sent:
            all_accepted(self.office, list(NOTICES))
        self.clock.move(minutes=minutes)
        before = {name: self.mails(name) for name in self.names}
        was = {name: self.state(name) for name in self.names}
        waiting.tend(self.office)
        for name in self.names:
            if was[name] is not None and self.state(name) is None:
                assert was[name] == "pending"
                self.has_answered(name, True)
                continue
            reminded = self.mails(name) - before[name]
            assert reminded <= 1
            assert not reminded or (sent and was[name] != "active" and name not in self.suppressed)
            self.unanswered[name] += reminded
        assert not self.overdue()

    @invariant()
    def the_promise_holds(self) -> None:
        names = {"names": self.names}
        with self.database.read() as connection:
            standing = connection.execute(STANDING, names).all()
            history = connection.execute(DECISIVE, names).all()
            unmailed = connection.scalars(UNMAILED).all()
        decisive = {row.lookup: row.act for row in history}  # the last entry of each wins
        for row in standing:
            assert (row.state == "active") == (decisive.get(row.lookup) in GRANTS)
            assert not (row.state == "active" and row.lookup in self.suppressed)
        assert max(self.unanswered.values()) <= MOST_CONFIRMATION_MAILS
        assert unmailed == []

    def note_mails(self, name: str, sent: int) -> None:
        """A sign-up was answered by so many mails."""
        assert sent <= 1
        if sent:
            last = self.last_mail.get(name)
            assert last is None or self.clock() - last >= INTERVAL
            self.last_mail[name] = self.clock()
            self.unanswered[name] += self.state(name) != "active"

    def has_confirmed(self, one: Asked) -> None:
        """By whichever way; it did what this very request asked."""
        found = self.standing(one.name)
        assert found is not None
        assert found[1:3] == ("active", (one.language,))
        assert self.request_state(one) == "confirmed"
        self.has_answered(one.name, True)

    def has_answered(self, name: str, anew: bool) -> None:
        """What came before counts no longer; without effect where nothing was decided."""
        if anew:
            self.unanswered[name] = 0
            self.last_mail.pop(name, None)

    def token(self, purpose: LinkPurpose, one: Asked) -> str:
        return self.office.keys.tokens.sign(purpose, one.request_id, one.at)

    def request_state(self, one: Asked) -> str | None:
        with self.database.read() as connection:
            return connection.scalar(select(request.c.state).where(request.c.id == one.request_id))

    def is_kept(self, one: Asked) -> bool:
        return self.request_state(one) is not None

    def mails(self, name: str) -> int:
        """How many mails that answer sign-ups, or remind of them, are on record."""
        with self.database.read() as connection:
            owed = list(connection.scalars(OWED, {"names": [name]}))
        return sum(purpose in {"confirm", "reminder", "already"} for purpose in owed)

    def overdue(self) -> list[int]:
        """Pending readers who were mailed a link a week ago or more, and are still there."""
        with self.database.read() as connection:
            return list(connection.scalars(OVERDUE, {"then": self.clock() - timedelta(days=7)}))

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
    length = min(STEPS, 50)
    run_state_machine_as_test(
        Readers,
        settings=settings(max_examples=max(1, STEPS // length), stateful_step_count=length),
    )
