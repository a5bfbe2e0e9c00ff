"""Has corrections that name an embargo which is over leave without it (`store.outlived`).

They were put off across its end: the relay was not there, or deferred them. Killed at any point between, the
notice stands still, and the next who looks goes on.
"""

import hashlib
from dataclasses import replace
from itertools import groupby

from mailer.core.release import Edition
from mailer.mail.desk import Matter, prepare_matter
from mailer.mail.prepare import Prepared
from mailer.services.amending import facts_of
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import amendments, mailings, messages, outlived, public, releases, wakeup
from mailer.store.outlived import Notice
from mailer.store.releases import ReleaseRow


def make_anew(office: Office) -> None:
    """Make those anew that are to be, and let those go on of which nothing is in hand."""
    with office.database.read() as connection:
        found = outlived.notices(connection, office.clock())
        waiting = outlived.stopped(connection)
    for _, some in groupby(found, key=lambda one: one.mailing_id):
        _make_anew(office, list(some))
    for number in dict.fromkeys([*waiting, *(one.mailing_id for one in found)]):
        with office.database.write() as connection:
            mailings.take_turn(connection, alone=True)
            if outlived.go_on(connection, number, office.clock()):
                wakeup.notify(connection)


def _make_anew(office: Office, of: list[Notice]) -> None:
    """Of one mailing; nothing where its release was changed meanwhile: the next look sees it then."""
    with office.database.read() as connection:
        row = releases.read(connection, of[0].release_id)
        texts = public.texts(
            connection, [number for one in of for number in (one.edition, one.held)]
        )
    if row is None:
        return
    ready = [(one, _message(office, row, one, texts)) for one in of]
    newsroom = office.newsroom(row.newsroom)
    with office.database.write() as connection:
        mailings.take_turn(connection, alone=True)
        amendments.lock(connection, row.id)
        now = office.clock()
        still = {one.prepared_id for one in outlived.notices(connection, now)}
        if releases.read(connection, row.id) != row or not still.issuperset(
            one.prepared_id for one in of
        ):
            return
        by = []
        for one, message in ready:
            kept = to_keep(message, newsroom, mailing_id=one.mailing_id, edition_id=one.edition)
            told = f"{one.prepared_id}:{kept.digest}"  # another message than the one it replaces
            digest = hashlib.sha256(told.encode()).hexdigest()
            kept = replace(kept, digest=digest, held_edition_id=one.held)
            by.append((one, messages.keep_prepared(connection, kept, now)))
        outlived.replace(connection, by)


def _message(office: Office, row: ReleaseRow, of: Notice, texts: dict[int, Edition]) -> Prepared:
    matter = Matter(
        "correction",
        texts[of.edition],
        facts_of(row),
        held=texts[of.held],
        note=of.note,
        hidden=row.state != "published",
    )
    return prepare_matter(
        office.templates,
        matter,
        site=office.site,
        newsroom=office.newsroom(row.newsroom),
        made_at=office.clock(),
    )
