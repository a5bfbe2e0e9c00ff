"""Measures the forms of the ledger (see `ledger_forms`) on real SQLite and PostgreSQL.

    python bench/ledger.py [--readers 200000] [--rounds 3] [--databases SQLite,PostgreSQL] [--json]

Variants on PostgreSQL differ in the room a page leaves for new row versions (fillfactor), in whether the
index over what waits names `state` (PostgreSQL writes a row anew without touching an index, "HOT", only if
no column that an index names has changed), and in whether deliveries refer to other tables by foreign
keys. CPU is that of this process and of the database's backend together: unlike the clock it hardly
feels what else the machine does.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import databases
import page
import psutil
from book import Book
from ledger_forms import CHUNK, Form, PortionsForm, RowsForm
from ledger_outcomes import OutcomesForm

_STATE_INDEX = """
DROP INDEX ix_delivery_waiting;
CREATE INDEX ix_delivery_waiting ON delivery (mailing_id, due_at)
  WHERE state = 'due' AND due_at IS NOT NULL
"""
_PLAIN_INDEX = """
DROP INDEX ix_delivery_waiting;
CREATE INDEX ix_delivery_waiting ON delivery (mailing_id, due_at) WHERE due_at IS NOT NULL
"""
_NO_KEYS = "ALTER TABLE delivery DROP CONSTRAINT fk_delivery_subscription_id_subscription"
_ALL_KEYS = """
ALTER TABLE delivery ADD FOREIGN KEY (mailing_id) REFERENCES mailing (id);
ALTER TABLE delivery ADD FOREIGN KEY (prepared_id) REFERENCES prepared (id)
"""
_NO_OUTCOME_KEYS = """
ALTER TABLE outcome DROP CONSTRAINT outcome_mailing_id_fkey;
ALTER TABLE outcome DROP CONSTRAINT outcome_subscription_id_fkey;
ALTER TABLE outcome DROP CONSTRAINT outcome_prepared_id_fkey
"""


@dataclass(frozen=True)
class Variant:
    """One form on one kind of database, after some changes to the schema."""

    name: str
    form: Callable[[Book], Form]
    changes: str = ""


SQLITE = (
    Variant("rows", RowsForm, _PLAIN_INDEX),
    Variant("portions", PortionsForm, _PLAIN_INDEX),
    Variant("outcomes", OutcomesForm),
)
POSTGRESQL = (
    Variant("rows, index names state", RowsForm, _STATE_INDEX),
    Variant("rows", RowsForm, _PLAIN_INDEX),
    Variant(
        "rows, fillfactor 70",
        RowsForm,
        f"{_PLAIN_INDEX};ALTER TABLE delivery SET (fillfactor = 70)",
    ),
    Variant("rows, three foreign keys", RowsForm, f"{_PLAIN_INDEX};{_ALL_KEYS}"),
    Variant("rows, no foreign keys", RowsForm, f"{_PLAIN_INDEX};{_NO_KEYS}"),
    Variant("portions", PortionsForm, _PLAIN_INDEX),
    Variant("portions, three foreign keys", PortionsForm, f"{_PLAIN_INDEX};{_ALL_KEYS}"),
    Variant("portions, no foreign keys", PortionsForm, f"{_PLAIN_INDEX};{_NO_KEYS}"),
    Variant("outcomes", OutcomesForm),
    Variant("outcomes, no foreign keys", OutcomesForm, _NO_OUTCOME_KEYS),
)

VERIFY = f"""
WITH last AS (
  SELECT consent.subscription_id, max(consent.id) AS number
  FROM consent JOIN subscription ON subscription.id = consent.subscription_id
  WHERE subscription.newsroom = '{databases.NEWSROOM}'
    AND consent.id <= (SELECT consent_mark FROM mailing WHERE id = 1)
    AND consent.act IN ('confirmed', 'imported', 'left', 'ended', 'suppressed')
  GROUP BY consent.subscription_id),
consented AS (
  SELECT last.subscription_id FROM last JOIN consent ON consent.id = last.number
  WHERE consent.act IN ('confirmed', 'imported'))
SELECT (SELECT count(*) FROM consented),
  (SELECT count(*) FROM consented WHERE NOT EXISTS (
     SELECT 1 FROM {{table}} WHERE mailing_id = 1
       AND {{table}}.subscription_id = consented.subscription_id)),
  (SELECT count(*) FROM {{table}} WHERE mailing_id = 1 AND NOT EXISTS (
     SELECT 1 FROM consented WHERE consented.subscription_id = {{table}}.subscription_id))
"""
COUNTS = "SELECT state, count(*) FROM {table} WHERE mailing_id = 1 GROUP BY state"


class Watch:
    """Seconds by the clock and of CPU, ours and the backend's, since it was made."""

    def __init__(self, book: Book) -> None:
        self._backend = None if book.is_sqlite else psutil.Process(book.backend())
        self._wall, self._cpu = time.perf_counter(), self._spent()

    @property
    def wall(self) -> float:
        """By the clock."""
        return time.perf_counter() - self._wall

    @property
    def cpu(self) -> float:
        """Of CPU."""
        return self._spent() - self._cpu

    def _spent(self) -> float:
        if self._backend is None:
            return time.process_time()
        used = self._backend.cpu_times()
        return time.process_time() + float(used.user + used.system)


