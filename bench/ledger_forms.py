"""Forms of the ledger in plain SQL, side by side on the real tables of people; two of the three are here.

    rows      one delivery row a reader is written as the mailing is opened, chunks are cut then, and
              each row is written once more with its outcome
    portions  the same rows, but those of the next few chunks alone are written, whenever they run out;
              who is in the audience is asked of the consent history up to the moment it was frozen
    outcomes  (`ledger_outcomes`) the frozen audience is a bound and a filter; a chunk row is made as it
              is leased, and a delivery row is inserted with its outcome

Each works in turns of one transaction: write the outcomes of the chunk before, lease the next.
"""

from typing import Any, Protocol

from book import Book, Rows
from databases import NEWSROOM

CHUNK = 500
REPLY = "2.0.0 Ok: queued as 4f8XyZ{:08d}"
"""An answer as a relay gives it, another one for every message."""


class Form(Protocol):
    """One form of the ledger, over an open book."""

    table: str

    def freeze(self) -> int:
        """Open the mailing and freeze its audience; how many they are."""

    def turn(self, done: Rows) -> Rows:
        """Record outcomes of the deliveries in `done`, lease the next; empty at the end."""

    def cancel(self) -> None:
        """Put on record for everybody who was not sent to that nothing will come."""

    def holders(self) -> int:
        """Find who has, or may have, the earlier edition; how many they are."""


OPEN_MAILING = f"""
INSERT INTO mailing (newsroom, kind, state, unknown, made_at, consent_mark, audience, settled_otherwise)
SELECT '{NEWSROOM}', 'bench', 'open', 'resend', ?, coalesce(max(id), 0), 0, 0 FROM consent
"""
PREPARED = f"""
INSERT INTO prepared (newsroom, purpose, language, subject, return_path, content, digest, made_at)
VALUES ('{NEWSROOM}', 'release', 'en', 'Measured', 'press@example.org', ?, 'bench', ?)
"""


def open_mailing(book: Book) -> None:
    """The rows that both forms begin with: mailing 1, prepared 1."""
    now = book.now()
    book.run(PREPARED, b"", now)
    book.run(OPEN_MAILING, now)


class RowsForm:
    """Rows as the mailing is opened, written again with their outcome."""

    table = "delivery"

    def __init__(self, book: Book) -> None:
        self._book = book
        self._outcomes = SQLITE_UPDATE if book.is_sqlite else POSTGRESQL_UPDATE

    def freeze(self) -> int:
        """One INSERT ... SELECT, then the chunks."""
        book = self._book
        with book.transaction():
            open_mailing(book)
            book.run(FAN_OUT, book.now())
            book.run(CUT)
            size = book.one("SELECT count(*) FROM delivery WHERE mailing_id = 1")[0]
            book.run("UPDATE mailing SET audience = ? WHERE id = 1", size)
        return int(size)

    def turn(self, done: Rows) -> Rows:
        """As the dispatcher does it, with a window as large as a chunk."""
        book = self._book
        with book.transaction():
            if done:
                self._record(done)
            found = self._next_chunk()
            if found is None:
                return ()
            book.run(LEASE_CHUNK, book.now(), found[1], found[0])
            return list(book.run(READ_CHUNK, found[0], found[1]).fetchall())

    def _next_chunk(self) -> Any:
        return self._book.one(NEXT_CHUNK)

    def _record(self, done: Rows) -> None:
        book, now = self._book, self._book.now()
        if book.is_sqlite:
            book.many(self._outcomes, [(now, REPLY.format(row[0]), row[0]) for row in done])
        else:
            ids = [row[0] for row in done]
            book.run(self._outcomes, now, ids, [REPLY.format(number) for number in ids])
        book.run(
            "UPDATE mailing SET settled_otherwise = settled_otherwise + ? WHERE id = 1", len(done)
        )
        book.run("UPDATE chunk SET state = 'done', worker = NULL WHERE state = 'leased'")

    def cancel(self) -> None:
        """One set-based UPDATE."""
        with self._book.transaction():
            self._book.run("UPDATE mailing SET state = 'cancelled' WHERE id = 1")
            self._book.run("UPDATE chunk SET state = 'done' WHERE mailing_id = 1")
            self._book.run(CANCEL_ROWS, self._book.now())

    def holders(self) -> int:
        """Read from the rows."""
        return int(self._book.one(HOLDERS.format(table=self.table))[0])


