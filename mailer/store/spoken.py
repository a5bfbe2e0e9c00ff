"""Asks in SQL which of a release's languages a reader gets, exactly as `core.language.choose` says it.

A reader's languages lie as JSON text, best first: `["kl", "da"]`. In lower case, a tag stands earlier in it
the better it is liked. So each language that is offered has a place: where its exact tag stands first, or
else where any tag of its primary subtag does. The least place wins; at one place an exact tag wins over a
primary one, and among those the language offered first. One expression says it, whatever the languages:

    least over the offered of (2 * place + (0 if exact else 1)) * 64 + position

and one beyond all for who wants none of them. It is worked out within the one row that is asked.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, case, cast, func, literal, select

from mailer.core.language import primary
from mailer.store.ledger_tables import prepared
from mailer.store.tables import consent, subscription

_PLACES = 64
_NOWHERE = (1 << 30) + _PLACES - 1  # at a position that no language has


def messages_by_language(connection: Connection, mailing_id: int) -> dict[str, int]:
    """The prepared messages of a mailing, in the order in which they were made."""
    rows = connection.execute(
        select(prepared.c.language, prepared.c.id)
        .where(prepared.c.mailing_id == mailing_id)
        .order_by(prepared.c.id)
    )
    return {row.language: row.id for row in rows}


def message_for(
    connection: Connection, reader: ColumnElement[int], mark: int, messages: dict[str, int]
) -> ColumnElement[Any]:
    """The number of the message that a subscription gets by its choice up to entry `mark`.

    NULL for who wants none of the languages.

    Args:
        messages: the prepared messages by language, in the order they are offered; fewer than 63.
    """
    found = _place_at(connection, reader, mark, tuple(messages))
    return case(dict(enumerate(messages.values())), value=found % _PLACES)


def speaks(
    connection: Connection, reader: ColumnElement[int], mark: int, language: str
) -> ColumnElement[bool]:
    """Whether a language is among those that a subscription wanted as of entry `mark`."""
    return _place_at(connection, reader, mark, (language,)) < _NOWHERE


def position_now(connection: Connection, offered: Sequence[str]) -> ColumnElement[int]:
    """The position of the one of these languages that a subscription would get by its choice at present."""
    return _place(connection, func.lower(cast(subscription.c.languages, Text)), offered) % _PLACES


def speaks_now(connection: Connection, offered: Sequence[str]) -> ColumnElement[bool]:
    """Whether one of these languages is among those that a subscription wants at present."""
    return _place(connection, func.lower(cast(subscription.c.languages, Text)), offered) < _NOWHERE


def _place_at(
    connection: Connection, reader: ColumnElement[int], mark: int, offered: Sequence[str]
) -> ColumnElement[int]:
    """By the last choice on record up to `mark`; by the languages it was made with where none is."""
    last = (
        select(func.lower(cast(consent.c.choice["languages"], Text)).label("spoken"))
        .where(
            consent.c.subscription_id == reader,
            consent.c.id <= mark,
            consent.c.choice.is_not(None),
        )
        .order_by(consent.c.id.desc())
        .limit(1)
        .correlate_except(consent)
        .subquery()
    )
    # The limit outside keeps SQLite from working the text out anew for every language.
    on_record = select(_place(connection, last.c.spoken, offered)).limit(1).scalar_subquery()
    made_with = _place(connection, func.lower(cast(subscription.c.languages, Text)), offered)
    return func.coalesce(on_record, made_with)


def _place(
    connection: Connection, spoken: ColumnElement[str], offered: Sequence[str]
) -> ColumnElement[int]:
    places = [
        place
        for position, tag in enumerate(offered)
        for place in _places_of(connection, spoken, tag.lower(), position)
    ]
    least = func.min if connection.dialect.name == "sqlite" else func.least
    return least(
        *places, literal(_NOWHERE)
    )  # never alone: of one value SQLite's MIN is an aggregate


def _places_of(
    connection: Connection, spoken: ColumnElement[str], tag: str, position: int
) -> list[ColumnElement[int]]:
    exact = ((f'"{tag}"', 0),)
    near = ((f'"{primary(tag)}"', 1), (f'"{primary(tag)}-', 1))
    find = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return [
        func.coalesce(
            (func.nullif(find(spoken, words), 0) * 2 + less) * _PLACES + position, _NOWHERE
        )
        for words, less in dict.fromkeys((*exact, *near))
    ]