def timed(book: Book, work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that some work takes, by the clock and of CPU."""
    watch = Watch(book)
    work()
    return watch.wall, watch.cpu


def measure(variant: Variant, url: str, readers: int) -> dict[str, float]:
    """A whole run of a variant on a fresh database, and the questions asked of it afterwards."""
    book = Book(url)
    form = variant.form(book)
    book.script(variant.changes)
    before = _octets(book, form.table)
    log_before = _log(book)
    freeze_s, freeze_cpu = timed(book, form.freeze)
    turns_s, turns_cpu = timed(book, partial(_work_off, form, readers))
    found = {
        "freeze_s": freeze_s,
        "freeze_cpu_s": freeze_cpu,
        "turn_us": turns_s / readers * 1e6,
        "turn_cpu_us": turns_cpu / readers * 1e6,
        "octets": (_octets(book, form.table) - before) / readers,
    }
    if not book.is_sqlite:
        found["log_octets"] = (_log(book) - log_before) / readers
        found |= _versions(book, form.table)
    found["holders_s"] = timed(book, form.holders)[0]
    found["verify_s"] = timed(book, partial(_verify, book, form.table, readers))[0]
    book.close()
    return found


def measure_cancel(variant: Variant, url: str, readers: int) -> float:
    """Seconds to put half an audience on record as cancelled."""
    book = Book(url)
    form = variant.form(book)
    book.script(variant.changes)
    form.freeze()
    _work_off(form, readers // 2, whole=False)
    seconds = timed(book, form.cancel)[0]
    rows = dict(book.run(COUNTS.format(table=form.table)).fetchall())
    assert readers - sum(rows.values()) <= CHUNK, rows  # the chunk in hand has no outcome yet
    book.close()
    return seconds


def _work_off(form: Form, readers: int, *, whole: bool = True) -> None:
    taken = form.turn(())
    count = len(taken)
    while count < readers:
        taken = form.turn(taken)
        count += len(taken)
    if whole:
        rest = form.turn(taken)
        assert not rest, "somebody was handed out who was not counted"
        assert count == readers, f"{count} of {readers} were handed out"


def _verify(book: Book, table: str, readers: int) -> None:
    counts = dict(book.run(COUNTS.format(table=table)).fetchall())
    found = book.one(VERIFY.format(table=table))
    assert counts == {"accepted": readers}, counts
    assert tuple(found) == (readers, 0, 0), found


def _octets(book: Book, table: str) -> float:
    if book.is_sqlite:
        book.run("PRAGMA wal_checkpoint(TRUNCATE)")
        return float(book.one("PRAGMA page_count")[0] * book.one("PRAGMA page_size")[0])
    return float(book.one("SELECT pg_total_relation_size(?::regclass)", table)[0])


def _log(book: Book) -> float:
    """How much has gone through PostgreSQL's write-ahead log."""
    if book.is_sqlite:
        return 0.0
    return float(book.one("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")[0])


def _versions(book: Book, table: str) -> dict[str, float]:
    """What writing rows anew left behind: dead versions, and the share that touched no index."""
    book.run("SELECT pg_stat_force_next_flush()")
    time.sleep(1.5)  # other backends hand in their statistics once a second
    dead, written, hot = book.one(
        "SELECT n_dead_tup, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = ?",
        table,
    )
    return {"dead": float(dead), "hot": hot / written if written else 1.0}


HEADS = {
    "freeze_s": "freeze, s",
    "freeze_cpu_s": "CPU, s",
    "turn_us": "lease and record, µs a message",
    "turn_cpu_us": "CPU, µs a message",
    "cancel_s": "cancel half, s",
    "holders_s": "find holders, s",
    "verify_s": "verify, s",
    "octets": "octets a message",
    "log_octets": "log, octets a message",
    "dead": "dead versions",
    "hot": "HOT share",
}


def table(results: dict[str, dict[str, float]]) -> str:
    """Medians as a table for reading."""
    rows = [
        [name, *(_shown(key, found.get(key)) for key in HEADS)] for name, found in results.items()
    ]
    return page.table(["ledger", *HEADS.values()], rows)


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return ""
    if key.endswith("_s"):
        return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    if key == "hot":
        return f"{value:.0%}"
    return f"{value:,.1f}" if key.endswith("_us") else f"{value:,.0f}"


def measured(
    kind: str, readers: int, rounds: int, names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Medians of interleaved rounds of the variants on one kind of database, or of those named."""
    variants = [
        each
        for each in (SQLITE if kind == "SQLite" else POSTGRESQL)
        if not names or each.name in names
    ]
    found: dict[str, list[dict[str, float]]] = {each.name: [] for each in variants}
    with databases.lent(kind) as lender:
        master = lender.master(f"readers-{readers}", lambda url: databases.fill(url, readers))
        for _ in range(rounds):
            for variant in variants:
                with lender.fresh(master) as url:
                    one = measure(variant, url, readers)
                with lender.fresh(master) as url:
                    one["cancel_s"] = measure_cancel(variant, url, readers)
                found[variant.name].append(one)
    return {
        f"{kind}: {name}": {key: statistics.median(one[key] for one in ones) for key in ones[0]}
        for name, ones in found.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--variant", action="append", default=[], help="this alone; may repeat")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for kind in wanted.databases.split(","):
        results |= measured(kind, wanted.readers, wanted.rounds, wanted.variant)
    if wanted.json:
        print(json.dumps({"machine": page.machine(), "readers": wanted.readers, "ledger": results}))
        return
    print(page.machine())
    print(f"{wanted.readers:,} readers, medians of {wanted.rounds} interleaved rounds\n")
    print(table(results))


if __name__ == "__main__":
    main()
