"""Nobody can use sign-ups against anybody: limits, one mail at a time, and explosions that are held."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event, func, select
from support.offices import KEFM, START, UM, Clock, make_office
from support.readers import acts, confirm_token, leave_token, notices, requests

from mailer.core.address import parse_address
from mailer.core.consent import Origin, Reply
from mailer.core.limits import SignupTerms
from mailer.core.newsroom import Newsroom
from mailer.services import confirmation, gate, held, leaving, signup
from mailer.services.office import Flood, Limits, Office
from mailer.store.database import Database
from mailer.store.gate_tables import bucket, held_notice, surge
from mailer.store.ledger_tables import delivery
from mailer.store.tables import audit, request, subscriber

MINUTE = timedelta(minutes=1)


def limited(office: Office, **terms: Any) -> Office:
    return replace(office, limits=Limits(signups=SignupTerms(**terms)))


def ask(
    office: Office,
    address: str,
    *,
    newsroom: Newsroom = UM,
    ip: str = "192.0.2.7",
    form: str = "web:/um/subscribe",
    proved: bool = False,
) -> Reply:
    return signup.ask(
        office,
        newsroom=newsroom,
        address=parse_address(address),
        language="da",
        wording="Ja tak.",
        origin=Origin(form=form, ip=ip, proved=proved),
    )


def due(office: Office) -> list[timedelta | None]:
    """How long after the start each notice is due, in the order they were owed; None for what is held."""
    with office.database.read() as connection:
        found: Sequence[datetime | None] = connection.scalars(
            select(delivery.c.due_at).where(delivery.c.state == "due").order_by(delivery.c.id)
        ).all()
    return [None if moment is None else moment - START for moment in found]


def rows(office: Office, table: Any) -> int:
    with office.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def at_once(deeds: Sequence[Callable[[], object]]) -> None:
    start = Barrier(len(deeds))

    def begin(deed: Callable[[], object]) -> None:
        start.wait()
        deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        for one in [pool.submit(begin, deed) for deed in deeds]:
            one.result()


SPELLINGS = [
    "victim@gmail.com",
    "v.i.c.t.i.m@gmail.com",
    "Victim+a@gmail.com",
    "vic.tim+b@googlemail.com",
]


def mails_apart(office: Office) -> list[timedelta]:
    moments = sorted(moment for moment in due(office) if moment is not None)
    return [later - earlier for earlier, later in pairwise(moments)]


def test_twenty_posts_for_one_victim_are_at_most_one_mail_in_ten_minutes(
    office: Office, clock: Clock
) -> None:
    for number in range(20):
        room = KEFM if number % 2 else UM
        ask(office, SPELLINGS[number % 4], newsroom=room, ip=f"192.0.2.{number}")
        clock.move(seconds=15)

    assert due(office) == [0 * MINUTE, 10 * MINUTE, 20 * MINUTE]


def test_twenty_posts_for_one_victim_at_once_change_nothing_of_that(office: Office) -> None:
    at_once(
        [
            lambda number=number: ask(  # type: ignore[misc]  # mypy cannot tell a default's type
                office, SPELLINGS[number % 4], newsroom=(UM, KEFM)[number % 2]
            )
            for number in range(20)
        ]
    )

    assert sorted(due(office), key=str) == sorted([0 * MINUTE, 10 * MINUTE, 20 * MINUTE], key=str)
    assert min(mails_apart(office)) == 10 * MINUTE


def test_two_newsrooms_are_two_mails_and_who_answers_waits_no_more(
    office: Office, clock: Clock
) -> None:
    assert ask(office, "anna@example.org") is Reply.CONFIRM
    assert ask(office, "anna@example.org", newsroom=KEFM) is Reply.CONFIRM
    assert due(office) == [0 * MINUTE, 10 * MINUTE]

    confirmation.confirm(office, token=confirm_token(office, 1), origin=Origin("web:/confirm"))
    ask(office, "anna+2@example.org")

    assert due(office)[-1] == 0 * MINUTE


def test_over_a_limit_nothing_is_kept_and_nobody_is_told(office: Office) -> None:
    office = limited(office, ipv4_an_hour=3, overall_an_hour=5)
    replies = [ask(office, f"reader{number}@example.org") for number in range(10)]

    assert replies == [Reply.CONFIRM] * 3 + [Reply.SILENCE] * 7
    assert (len(notices(office)), len(requests(office)), rows(office, subscriber)) == (3, 3, 3)
    assert rows(office, bucket) == 3 + 1 + 1  # the readers' pace, the address, everybody
    assert [
        ask(office, f"other{number}@example.org", ip="198.51.100.1") for number in range(3)
    ] == [
        Reply.CONFIRM,
        Reply.CONFIRM,
        Reply.SILENCE,
    ]


@pytest.mark.parametrize(
    ("terms", "asked"),
    [
        ({"address_a_day": 1}, [("a@x.example", "192.0.2.1"), ("A@x.example", "192.0.2.2")]),
        ({"mailbox_a_day": 1}, [("a+1@x.example", "192.0.2.1"), ("a+2@x.example", "192.0.2.2")]),
        ({"ipv4_an_hour": 1}, [("a@x.example", "192.0.2.1"), ("b@y.example", "::ffff:192.0.2.1")]),
        ({"ipv4_24_an_hour": 1}, [("a@x.example", "192.0.2.1"), ("b@y.example", "192.0.2.2")]),
        ({"ipv6_64_an_hour": 1}, [("a@x.example", "2001:db8::1"), ("b@y.example", "2001:db8::2")]),
        (
            {"ipv6_48_an_hour": 1},
            [("a@x.example", "2001:db8::"), ("b@y.example", "2001:db8:0:9::")],
        ),
        ({"domain_an_hour": 1}, [("a@x.example", "192.0.2.1"), ("b@x.example", "198.51.100.1")]),
        ({"overall_an_hour": 1}, [("a@x.example", "192.0.2.1"), ("b@y.example", "198.51.100.1")]),
    ],
)
def test_each_limit_bounds_what_it_names(
    office: Office, clock: Clock, terms: dict[str, int], asked: list[tuple[str, str]]
) -> None:
    office = limited(office, **terms)
    (first, there), (second, here) = asked
    assert ask(office, first, ip=there) is Reply.CONFIRM
    clock.move(minutes=11)
    assert ask(office, second, ip=here) is Reply.SILENCE
    assert len(requests(office)) == 1
    clock.move(hours=24)
    assert ask(office, second, ip=here) is Reply.CONFIRM


def test_a_flood_is_turned_away_by_a_look(office: Office) -> None:
    strict = limited(office, ipv4_an_hour=1)
    written = list[str]()

    def note(_connection: object, _cursor: object, words: str, *_: object) -> None:
        written.append(words.split(maxsplit=1)[0])

    def come(number: int) -> list[object]:
        origin = Origin(form="web:/um/subscribe", ip="192.0.2.7")
        address = parse_address(f"anna{number}@example.org")
        wanted = signup.wish(
            newsroom=UM, address=address, language="da", wording="Ja tak.", origin=origin
        )
        return list(signup.take(strict, [wanted]))

    assert [come(0), come(1)] == [[Reply.CONFIRM], [Reply.SILENCE]]
    event.listen(office.database.engine, "before_cursor_execute", note)
    assert come(2) == [Reply.SILENCE]
    event.remove(office.database.engine, "before_cursor_execute", note)
    assert set(written) <= {"BEGIN", "SELECT"}


def test_a_flood_is_over_some_seconds_after_the_last() -> None:
    moment = [100.0]
    flood = Flood(2.0, clock=lambda: moment[0])
    assert not flood.lately
    flood.note()
    seen = []
    for moment[0] in (100.0, 101.9, 102.0, 500.0):
        seen.append(flood.lately)
    assert seen == [True, True, False, False]


def test_many_at_once_get_no_more_than_one_by_one(office: Office) -> None:
    office = limited(office, ipv4_an_hour=4, domain_an_hour=100, overall_an_hour=100)
    at_once(
        [
            lambda number=number: ask(office, f"reader{number}@example.org")  # type: ignore[misc]  # as above
            for number in range(16)
        ]
    )

    assert len(notices(office)) == 4


def test_no_address_and_no_network_is_kept_in_the_clear(office: Office) -> None:
    office = limited(office, address_a_day=9, mailbox_a_day=9, ipv4_an_hour=9, domain_an_hour=9)
    ask(office, "anna@example.org")
    with office.database.read() as connection:
        names = connection.scalars(select(bucket.c.name)).all()
    assert names
    assert all(len(name) == 64 and set(name) <= set("0123456789abcdef") for name in names)
    assert len(set(names)) == len(names)


def test_an_operator_counts_against_nothing_but_the_pace(office: Office) -> None:
    office = limited(office, overall_an_hour=1, surge=1)
    replies = [ask(office, f"reader{number}@example.org", form="cli") for number in range(5)]
    assert replies == [Reply.CONFIRM] * 5
    assert ask(office, "reader1+x@example.org", form="cli") is Reply.CONFIRM
    assert due(office)[-1] == 10 * MINUTE


def test_an_explosion_is_kept_held_and_told(
    office: Office, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    office = limited(office, surge=3)
    with caplog.at_level(logging.WARNING, logger="mailer"):
        replies = [ask(office, f"reader{number}@example.org") for number in range(8)]

    assert replies == [Reply.CONFIRM] * 8
    assert due(office) == [0 * MINUTE] * 3 + [None] * 5
    assert len(requests(office)) == 8
    assert [one.message for one in caplog.records] == ["sign-ups explode, their mails are held"]
    found = held.held(office)
    assert (found.explosion.held, found.explosion.since, found.explosion.exploding) == (
        5,
        START,
        START,
    )
    assert (found.newsrooms, found.domains) == ({"um": 5}, {"example.org": 5})


def test_an_explosion_ends_when_it_is_calm_and_what_is_held_stays_held(
    office: Office, clock: Clock
) -> None:
    office = limited(office, surge=3)
    for number in range(5):
        ask(office, f"reader{number}@example.org")
    clock.move(minutes=9)
    ask(office, "late@example.org")
    clock.move(minutes=2)
    ask(office, "calm@example.org")

    assert due(office)[3:] == [None, None, None, 11 * MINUTE]
    assert rows(office, surge) == 1
    assert gate.sweep(office) >= 0
    assert rows(office, surge) == 0
    assert held.held(office).explosion.exploding is None


def test_released_mails_leave_one_to_a_mailbox_at_a_time(office: Office, clock: Clock) -> None:
    office = limited(office, surge=1)
    ask(office, "first@example.org")
    for address, room in [
        ("victim@gmail.com", UM),
        ("v.ictim@gmail.com", UM),
        ("victim@gmail.com", KEFM),
        ("other@example.org", UM),
    ]:
        ask(office, address, newsroom=room)
        clock.move(seconds=1)
    before, woken = clock() - START, clock.woken

    decided = held.release(office, who="op")

    assert (decided.released, decided.dropped) == (3, 1)
    assert due(office) == [0 * MINUTE, before + 10 * MINUTE, before, before]
    assert clock.woken == woken + 1
    assert rows(office, held_notice) == 0
    assert requests(office).count("expired") == 1
    assert held.held(office).explosion.exploding is None
    ask(office, "next@example.org")
    assert due(office)[-1] is not None
    assert held.release(office, who="op") == held.Decided(0, 0)


def test_dropped_mails_are_gone_with_their_requests(office: Office) -> None:
    office = limited(office, surge=1)
    for number in range(4):
        ask(office, f"reader{number}@{'bad' if number % 2 else 'good'}.example")

    assert held.drop(office, who="op", domain="bad.example").dropped == 2
    assert held.held(office).domains == {"good.example": 1}
    assert held.drop(office, who="op").dropped == 1

    assert due(office) == [0 * MINUTE]
    assert requests(office) == ["open", "expired", "expired", "expired"]
    assert held.held(office).explosion.exploding == START
    with office.database.read() as connection:
        kept = connection.execute(select(audit.c.who, audit.c.act, audit.c.subject)).all()
    assert [tuple(row) for row in kept] == [("op", "signup drop", "signups")] * 2


def test_release_and_drop_at_once_decide_each_mail_once(office: Office) -> None:
    office = limited(office, surge=1)
    for number in range(12):
        ask(office, f"reader{number}@example.org")
    decided: list[held.Decided] = []
    at_once(
        [
            lambda: decided.append(held.release(office, who="one")),
            lambda: decided.append(held.drop(office, who="two")),
        ]
        * 2
    )

    released, dropped = sum(one.released for one in decided), sum(one.dropped for one in decided)
    assert released + dropped == 11
    assert len(due(office)) == released + 1
    assert requests(office).count("expired") == dropped


def test_who_leaves_while_held_is_not_mailed_when_others_are(office: Office) -> None:
    office = limited(office, surge=1)
    ask(office, "first@example.org")
    ask(office, "anna@example.org")
    leaving.leave(office, token=leave_token(office, 2), origin=Origin("web:/leave"))
    held.release(office, who="op")
    with office.database.read() as connection:
        states = connection.scalars(select(request.c.state).order_by(request.c.id)).all()
    assert list(states) == ["open", "expired"]
    assert acts(office, "anna@example.org")[0] == "asked"


def test_work_that_was_done_passes_an_explosion_of_those_who_did_none(office: Office) -> None:
    office = limited(office, surge=2, proof="under_attack")
    for number in range(4):
        ask(office, f"plain{number}@example.org")
    for number in range(4):
        ask(office, f"proved{number}@example.org", proved=True)
    assert due(office) == [0 * MINUTE] * 2 + [None] * 2 + [0 * MINUTE] * 2 + [None] * 2


def test_where_work_is_always_asked_for_those_without_share_a_smaller_limit(office: Office) -> None:
    office = limited(office, surge=5, unproved=1, proof="always")
    for number in range(3):
        ask(office, f"plain{number}@example.org")
    for number in range(3):
        ask(office, f"proved{number}@example.org", proved=True)
    assert due(office) == [0 * MINUTE] + [None] * 2 + [0 * MINUTE] * 3


def test_a_solution_is_spent_once_and_forgotten_when_it_is_over(
    office: Office, clock: Clock
) -> None:
    until = START + 20 * MINUTE
    spent: list[bool] = []
    at_once([lambda: spent.append(gate.spend(office, "a", until))] * 8)
    assert sorted(spent) == [False] * 7 + [True]
    assert gate.spend(office, "b", until)
    clock.move(minutes=20)
    assert not gate.spend(office, "a", until)
    clock.move(hours=1)
    assert gate.sweep(office) == 2
    assert gate.sweep(office) == 0


def test_an_attack_is_seen_by_every_process(sqlite_url: str, clock: Clock) -> None:
    one, other = Database(sqlite_url), Database(sqlite_url)
    first, second = (limited(make_office(each, clock), surge=1) for each in (one, other))
    assert not gate.under_attack(second)
    ask(first, "a@example.org")
    ask(first, "b@example.org")
    assert gate.under_attack(second)
    ask(second, "c@example.org")
    assert held.held(first).explosion.held == 2
    one.close()
    other.close()
