"""Readers of digests: what they choose, and which releases each of their mails tells of."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from support.desk import approve, import_readers, text
from support.mails import read
from support.offices import KEFM, UM
from support.workers import give_back, record, take

from mailer.core.address import parse_address
from mailer.core.delivery import Due
from mailer.core.newsroom import Newsroom
from mailer.mail.compose import Composer
from mailer.services import choices, digest, press, publish
from mailer.services.digest import Sent
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.services.publish import Published
from mailer.store import messages
from mailer.store.digest_tables import digest_due
from mailer.store.tables import edition

ALL = ("at_once", "daily", "weekly")


def with_digests(office: Office, **changes: Any) -> Office:
    """An office whose newsrooms offer every frequency; `changes` are of the newsrooms."""
    rooms = {room.key: replace(room, frequencies=ALL, **changes) for room in (UM, KEFM)}
    return replace(office, newsrooms=rooms)


def readers(office: Office, count: int, newsroom: Newsroom = UM) -> list[str]:
    """Active readers, with each release at once."""
    return import_readers(office, count, newsroom=newsroom)


def choose(office: Office, mailbox: str, *, newsroom: Newsroom = UM, **changes: Any) -> None:
    """Change parts of a choice, as an operator does who is asked to."""
    address, room = parse_address(mailbox), office.newsroom(newsroom.key)
    before = choices.standing_of(office, address=address, newsroom=room).choice
    choices.change_for(
        office, address=address, newsroom=room, choice=replace(before, **changes), who="desk"
    )


def publish_now(
    office: Office, title: str, *, newsroom: Newsroom = UM, urgent: bool = False
) -> int:
    """Publish a release at once; its number."""
    number = approve(office, text(title), newsroom=newsroom)
    if urgent:
        press.send(office, number, who="desk", urgent=True)
    done = [one for one in publish.publish_due(office) if isinstance(one, Published)]
    assert [one.release_id for one in done] == [number]
    return number


def send(office: Office) -> Sent:
    """Open the digests that are due, in as many calls as that takes here."""
    sent = digest.send_due(office)
    while sent.more:
        then = digest.send_due(office)
        sent = Sent(sent.digests + then.digests, sent.faults + then.faults, then.more)
    return sent


def dispatched(office: Office) -> list[tuple[str, tuple[str, ...]]]:
    """Open what is due and hand everything out; each mail's reader, and the titles that it tells of."""
    send(office)
    mails = []
    while handed := take(office):
        mails += [(due.mailbox, told(office, due)) for due in handed if due.mailing_id]
        record(office, handed)
    give_back(office)
    return sorted(mails)


def told(office: Office, due: Due) -> tuple[str, ...]:
    """The titles of releases that a mail tells of, in its order, as both of its parts have them."""
    composer = Composer(office.keys.tokens, office.keys.marks)
    with office.database.read() as connection:
        prepared = as_prepared(messages.read_prepared(connection, due.prepared_id))
        titles = set(connection.scalars(select(edition.c.title)))
    wire = read(composer.compose(prepared, due))
    found = re.findall(r"^(.+)\n[=-]{2,}$", wire.text, re.MULTILINE)
    shown = [title for title in found if title in titles]
    assert all(title in wire.html for title in shown)
    return tuple(shown)


def waiting(office: Office) -> dict[tuple[int, int], datetime]:
    """What waits, by subscription and release, and when it is looked at."""
    query = select(digest_due.c.subscription_id, digest_due.c.release_id, digest_due.c.due_at)
    with office.database.read() as connection:
        rows = connection.execute(query.where(digest_due.c.state == "waiting"))
        return {(row.subscription_id, row.release_id): row.due_at for row in rows}


def states(office: Office) -> Counter[str]:
    """How many rows stand in each state."""
    with office.database.read() as connection:
        return Counter(connection.scalars(select(digest_due.c.state)))


def titles(mails: Sequence[tuple[str, tuple[str, ...]]], mailbox: str) -> list[tuple[str, ...]]:
    """What each of one reader's mails tells of."""
    return [each for reader, each in mails if reader == mailbox]
