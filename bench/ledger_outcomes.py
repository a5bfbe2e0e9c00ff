"""The third form of the ledger: a bound and a filter, and a row a reader with its outcome."""

from book import Book, Rows
from databases import NEWSROOM
from ledger_forms import CHUNK, HOLDERS, REPLY, open_mailing


class OutcomesForm:
    """A bound and a filter; rows with their outcome."""

    table = "outcome"

    def __init__(self, book: Book) -> None:
        self._book = book
        self._bound = self._last = 0
        self._frozen_at: object = None
        tail = " WITHOUT ROWID" if book.is_sqlite else ""
        moment = "TEXT" if book.is_sqlite else "timestamptz"
        book.script(OUTCOME_TABLES.format(moment=moment, tail=tail))

    def freeze(self) -> int:
        """A bound, a moment, and a count for the operator's eyes."""
        book = self._book
        with book.transaction():
            open_mailing(book)
            self._frozen_at = book.now()
            size, bound = book.one(
                f"SELECT count(*), max(id) FROM subscription"
                f" WHERE newsroom = '{NEWSROOM}' AND state = 'active'"
            )
            self._bound = bound
            book.run("UPDATE mailing SET audience = ? WHERE id = 1", size)
        return int(size)

    def turn(self, done: Rows) -> Rows:
        """The chunk is whoever comes next within the bound."""
        book = self._book
        with book.transaction():
            if done:
                self._record(done)
            rows = book.run(
                NEXT_READERS, self._last, self._bound, self._frozen_at, self._frozen_at
            ).fetchall()
            if rows:
                first, self._last = rows[0][0], rows[-1][0]
                book.run(MAKE_CHUNK, first, self._last, self._last, book.now())
            return list(rows)

    def _record(self, done: Rows) -> None:
        book, now = self._book, self._book.now()
        if book.is_sqlite:
            book.many(
                SQLITE_OUTCOMES,
                [(row[0], self._frozen_at, now, REPLY.format(row[0])) for row in done],
            )
        else:
            ids = [row[0] for row in done]
            said = [REPLY.format(number) for number in ids]
            book.run(POSTGRESQL_OUTCOMES, self._frozen_at, now, ids, said)
        book.run(
            "UPDATE mailing SET settled_otherwise = settled_otherwise + ? WHERE id = 1", len(done)
        )
        book.run("UPDATE leased SET state = 'done' WHERE state = 'leased'")

    def cancel(self) -> None:
        """Nothing is there to change, so the record has to be written."""
        with self._book.transaction():
            self._book.run("UPDATE mailing SET state = 'cancelled' WHERE id = 1")
            self._book.run(
                CANCEL_REST,
                self._frozen_at,
                self._book.now(),
                self._last,
                self._bound,
                self._frozen_at,
                self._frozen_at,
            )

    def holders(self) -> int:
        """Read from the rows."""
        return int(self._book.one(HOLDERS.format(table=self.table))[0])


OUTCOME_TABLES = """
CREATE TABLE outcome (
  mailing_id bigint NOT NULL REFERENCES mailing (id),
  subscription_id bigint NOT NULL REFERENCES subscription (id),
  prepared_id bigint NOT NULL REFERENCES prepared (id),
  purpose varchar(16) NOT NULL, cause varchar(40), state varchar(16) NOT NULL,
  made_at {moment} NOT NULL, due_at {moment}, attempts smallint NOT NULL,
  worker varchar(64), lease_until {moment}, settled_at {moment}, code smallint, reply varchar(200),
  PRIMARY KEY (mailing_id, subscription_id)
){tail};
CREATE INDEX ix_outcome_waiting ON outcome (mailing_id, due_at)
  WHERE state = 'due' AND due_at IS NOT NULL;
CREATE TABLE leased (
  mailing_id bigint NOT NULL, lo bigint NOT NULL, hi bigint NOT NULL, mark bigint NOT NULL,
  state varchar(8) NOT NULL, worker varchar(64), lease_until {moment},
  PRIMARY KEY (mailing_id, lo)
);
CREATE INDEX ix_leased ON leased (mailing_id, lo) WHERE state <> 'done'
"""
_AUDIENCE = f"""
subscription.newsroom = '{NEWSROOM}' AND subscription.id > ? AND subscription.id <= ?
AND subscription.active_since <= ?
AND (subscription.state = 'active' OR subscription.ended_at > ?)
"""
NEXT_READERS = f"""
SELECT subscription.id, subscription.id, subscriber.mailbox, subscription.state, suppression.hash
FROM subscription
JOIN subscriber ON subscriber.id = subscription.subscriber_id
LEFT JOIN suppression ON suppression.hash = subscriber.hash
WHERE {_AUDIENCE}
ORDER BY subscription.id LIMIT {CHUNK}
"""
MAKE_CHUNK = """
INSERT INTO leased (mailing_id, lo, hi, mark, state, worker, lease_until)
VALUES (1, ?, ?, ?, 'leased', 'bench', ?)
"""
_OUTCOME = """
INSERT INTO outcome (mailing_id, subscription_id, prepared_id, purpose, state, made_at, attempts,
                     settled_at, code, reply)
"""
SQLITE_OUTCOMES = f"{_OUTCOME} VALUES (1, ?, 1, 'release', 'accepted', ?, 1, ?, 250, ?)"
POSTGRESQL_OUTCOMES = f"""{_OUTCOME}
SELECT 1, number, 1, 'release', 'accepted', ?, 1, ?, 250, said
FROM unnest(?::bigint[], ?::text[]) AS outcome (number, said)
"""
CANCEL_REST = f"""{_OUTCOME}
SELECT 1, id, 1, 'release', 'cancelled', ?, 0, ?, NULL, NULL FROM subscription WHERE {_AUDIENCE}
"""