FAN_OUT = f"""
INSERT INTO delivery (mailing_id, subscription_id, prepared_id, purpose, state, attempts, made_at)
SELECT 1, id, 1, 'release', 'due', 0, ? FROM subscription
WHERE newsroom = '{NEWSROOM}' AND state = 'active' ORDER BY id
"""
CUT = f"""
INSERT INTO chunk (mailing_id, lo, hi, mark, state)
SELECT 1, min(id), max(id), min(id) - 1, 'open'
FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / {CHUNK} AS place
      FROM delivery WHERE mailing_id = 1) AS placed
GROUP BY place
"""
NEXT_CHUNK = """
SELECT chunk.lo, chunk.hi FROM chunk JOIN mailing ON mailing.id = chunk.mailing_id
WHERE mailing.id = 1 AND mailing.state = 'open' AND chunk.state <> 'done' AND chunk.mark < chunk.hi
ORDER BY chunk.lo LIMIT 1
"""
LEASE_CHUNK = """
UPDATE chunk SET state = 'leased', worker = 'bench', lease_until = ?, mark = ?
WHERE mailing_id = 1 AND lo = ?
"""
READ_CHUNK = """
SELECT delivery.id, delivery.subscription_id, subscriber.mailbox, subscription.state,
       suppression.hash
FROM delivery
JOIN subscription ON subscription.id = delivery.subscription_id
JOIN subscriber ON subscriber.id = subscription.subscriber_id
LEFT JOIN suppression ON suppression.hash = subscriber.hash
WHERE delivery.id BETWEEN ? AND ? AND delivery.state = 'due' AND delivery.due_at IS NULL
ORDER BY delivery.id
"""
SQLITE_UPDATE = """
UPDATE delivery SET state = 'accepted', attempts = 1, settled_at = ?, code = 250, reply = ?
WHERE id = ? AND state = 'due'
"""
POSTGRESQL_UPDATE = """
UPDATE delivery SET state = 'accepted', attempts = 1, settled_at = ?, code = 250, reply = said
FROM unnest(?::bigint[], ?::text[]) AS outcome (number, said)
WHERE id = number AND state = 'due'
"""
CANCEL_ROWS = """
UPDATE delivery SET state = 'cancelled', settled_at = ?
WHERE mailing_id = 1 AND state = 'due' AND due_at IS NULL
"""
HOLDERS = """
SELECT count(*), max(subscription_id) FROM {table}
WHERE mailing_id = 1 AND state IN ('accepted', 'unknown')
"""


class PortionsForm(RowsForm):
    """Rows as chunks run out, by the consent history; the rest as in the first form."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self._last = 0

    def freeze(self) -> int:
        """The mailing, a count for the operator's eyes, and the first portion."""
        book = self._book
        with book.transaction():
            open_mailing(book)
            size = book.one(
                f"SELECT count(*) FROM subscription"
                f" WHERE newsroom = '{NEWSROOM}' AND state = 'active'"
            )[0]
            book.run("UPDATE mailing SET audience = ? WHERE id = 1", size)
            self._write_portion()
        return int(size)

    def _next_chunk(self) -> Any:
        found = super()._next_chunk()
        return found if found is not None or not self._write_portion() else super()._next_chunk()

    def _write_portion(self) -> bool:
        """Write the rows of the next readers; whether there are any."""
        book, first = self._book, self._last
        last = book.one(PORTION_END, first)[0]
        if last is None:
            return False
        before = book.one("SELECT coalesce(max(id), 0) FROM delivery")[0]
        book.run(WRITE_PORTION, book.now(), first, last)
        book.run(CUT_PORTION, before)
        self._last = last
        return True

    def cancel(self) -> None:
        """Write what is left, then one set-based UPDATE, so that everybody is on record."""
        with self._book.transaction():
            while self._write_portion():
                pass
        super().cancel()


PORTION = 20 * CHUNK
PORTION_END = f"""
SELECT max(id) FROM (SELECT id FROM subscription WHERE newsroom = '{NEWSROOM}' AND id > ?
                     ORDER BY id LIMIT {PORTION}) AS next
"""
WRITE_PORTION = f"""
INSERT INTO delivery (mailing_id, subscription_id, prepared_id, purpose, state, attempts, made_at)
SELECT 1, id, 1, 'release', 'due', 0, ? FROM subscription
WHERE newsroom = '{NEWSROOM}' AND id > ? AND id <= ? AND (
  SELECT act FROM consent WHERE subscription_id = subscription.id
    AND consent.id <= (SELECT consent_mark FROM mailing WHERE mailing.id = 1)
    AND act IN ('confirmed', 'imported', 'left', 'ended', 'suppressed')
  ORDER BY consent.id DESC LIMIT 1) IN ('confirmed', 'imported')
ORDER BY id
"""
CUT_PORTION = CUT.replace("mailing_id = 1)", "mailing_id = 1 AND id > ?)")
