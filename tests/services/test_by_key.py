"""What visitors do in crowds finds its rows by keys on PostgreSQL, however little it knows of its tables."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from support.desk import import_readers, publish_one
from support.offices import UM, Clock, make_office
from support.readers import PAGE, WORDING, confirm_token, leave_token

from mailer.core.address import parse_address
from mailer.core.limits import SignupTerms
from mailer.services import codes, confirmation, leaving, signup
from mailer.services.office import Office
from mailer.services.wishes import Wish
from mailer.store.database import Database

SMALL = {"surge", "wording"}
"""Tables of a few rows, whatever happens: explosions under way, versions of the forms' words."""


@pytest.fixture
def office(postgresql_database: Database, clock: Clock) -> Office:
    """An office whose every limit is counted."""
    made = make_office(postgresql_database, clock)
    terms = SignupTerms(
        address_a_day=9, mailbox_a_day=9, ipv4_an_hour=99, overall_an_hour=99, surge=2
    )
    return replace(made, limits=replace(made.limits, signups=terms))


@contextmanager
def by_key(office: Office) -> Iterator[set[str]]:
    """The statements of the transactions that are said to find their rows by keys."""
    words, told = set[str](), set[object]()

    def note(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        place = connection.connection.dbapi_connection
        if "enable_seqscan" in statement:
            told.add(place)
        elif place in told and statement.split(maxsplit=1)[0] in {
            "INSERT",
            "UPDATE",
            "SELECT",
            "DELETE",
        }:
            words.add(statement)

    def over(connection: Any) -> None:
        told.discard(connection.connection.dbapi_connection)

    engine = office.database.engine
    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "commit", over)
    event.listen(engine, "rollback", over)
    try:
        yield words
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "commit", over)
        event.remove(engine, "rollback", over)


def wish(name: str) -> Wish:
    return signup.wish(
        newsroom=UM,
        address=parse_address(name),
        language="da",
        wording=WORDING,
        origin=replace(PAGE, form="web:/um/subscribe"),
    )


def read_whole(office: Office, statement: str) -> set[str]:
    """The tables that its plan, made for any values, reads from one end to the other."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        names.append(found[1] or f"{len(names)}")
        return f"${names.index(names[-1]) + 1}"

    words = re.sub(r"%(?:\((\w+)\))?s", numbered, statement)
    with office.database.write(by_key=True) as connection:
        driver: Any = connection.connection.dbapi_connection
        answer = driver.pgconn.exec_(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {words}".encode())
        assert answer.ntuples == 1, (answer.error_message, words)
        plan = json.loads(answer.get_value(0, 0))[0]["Plan"]
    return {
        node["Relation Name"]
        for node in nodes_of(plan)
        if node["Node Type"] == "Seq Scan"
        or (node["Node Type"].startswith("Index") and "Index Cond" not in node)
    }


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)


def forget(office: Office) -> None:
    """Have PostgreSQL know of its tables what it knows of new ones: nothing."""
    tables = "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    with office.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM pg_statistic")
        connection.exec_driver_sql(f"SELECT pg_clear_relation_stats('public', relname) {tables}")


def test_no_table_is_read_from_end_to_end(office: Office, clock: Clock) -> None:
    import_readers(office, 3)
    publish_one(office)
    with by_key(office) as statements:
        signup.take(office, [wish(f"anna{number}@example.org") for number in range(4)])
        signup.take(office, [wish("anna1@example.org")])
        confirmation.confirm(office, token=confirm_token(office, 1), origin=PAGE)
        page = codes.page_token(office, codes.new_attempt())
        codes.enter(office, token=page, newsroom=UM, typed="123456", origin=PAGE)
        clock.move(minutes=1)
        for number in (1, 4):
            leaving.leave(office, token=leave_token(office, number), origin=PAGE)
    forget(office)
    read = {statement: read_whole(office, statement) - SMALL for statement in statements}
    assert len(read) > 25
    assert {statement: tables for statement, tables in read.items() if tables} == {}


def test_a_plan_for_an_unknown_table_would_read_it(office: Office) -> None:
    """A check that cannot fail is none."""
    forget(office)
    found = read_whole(office, "SELECT id FROM subscriber WHERE typed = %(typed)s::VARCHAR")
    assert found == {"subscriber"}
