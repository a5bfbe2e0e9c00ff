"""The rows behind people, on both databases: made once, locked in order, told apart by fact."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError
from support.offices import START

from mailer.core.address import parse_address
from mailer.core.consent import Act, Origin, RequestState
from mailer.core.token import keyed_hash
from mailer.store import audit, consents, evidence, newcomers, people, tables
from mailer.store.consents import Entry, NewRequest
from mailer.store.database import Connection, Database
from mailer.store.imports import Incoming, import_batch
from mailer.store.newcomers import Newcomer
from mailer.store.people import SubscriptionRow

LATER = START + timedelta(hours=72)


def anna(connection: Connection, newsroom: str = "um", typed: str = "Anna@x.dk") -> SubscriptionRow:
    address = parse_address(typed)
    newcomer = Newcomer(address, keyed_hash("key", address.lookup), newsroom, "da")
    return newcomers.find_or_make(connection, newcomer, START)


def test_a_mailbox_is_one_subscriber_however_it_is_typed(database: Database) -> None:
    with database.write() as connection:
        first = anna(connection)
        again = anna(connection, typed="ANNA@X.dk")
        other = anna(connection, newsroom="kefm")

    assert again == first
    assert (other.subscriber_id, other.newsroom) == (first.subscriber_id, "kefm")
    assert first.mailbox == "Anna@x.dk"
    assert first.made_at == START


def test_only_an_open_request_in_time_can_be_confirmed_and_only_once(database: Database) -> None:
    with database.write() as connection:
        row = anna(connection)
        wording = consents.keep_wording(connection, "Ja", START)
        numbers = [
            consents.add_requests(
                connection, [NewRequest(row.id, state, "da", wording, LATER)], START
            )[row.id]
            for state in (RequestState.OPEN, RequestState.OPEN, RequestState.ANSWERED)
        ]
        confirmed = [
            consents.confirm_request(connection, numbers[0], START),
            consents.confirm_request(connection, numbers[0], START),
            consents.confirm_request(connection, numbers[1], LATER),
            consents.confirm_request(connection, numbers[2], START),
            consents.confirm_request(connection, 999, START),
        ]
        assert consents.any_expired(connection, LATER)
        assert consents.expire_requests(connection, LATER) == 1
        assert not consents.any_expired(connection, LATER)
        states = [consents.read_request(connection, number) for number in numbers]

    assert confirmed == [True, False, False, False, False]
    assert [one.state for one in states if one] == ["confirmed", "expired", "answered"]


def test_a_wording_is_kept_once(database: Database) -> None:
    with database.write() as connection:
        hashes = {consents.keep_wording(connection, "Ja tak", START) for _ in range(3)}
        kept = connection.scalar(select(func.count()).select_from(tables.wording))

    assert len(hashes) == 1
    assert kept == 1


def test_what_clients_send_is_stored_whatever_it_holds(database: Database) -> None:
    with database.write() as connection:
        row = anna(connection)
        origin = Origin("subscribe", ip="f" * 60, user_agent="\0" + "ø" * 600)
        consents.note(connection, Entry(row.id, Act.ASKED, "a@x.dk", origin), START)
        (entry,) = evidence.history(connection, row.subscriber_id)

    assert entry.ip == "f" * 45
    assert entry.user_agent == "ø" * 500


def test_a_suppression_is_known_by_its_hash_and_keeps_its_first_reason(database: Database) -> None:
    with database.write() as connection:
        assert not people.is_suppressed(connection, "h" * 64)
        assert people.keep_suppression(connection, "h" * 64, reason="complaint", now=START)
        assert not people.keep_suppression(connection, "h" * 64, reason="dead", now=START)

        assert people.suppressed_reason(connection, "h" * 64) == "complaint"


def test_a_long_list_is_read_while_it_is_shown(database: Database) -> None:
    with database.write() as connection:
        for number in range(5):
            anna(connection, newsroom=f"room{number}")
    with database.read() as connection:
        rows = people.list_subscriptions(connection, after=1, limit=3)

        assert [row.newsroom for row in rows] == ["room1", "room2", "room3"]


def test_audit_keeps_who_did_what(database: Database) -> None:
    with database.write() as connection:
        audit.note(
            connection,
            who="o" * 150,
            act="subscriber end",
            subject="subscription:1",
            detail={"reason": "Bad ✉"},
            now=START,
        )
        row = connection.execute(select(tables.audit)).one()

    assert (row.who, row.subject, row.detail, row.at) == (
        "o" * 100,
        "subscription:1",
        {"reason": "Bad ✉"},
        START,
    )


@pytest.mark.postgresql
def test_who_decides_about_a_subscription_is_alone_with_it(postgresql_database: Database) -> None:
    with postgresql_database.write() as connection:
        number = anna(connection).id

    def blocked(connection: Connection) -> bool:
        connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
        try:
            people.read_subscription(connection, number, lock=True)
        except OperationalError:
            return True
        return False

    with postgresql_database.engine.connect() as first, first.begin():
        people.read_subscription(first, number, lock=True)
        with postgresql_database.engine.connect() as second, second.begin():
            assert people.read_subscription(second, number) is not None
            assert blocked(second)
    with postgresql_database.engine.connect() as second, second.begin():
        assert not blocked(second)


def test_a_batch_of_an_import_never_reads_the_whole_newsroom(sqlite_database: Database) -> None:
    said: list[tuple[str, object]] = []

    def listen(_c: object, _cursor: object, words: str, values: object, *_rest: object) -> None:
        said.append((words, values))

    batch = [
        Incoming(parse_address(f"r{number}@x.dk"), f"{number:064d}", "da") for number in range(3)
    ]
    for _ in range(2):
        with sqlite_database.write() as connection:
            event.listen(connection, "before_cursor_execute", listen)
            import_batch(connection, batch, newsroom="um", evidence="x", mark=0, now=START)
            event.remove(connection, "before_cursor_execute", listen)
            plans = [
                str(row[3])
                for words, values in said
                if words.startswith("SELECT")
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values)  # type: ignore[arg-type]
            ]
        said.clear()

        assert len(plans) >= 3
        assert not [plan for plan in plans if "SCAN" in plan or "newsroom_state" in plan]
