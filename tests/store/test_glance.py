"""A glance says idle exactly where the full path would find nothing to do, and never by mistake."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from support.desk import approve, import_readers, lease, publish_one
from support.digesting import choose, with_digests
from support.offices import START, Clock
from support.properties import ONE_FIXTURE
from support.readers import sign_up
from support.workers import give_back, record, take

from mailer.services import digest, retention
from mailer.services.office import Office
from mailer.store import glance, ledger, progress, sources, timers
from mailer.store.database import Database
from mailer.store.ledger_tables import metadata


@pytest.fixture
def url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def agreed(office: Office, url: str) -> bool:
    """What both say, at one moment, of whether anything is due."""
    now = office.clock()
    with office.database.read() as connection:
        due = progress.anything_due(connection, now)
    assert glance.idle(url, now) is not due
    return due


def test_a_new_database_is_idle(office: Office, url: str) -> None:
    assert not agreed(office, url)


def test_a_notice_is_due_and_one_in_hand_may_have_to_be_taken_over(
    office: Office, url: str
) -> None:
    sign_up(office, "anna@example.org")
    assert agreed(office, url)
    with office.database.write() as connection:
        assert ledger.take(connection, lease(office), 10)
    assert agreed(office, url)


def test_a_release_is_due_from_its_very_moment(office: Office, url: str, clock: Clock) -> None:
    approve(office, publish_at=START + timedelta(microseconds=5))
    assert not agreed(office, url)
    clock.move(microseconds=5)
    assert agreed(office, url)


def test_upkeep_is_due_when_its_timer_says_so_and_not_before(
    office: Office, url: str, clock: Clock
) -> None:
    with office.database.write() as connection:
        timers.put_off(connection, retention.TIMER, START + timedelta(microseconds=5))
    assert not agreed(office, url)
    clock.move(microseconds=5)
    assert agreed(office, url)
    retention.keep_up(office)
    assert not agreed(office, url)


def test_an_open_mailing_is_due_until_its_chunks_are_done(office: Office, url: str) -> None:
    import_readers(office, 1)
    publish_one(office)
    assert agreed(office, url)
    with office.database.write() as connection:
        connection.execute(text("UPDATE chunk SET state = 'done'"))
    assert not agreed(office, url)


def test_an_open_mailing_of_which_all_is_settled_is_due_until_it_is_finished(
    office: Office, url: str
) -> None:
    import_readers(office, 1)
    publish_one(office)
    record(office, take(office))
    assert not agreed(office, url)
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET state = 'open', finished_at = NULL"))
    assert agreed(office, url)
    assert take(office) == []
    give_back(office)
    assert not agreed(office, url)


def test_a_request_that_expires_is_due(office: Office, url: str, clock: Clock) -> None:
    sign_up(office, "anna@example.org")
    with office.database.write() as connection:
        connection.execute(text("UPDATE delivery SET state = 'accepted', due_at = NULL"))
    assert not agreed(office, url)
    clock.move(hours=72)
    assert agreed(office, url)


def test_a_source_is_due_when_its_time_has_come_or_the_settings_changed(
    office: Office, url: str
) -> None:
    assert glance.idle(url, START)
    assert not glance.idle(url, START, sources=["feed"]), "it was never polled"
    with office.database.write() as connection:
        sources.enrol(connection, ["feed"], START + timedelta(microseconds=5))
    assert glance.idle(url, START, sources=["feed"])
    assert not glance.idle(url, START + timedelta(microseconds=5), sources=["feed"])
    assert not glance.idle(url, START), "it has gone from the settings"
    with office.database.write() as connection:
        sources.enrol(connection, [], START)
    assert glance.idle(url, START)


@pytest.mark.parametrize("revision", ["0000", "9999", None])
def test_another_schema_is_never_idle(office: Office, url: str, revision: str | None) -> None:
    with office.database.write() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision is not None:
            connection.execute(text("INSERT INTO alembic_version VALUES (:now)"), {"now": revision})
    assert not glance.idle(url, START)


@pytest.mark.parametrize(
    "name", ["absent.sqlite", "empty.sqlite", "letter.txt", "folder", "head.sqlite?mode=ro"]
)
def test_what_cannot_be_read_is_never_idle(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.sqlite").touch()
    (tmp_path / "letter.txt").write_text("no database " * 1000)
    (tmp_path / "folder").mkdir()
    assert not glance.idle(f"sqlite:///{tmp_path}/{name}", START)
    assert glance.due_later(f"sqlite:///{tmp_path}/{name}") is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///name?host=/nowhere",
        "postgresql://[",
        "sqlite://",
        "mysql://host/name",
        "nonsense",
    ],
)
def test_what_is_not_there_is_never_idle(url: str) -> None:
    assert not glance.idle(url, START)
    assert glance.due_later(url) is None


def test_a_url_may_name_the_driver(postgresql_database: Database) -> None:
    url = postgresql_database.engine.url.set(drivername="postgresql+psycopg")
    assert glance.idle(url.render_as_string(hide_password=False), START)


def test_a_glance_changes_nothing(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "still.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    before = path.read_bytes()
    assert glance.idle(f"sqlite:///{path}", START)
    assert path.read_bytes() == before


# Any rows at all, in any state, around one moment: both must read them alike.

MOMENTS = st.sampled_from([None, *(START + timedelta(microseconds=step) for step in (-1, 0, 1))])
DELIVERIES = st.tuples(
    st.sampled_from(["due", "accepted", "refused", "unknown", "ended", "expired", "cancelled"]),
    MOMENTS,
    st.sampled_from([None, "somebody"]),
)
CHUNKS = st.sampled_from(["open", "leased", "done"])
MAILINGS = st.tuples(
    st.sampled_from(["open", "held", "finished", "cancelled"]),
    st.booleans(),  # counted as settled
)
RELEASES = st.tuples(st.sampled_from(["held", "approved", "published", "withdrawn"]), MOMENTS)
REQUESTS = st.tuples(
    st.sampled_from(["open", "confirmed", "expired", "answered"]),
    MOMENTS.filter(lambda moment: moment is not None),
)


@pytest.fixture(scope="module")
def any_rows(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("any") / "rows.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@settings(ONE_FIXTURE, max_examples=60)
@given(
    st.lists(DELIVERIES, max_size=2),
    MAILINGS,
    st.lists(CHUNKS, max_size=2),
    st.lists(RELEASES, max_size=2),
    st.lists(REQUESTS, max_size=2),
)
def test_a_glance_and_the_full_path_read_any_rows_alike(
    any_rows: Database,
    deliveries: list[tuple[str, object, str | None]],
    mailing: tuple[str, bool],
    chunks: list[str],
    releases: list[tuple[str, object]],
    requests: list[tuple[str, object]],
) -> None:
    tables = metadata.tables
    rows: list[tuple[str, dict[str, object]]] = [
        ("mailing", {"id": 1, "newsroom": "um", "kind": "other", "state": mailing[0],
                     "unknown": "resend", "made_at": START, "consent_mark": 0, "audience": 1,
                     "settled_otherwise": int(mailing[1])}),
        *(("delivery", {"id": number, "subscription_id": 1, "prepared_id": 1, "purpose": "confirm",
                        "cause": f"request:{number}", "state": state, "made_at": START,
                        "due_at": due_at, "worker": worker})
          for number, (state, due_at, worker) in enumerate(deliveries, 1)),
        *(("chunk", {"mailing_id": 1, "lo": number, "hi": number, "mark": number, "state": state})
          for number, state in enumerate(chunks, 1)),
        *(("release", {"id": number, "newsroom": "um", "source": "x", "identity": str(number),
                       "slug": "x", "topics": [], "state": state, "made_at": START,
                       "publish_at": publish_at})
          for number, (state, publish_at) in enumerate(releases, 1)),
        *(("request", {"id": number, "subscription_id": 1, "kind": "signup", "state": state,
                       "language": "da", "asked": {}, "made_at": START, "expires_at": expires_at})
          for number, (state, expires_at) in enumerate(requests, 1)),
    ]  # fmt: skip
    with any_rows.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys = OFF")  # rows that refer to nothing are easier to draw
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
        for name, values in rows:
            connection.execute(insert(tables[name]), values)
        connection.commit()
    with any_rows.read() as connection:
        due = progress.anything_due(connection, START)
    assert glance.idle(f"sqlite:///{any_rows.engine.url.database}", START) is not due
    assert due is (
        any(state == "due" and at is not None and at <= START for state, at, _ in deliveries)  # type: ignore[operator] # datetimes
        or (mailing[0] == "open" and (any(state != "done" for state in chunks) or mailing[1]))
        or any(state == "approved" and (at is None or at <= START) for state, at in releases)  # type: ignore[operator] # as above
        or any(state == "open" and at <= START for state, at in requests)  # type: ignore[operator] # as above
    )


def test_a_digest_is_due_at_its_hour_and_its_readers_are_noted_before(
    office: Office, url: str, clock: Clock
) -> None:
    office = with_digests(office)
    import_readers(office, 1)
    choose(office, "reader0@example.org", frequency="daily")
    publish_one(office)
    assert agreed(office, url), "its readers are to be noted"
    digest.send_due(office)
    assert not agreed(office, url)
    clock.moment = START + timedelta(hours=23)
    assert agreed(office, url)
    digest.send_due(office)
    clock.move(days=9)
    while handed := take(office):
        record(office, handed)
    give_back(office)
    retention.keep_up(office)
    assert not agreed(office, url), "nothing has happened since"
