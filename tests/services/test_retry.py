"""Retrying by an operator's word: counted first, done once, told by release, and on record."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from support.desk import (
    DEFERRED,
    REFUSED,
    approve,
    came_of,
    import_readers,
    lease,
    publish_one,
    states,
)
from support.offices import KEFM, Clock
from support.readers import sign_up
from support.workers import record, take

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.schedule import retry_at
from mailer.services import control, retry
from mailer.services.office import Office
from mailer.services.retry import Retrial, Retried
from mailer.store import outcomes
from mailer.store.tables import audit


def again(office: Office, *kinds: str, **wishes: object) -> Retrial:
    wanted: Sequence[str] = kinds or ("deferred",)
    return retry.retry(office, who="kim", kinds=wanted, **wishes)  # type: ignore[arg-type] # by name


def notes(office: Office) -> list[tuple[str, object]]:
    with office.database.read() as connection:
        rows = connection.execute(
            select(audit.c.subject, audit.c.detail)
            .where(audit.c.act == "retry")
            .order_by(audit.c.id)
        )
        return [(row.subject, row.detail) for row in rows]


@pytest.fixture
def tried(office: Office) -> Office:
    """Two mailings of two newsrooms, each with two readers: one deferred, one refused."""
    for newsroom in ("um", "kefm"):
        room = office.newsroom(newsroom)
        import_readers(office, 2, newsroom=room, prefix=newsroom)
        publish_one(office, newsroom=room, title=f"Fra {newsroom}")
        first, second = take(office)
        record(office, [first], DEFERRED)
        record(office, [second], REFUSED)
    return office


def test_a_dry_run_counts_and_changes_nothing(tried: Office) -> None:
    sign_up(tried, "anna@example.org")
    record(tried, take(tried), DEFERRED)
    before = states(tried)
    found = again(tried, "deferred", "refused", dry_run=True)
    assert (found.total, found.notices, found.dry_run) == (5, 1, True)
    assert [one.counts for one in found.mailings] == [{"deferred": 1, "refused": 1}] * 2
    assert states(tried) == before
    assert take(tried) == []
    assert notes(tried) == []


def test_what_waits_is_due_now_everywhere(tried: Office, clock: Clock) -> None:
    sign_up(tried, "anna@example.org")
    record(tried, take(tried), DEFERRED)
    before = clock.woken
    found = again(tried)
    assert found == Retrial(
        mailings=(
            Retried(1, 1, "Fra um", "um", "open", {"deferred": 1}),
            Retried(2, 2, "Fra kefm", "kefm", "open", {"deferred": 1}),
        ),
        notices=1,
        dry_run=False,
    )
    assert clock.woken == before + 1
    assert len(take(tried)) == 3
    assert notes(tried) == [
        ("release:1", {"mailing": 1, "deferred": 1}),
        ("release:2", {"mailing": 2, "deferred": 1}),
        ("notices", {"deferred": 1, "newsroom": None}),
    ]
    assert again(tried).total == 0


def test_one_release_or_one_newsroom_alone(tried: Office) -> None:
    assert [one.release for one in again(tried, release_id=1).mailings] == [1]
    assert [one.release for one in again(tried, "refused", newsroom=KEFM.key).mailings] == [2]
    assert again(tried, "refused", release_id=1, newsroom="um").total == 1


def test_what_cannot_be_retried_is_explained(tried: Office, office: Office) -> None:
    approve(office)
    control.cancel(office, 1, who="kim", patience=0)
    with pytest.raises(NotAllowed, match="was cancelled"):
        again(office, release_id=1)
    with pytest.raises(NotAllowed, match="has not been mailed yet"):
        again(office, release_id=3)
    with pytest.raises(NotAllowed, match="is kefm's"):
        again(office, release_id=2, newsroom="um")
    with pytest.raises(NotFound, match="release 9"):
        again(office, release_id=9)
    with pytest.raises(NotFound, match="nowhere"):
        again(office, newsroom="nowhere")
    assert [one.release for one in again(office).mailings] == [2], (
        "the cancelled one is passed over"
    )


@pytest.mark.parametrize("blame", [Blame.READER, Blame.RELAY])
def test_what_had_expired_is_tried_once_more(office: Office, clock: Clock, blame: Blame) -> None:
    """The horizon has passed for good: after that one try it expires anew, and not before."""
    import_readers(office, 1)
    publish_one(office)
    (due,) = take(office)
    horizon = office.limits.retry_horizon
    put_off = Outcome(Result.DEFERRED, Phase.RCPT, 450, blame=blame, relay="r")

    def fail() -> None:
        (due,) = take(office)
        again = retry_at(
            due.attempts + 1, now=office.clock(), first_at=due.made_at, horizon=horizon
        )
        assert again is None
        with office.database.write() as connection:
            told = came_of(due, put_off, office, expired=True)
            outcomes.record(connection, lease(office), [told])

    record(office, [due], DEFERRED)
    clock.move(hours=25)
    fail()
    assert states(office) == {"expired": 1}
    clock.move(days=3)
    for _ in range(2):
        assert again(office, "expired", release_id=1).total == 1
        assert states(office) == {"due": 1}
        fail()
        assert states(office) == {"expired": 1}
