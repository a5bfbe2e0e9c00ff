"""What the lanes report: a mailing that cannot go on is held, whatever of it is still on its way to them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.desk import REFUSED
from support.routes import Still, route_to

from mailer.core.breaker import LIMIT
from mailer.core.delivery import Due, Outcome, Phase, Purpose
from mailer.mail.prepare import Prepared
from mailer.services.bookkeeper import Letter
from mailer.services.domains import Domains
from mailer.services.feed import Feed
from mailer.services.hand import Hand
from mailer.services.presence import Presence
from mailer.services.reports import Reports
from mailer.services.route import Routes
from mailer.services.stock import Stock
from mailer.services.tenure import Tenure

AT = datetime(2026, 3, 2, tzinfo=UTC)
PREPARED = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", b"")
SPAM = Outcome(REFUSED.result, Phase.CONTENT, 554, "5.7.1", "looks like spam")


def letters(first: int, count: int, mailing: int = 1) -> list[Letter]:
    return [
        Letter(
            Due(number, Purpose.RELEASE, 1, 1, f"a{number}@example.org", AT, 0, mailing), PREPARED
        )
        for number in range(first, first + count)
    ]


def test_what_the_books_hand_out_while_a_hold_is_on_its_way_to_them_is_let_go(
    tmp_path: Path,
) -> None:
    """Letters of a mailing that trips the breaker, of another turn that was asked for before."""

    async def story() -> None:
        clock = Still()
        route = route_to("r", clock)
        routes, hand = Routes([route]), Hand()
        feed = Feed(routes, Domains({}, clock), lambda: True, clock)
        reports = Reports(
            feed,
            hand,
            routes,
            tenure=Tenure(60, Presence(tmp_path)),
            patient=False,
            stock=Stock(1),
        )

        def come(some: list[Letter]) -> None:
            hand.take(some)
            feed.put(some)

        come(letters(0, LIMIT + 5))
        for _ in range(LIMIT):
            letter = feed.take(route)
            assert letter is not None
            reports.done(letter, SPAM)
        assert (len(feed), hand.size, set(hand.entries.holds)) == (0, 0, {1})

        come([*letters(50, 3), *letters(60, 1, mailing=2)])
        reports.withdraw(frozenset())
        come(letters(70, 2))  # they were being made
        assert [found.due.id for found in iter(lambda: feed.take(route), None)] == [60]
        put_off = hand.entries.put_off
        assert put_off == dict.fromkeys([*range(LIMIT, LIMIT + 5), 50, 51, 52], timedelta(0))

        hand.written(hand.writing())  # the mailing is held by now, and the books say so
        reports.withdraw(frozenset({1}))
        assert set(hand.entries.put_off) == {70, 71}
        reports.withdraw(frozenset())
        come(letters(70, 2))
        assert feed.take(route) is not None, "somebody decided that it goes on"

    asyncio.run(story())
