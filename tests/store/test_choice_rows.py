"""What the database itself holds to: the words of consent, numbers that never come again, what goes along."""

from contextlib import closing

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError
from support.desk import import_readers, publish_one
from support.offices import Clock
from support.readers import make_active

from mailer import resources
from mailer.services import proof
from mailer.services.office import Office
from mailer.store.choices import choose, subscriptions_by
from mailer.store.database import Database
from mailer.store.ledger_tables import metadata
from mailer.store.links import add_link
from mailer.store.moves import merge, successor
from mailer.store.owed import deliveries_of
from mailer.store.tables import consent, manage_link, merged, subscription

ANNA = "anna@example.org"


def act(office: Office, word: str) -> None:
    with office.database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO consent (subscription_id, act, at, address, form)"
                f" SELECT id, '{word}', made_at, '', 'x' FROM subscription"
            )
        )


def test_the_words_of_consent(office: Office) -> None:
    make_active(office, ANNA)
    act(office, "chosen")
    with pytest.raises(IntegrityError):
        act(office, "liked")


def test_a_links_number_never_comes_again(office: Office, clock: Clock) -> None:
    """An old token must not name another reader's link, nor an old notice's cause stand for a new one."""
    make_active(office, ANNA)
    numbers = []
    for _ in range(3):
        with office.database.write() as connection:
            numbers.append(
                add_link(
                    connection,
                    1,
                    newsroom="um",
                    language="da",
                    generations={},
                    now=clock(),
                    expires_at=clock(),
                )
            )
            connection.execute(manage_link.delete())
    assert len(set(numbers)) == 3


def test_one_update_decides(office: Office) -> None:
    make_active(office, ANNA)
    with office.database.write() as connection:
        (seen,) = subscriptions_by(connection, 1)
        assert choose(connection, seen, seen.choice)
        assert not choose(connection, seen, seen.choice), "it is not as it was seen any more"


def test_what_made_room_leads_to_what_goes_on(office: Office) -> None:
    import_readers(office, 3)
    with office.database.write() as connection:
        merge(connection, 1, 2)
        merge(connection, 2, 3)
        assert [successor(connection, number) for number in (1, 2, 3)] == [3, 3, None]
        merge(connection, 3, 1)
        assert successor(connection, 1) is None, "never in a circle"


def test_retention_is_not_held_up_by_what_links_and_moves_refer_to(office: Office) -> None:
    import_readers(office, 2)
    with office.database.write() as connection:
        connection.execute(insert(merged).values(subscription_id=1, into_id=2))
        connection.execute(consent.delete())
        connection.execute(subscription.delete())
        assert connection.execute(select(merged)).all() == []


def test_all_that_was_owed_is_found(office: Office) -> None:
    make_active(office, ANNA)
    import_readers(office, 3)
    for title in ("One", "Two"):
        publish_one(office, title=title)
    with office.database.read() as connection:
        found = deliveries_of(connection, [1])
        wanted = connection.scalars(
            text("SELECT id FROM delivery WHERE subscription_id = 1 ORDER BY id")
        ).all()
    assert found == list(wanted)
    assert len(found) == 4, "two notices and two releases"


def test_an_upgrade_keeps_what_is_there(database: Database) -> None:
    """From the revision before choices, with a reader's consent in it."""
    config = Config()
    config.set_main_option("script_location", str(resources.migrations()))
    url = database.engine.url.render_as_string(hide_password=False)
    opened = Database(url, foreign_keys=False)
    with closing(opened), opened.write() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(
            text(
                "INSERT INTO subscriber (id, typed, mailbox, lookup, hash, made_at)"
                " VALUES (7, 'a@b.example', 'a@b.example', 'a@b.example', 'x', '2026-03-02')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO subscription (id, subscriber_id, newsroom, state, languages, made_at)"
                " VALUES (7, 7, 'um', 'active', '[\"da\"]', '2026-03-02')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO consent (id, subscription_id, act, at, address, form)"
                " VALUES (7, 7, 'confirmed', '2026-03-02', 'a@b.example', 'x')"
            )
        )
        command.upgrade(config, "head")
    with database.read() as connection:
        entry = connection.execute(select(consent)).one()
        (standing,) = subscriptions_by(connection, 7)
        indexes = {each["name"] for each in inspect(connection).get_indexes("consent")}
    assert (entry.id, entry.act, entry.choice) == (7, "confirmed", None)
    assert (standing.choice.languages, standing.revision) == (("da",), 0)
    assert "ix_consent_subscription_id_id" in indexes


def test_the_audience_of_a_release_is_still_proven(office: Office) -> None:
    make_active(office, ANNA)
    publish_one(office)
    act(office, "chosen")
    assert proof.verify(office).ok
