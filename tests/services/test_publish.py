"""Publishing: never early, once however many try, the newest words, and nothing that cannot be made."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from support.desk import approve, import_readers, race, text
from support.offices import START, UM, Clock

from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.services import press, proof
from mailer.services.editions import prepare
from mailer.services.office import Office
from mailer.services.publish import Held, Published, publish_due
from mailer.store import editions, mailings, messages, releases
from mailer.store.ledger_tables import delivery, prepared


def kept(office: Office) -> list[str]:
    """The subjects of every prepared message."""
    with office.database.read() as connection:
        return list(connection.scalars(select(prepared.c.subject).order_by(prepared.c.id)))


def owed(office: Office) -> int:
    with office.database.read() as connection:
        return len(connection.execute(select(delivery.c.id)).all())


def test_nothing_leaves_before_its_moment(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    release_id = approve(office, publish_at=START + timedelta(hours=1))
    clock.move(minutes=59, seconds=59)
    assert publish_due(office) == []
    assert press.shown(office, release_id).state == "approved"
    assert (kept(office), owed(office)) == ([], 0)
    clock.move(seconds=1)
    assert publish_due(office) == [Published(release_id, 1, 2)]
    row = press.shown(office, release_id)
    assert (row.state, row.published_at) == ("published", office.clock())
    assert publish_due(office) == []
    assert proof.verify(office).ok


def test_all_that_is_due_is_published_oldest_first(office: Office) -> None:
    numbers = [approve(office, text(f"Nyt {number}")) for number in range(3)]
    assert [one.release_id for one in publish_due(office)] == numbers
    assert kept(office) == ["Nyt 0", "Nyt 1", "Nyt 2"]


def test_a_held_release_stays_where_it_is(office: Office) -> None:
    press.add_document(office, ReleaseDocument(text()), newsroom="um", who="desk")
    assert publish_due(office) == []


def test_racing_publishers_publish_once(office: Office) -> None:
    import_readers(office, 20)
    release_id = approve(office)
    done = race(*[partial(publish_due, office)] * 3)
    assert [one for each in done for one in each] == [Published(release_id, 1, 20)]
    assert owed(office) == 20
    assert proof.verify(office).ok


class Meddled:
    """An office's clock that lets the desk act at its nth look, as somebody else would meanwhile."""

    def __init__(self, clock: Clock, look: int) -> None:
        self._clock = clock
        self._looks = look
        self.act: Any = None

    def __call__(self) -> datetime:
        self._looks -= 1
        if self._looks == 0 and self.act is not None:
            self.act()
        return self._clock()


@pytest.mark.parametrize("look", [1, 2])
def test_an_edition_that_comes_while_it_is_prepared_is_what_is_mailed(
    office: Office, clock: Clock, look: int
) -> None:
    """The looks at the clock lie before the release is read, and between that and its publication."""
    import_readers(office, 1)
    document = ReleaseDocument(text("Gammelt"), identity="um-1")
    added = press.add_document(office, document, newsroom="um", who="desk")
    press.send(office, added.id, who="desk")
    meddled = Meddled(clock, look)

    def correct() -> None:
        newer = replace(document, edition=text("Rettet"))
        assert press.add_document(office, newer, newsroom="um", who="desk").news == "edition"

    meddled.act = correct
    assert publish_due(replace(office, clock=meddled)) == [Published(added.id, 1, 1)]
    assert kept(office) == ["Rettet"]


def test_a_release_that_another_held_meanwhile_is_not_published(
    office: Office, clock: Clock
) -> None:
    release_id = approve(office)
    meddled = Meddled(clock, 2)

    def hold() -> None:
        with office.database.write() as connection:
            releases.hold(connection, release_id, "stop the press")

    meddled.act = hold
    assert publish_due(replace(office, clock=meddled)) == []
    assert press.shown(office, release_id).hold_reason == "stop the press"
    assert owed(office) == 0


def test_a_release_that_becomes_urgent_while_it_is_prepared_is_urgent(
    office: Office, clock: Clock
) -> None:
    import_readers(office, 1)
    release_id = approve(office)
    meddled = Meddled(clock, 2)
    meddled.act = lambda: press.send(office, release_id, who="desk", urgent=True)
    assert publish_due(replace(office, clock=meddled)) == [Published(release_id, 1, 1)]
    with office.database.read() as connection:
        assert [row.urgent for row in mailings.mailings(connection)] == [True]


@pytest.mark.parametrize(
    ("edition", "reason"),
    [
        (text("For lang", "Meget lang tekst. " * 8000), "too long"),
        (Edition("da", "Vendt \u202e om", "", (Block("paragraph", (Run("x"),)),)), "title"),
    ],
)
def test_what_cannot_be_prepared_is_held_with_the_reason(
    office: Office, edition: Edition, reason: str
) -> None:
    import_readers(office, 1)
    bad, good = approve(office, edition), approve(office)
    held, published = publish_due(office)
    assert isinstance(held, Held)
    assert held.release_id == bad
    assert reason in held.reason
    assert isinstance(published, Published)
    assert published.release_id == good
    row = press.shown(office, bad)
    assert row.state == "held"
    assert row.hold_reason is not None
    assert reason in row.hold_reason
    assert publish_due(office) == [], "it waits for somebody"
    assert proof.verify(office).ok


def test_a_release_of_a_newsroom_that_left_the_settings_is_held(office: Office) -> None:
    release_id = approve(office)
    without = replace(office, newsrooms={"kefm": office.newsroom("kefm")})
    (held,) = publish_due(without)
    assert isinstance(held, Held)
    assert (held.release_id, "um" in held.reason) == (release_id, True)


def test_the_message_that_is_kept_is_the_one_that_was_prepared(office: Office) -> None:
    import_readers(office, 1)
    release_id = approve(office)
    with office.database.read() as connection:
        (said,) = editions.texts(connection, release_id)
    shown = prepare(office, press.shown(office, release_id), said)
    publish_due(office)
    with office.database.read() as connection:
        number = connection.scalar(select(prepared.c.id).where(prepared.c.mailing_id == 1))
        assert number is not None
        row = messages.read_prepared(connection, number)
    assert row.content == shown.content
    assert row.return_path == UM.return_path
