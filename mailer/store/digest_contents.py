"""Takes what waits into the digests that show it, each language of a release once for each reader.

What waits without a language is shown in the one that its reader's digest finds, and bears it from then on,
also where that digest is made anew. Who wants every language is shown all of theirs: each further one is a
row of its own from the moment it is shown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, literal, select, update

from mailer.store import audiences
from mailer.store.columns import among
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, mailing, prepared


@dataclass(frozen=True, slots=True)
class Shown:
    """A release that waits, as a digest shows it.

    Attributes:
        waits_as: the language that waits; empty for what the digest finds.
        texts: the number and the language of each edition that is shown; never empty.
    """

    subscription_id: int
    release_id: int
    waits_as: str
    texts: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """One digest to be owed.

    Attributes:
        carrier: whose delivery it is.
        shown: what lies in it.
    """

    carrier: int
    prepared_id: int
    shown: tuple[Shown, ...]


def besides(
    connection: Connection, subscriptions: Collection[int], releases: Collection[int]
) -> dict[tuple[int, int], frozenset[str]]:
    """The languages that readers have of releases, or are to have.

    By a digest that has shown it or is to show that language, or by a translation that came by itself, or
    comes as soon as its row is written.

    Returns:
        By subscription and release, as far as there are any.
    """
    dialect = connection.dialect.name
    of = {"readers": sorted(subscriptions), "releases": sorted(releases)}
    which = (mailing.c.kind == "translation", mailing.c.release_id.in_(of["releases"]))
    coming = audiences.to_be_written(connection, of["readers"], *which)
    rows = [
        *connection.execute(
            select(
                digest_due.c.subscription_id, digest_due.c.release_id, digest_due.c.language
            ).where(
                among(digest_due.c.subscription_id, "readers", dialect),
                among(digest_due.c.release_id, "releases", dialect),
                digest_due.c.language != "",
            ),
            of,
        ),
        *connection.execute(
            select(delivery.c.subscription_id, mailing.c.release_id, prepared.c.language)
            .join(delivery, delivery.c.mailing_id == mailing.c.id)
            .join(prepared, prepared.c.id == delivery.c.prepared_id)
            .where(
                mailing.c.kind == "translation",
                among(mailing.c.release_id, "releases", dialect),
                among(delivery.c.subscription_id, "readers", dialect),
            ),
            of,
        ),
        *((reader, row.release_id, row.language) for reader, row in coming),
    ]
    found: dict[tuple[int, int], set[str]] = {}
    for subscription_id, release_id, language in rows:
        found.setdefault((subscription_id, release_id), set()).add(language)
    return {each: frozenset(languages) for each, languages in found.items()}


def take(connection: Connection, mailing_id: int, taken: Sequence[Taken], now: datetime) -> None:
    """Mark what lies in the digests of a mailing, whose deliveries are written.

    Of whoever carries their own, all who are shown the same texts at a time: few statements for many readers.
    """
    own: dict[_As, list[int]] = {}
    for one in taken:
        for each in one.shown:
            shown_as = _As(each.release_id, each.waits_as, each.texts)
            if each.subscription_id == one.carrier:
                own.setdefault(shown_as, []).append(each.subscription_id)
            else:
                _mark(connection, mailing_id, shown_as, [each.subscription_id], now, one.carrier)
    for shown_as, readers in own.items():
        _mark(connection, mailing_id, shown_as, readers, now, None)


class _As(NamedTuple):
    """How readers are shown a release; as in `Shown`."""

    release_id: int
    waits_as: str
    texts: tuple[tuple[int, str], ...]


def _mark(
    connection: Connection,
    mailing_id: int,
    shown_as: _As,
    readers: Sequence[int],
    now: datetime,
    carrier: int | None,
) -> None:
    (edition_id, language), *further = shown_as.texts
    whose: Any = digest_due.c.subscription_id if carrier is None else carrier
    lies_in = (
        select(delivery.c.id)
        .where(delivery.c.mailing_id == mailing_id, delivery.c.subscription_id == whose)
        .correlate(digest_due)
        .scalar_subquery()
    )
    theirs = (
        digest_due.c.subscription_id.in_(readers),
        digest_due.c.release_id == shown_as.release_id,
    )
    connection.execute(
        update(digest_due)
        .where(*theirs, digest_due.c.language == shown_as.waits_as, digest_due.c.state == "waiting")
        .values(
            state="taken",
            language=language,
            due_at=None,
            settled_at=now,
            edition_id=edition_id,
            delivery_id=lies_in,
            carrier_id=carrier,
        )
    )
    columns = [column.name for column in digest_due.c]
    for other_id, other in further:
        own = {"language": literal(other), "edition_id": literal(other_id)}
        values: list[Any] = [own.get(name, digest_due.c[name]) for name in columns]
        like_it = select(*values)
        beside = like_it.where(*theirs, digest_due.c.language == language)
        connection.execute(insert(digest_due).from_select(columns, beside))
