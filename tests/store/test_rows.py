"""Rows that are added by one value say what those say that are added one by one, on both databases."""

from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError
from support.offices import START
from support.properties import ONE_FIXTURE

from mailer.services.office import Office
from mailer.store.rows import add_all
from mailer.store.tables import consent, subscriber, subscription

quickly = settings(ONE_FIXTURE, max_examples=60)
FAR = timezone(timedelta(hours=-9, minutes=-30))
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
moments = st.timedeltas(timedelta(days=-9000), timedelta(days=9000)).map(lambda away: START + away)
entries = st.fixed_dictionaries(
    {
        "subscription_id": st.just(1),
        "act": st.sampled_from(["asked", "confirmed", "left"]),
        "at": moments | moments.map(lambda moment: moment.astimezone(FAR)),
        "address": words,
        "form": words,
        "ip": st.none() | words,
        "evidence": st.none() | words,
        "generation": st.none() | st.integers(0, 2**31 - 1),
        "choice": st.none() | st.dictionaries(words, plain, max_size=4),
    }
)
PEOPLE = [
    {"typed": name, "mailbox": name, "lookup": name, "hash": name, "made_at": START}
    for name in ("zoe@example.org", "ann@example.org", "o'neil%s@example.org")
]


@pytest.fixture
def reader(office: Office) -> Office:
    """An office with one subscription."""
    with office.database.write() as connection:
        connection.execute(insert(subscriber), {**PEOPLE[0], "id": 1})
        of = {"id": 1, "subscriber_id": 1, "newsroom": "um", "languages": ["da"], "made_at": START}
        connection.execute(insert(subscription), of)
    return office


@quickly
@given(rows=st.lists(entries, max_size=5))
def test_rows_are_those_that_are_added_one_by_one(
    reader: Office, rows: list[dict[str, Any]]
) -> None:
    columns = [one for one in consent.c if one.name != "id"]
    with reader.database.write() as connection:
        connection.execute(delete(consent))
        given = add_all(connection, consent, rows, giving=("id", "act"))
        told = connection.execute(select(*columns).order_by(consent.c.id)).all()
        assert [one.act for one in given] == [row["act"] for row in rows]
        assert [one.id for one in given] == sorted(one.id for one in given)
        connection.execute(delete(consent))
        for row in rows:
            connection.execute(insert(consent), row)
        assert told == connection.execute(select(*columns).order_by(consent.c.id)).all()


def test_who_is_there_already_stays_as_they_are(reader: Office) -> None:
    with reader.database.write() as connection:
        news = [{**one, "typed": "anew"} for one in PEOPLE]
        added = add_all(connection, subscriber, news, giving=("lookup",), ignoring=True)
        assert [one.lookup for one in added] == [one["lookup"] for one in PEOPLE[1:]]
        typed = select(subscriber.c.typed).order_by(subscriber.c.id)
        assert list(connection.scalars(typed)) == [PEOPLE[0]["typed"], "anew", "anew"]


def test_all_rows_are_added_or_none(reader: Office) -> None:
    with pytest.raises(DBAPIError), reader.database.write() as connection:
        add_all(connection, subscriber, [PEOPLE[1], PEOPLE[0]])
    with reader.database.read() as connection:
        assert list(connection.scalars(select(subscriber.c.typed))) == [PEOPLE[0]["typed"]]


def test_a_time_without_a_zone_is_refused(reader: Office) -> None:
    naive = [{**PEOPLE[1], "made_at": START.replace(tzinfo=None)}]
    with pytest.raises(ValueError, match="without a zone"), reader.database.write() as connection:
        add_all(connection, subscriber, naive)
