"""Measures how fast a release finds its readers: topics and languages against many subscriptions.

    python bench/matching.py [--readers 1000000] [--databases SQLite,PostgreSQL] [--json]

Half of the readers have chosen: their languages in one of several orders, some of the topics, a break. A
release in three languages and with two topics is published, and its deliveries written portion by portion,
each in a transaction of its own, as dispatchers do it; nothing is sent. Each release is matched in a fresh
process, on a fresh copy of the database. `opening` is the transaction that publishes it: everybody
counted and the first portion written. Peak memory is that process's own, whatever started it; beside it
stands that for a tenth of the readers: it does not grow with them, but for SQLite's page cache, of 16 MB at
most. Last, `mailer verify` recomputes all of it.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import databases
import office
import page
from databases import NEWSROOM, Databases
from weigh import own_peak, weighed

CHOICES = (
    '{"languages": ["en"], "topics": ["climate"]}',
    '{"languages": ["da", "en"]}',
    '{"languages": ["kl", "da"], "topics": ["trade", "energy"]}',
    '{"languages": ["da"], "topics": ["trade"]}',
    '{"languages": ["fr", "en"], "every_language": true}',
    '{"languages": ["en", "da"], "kinds": ["speech"], "topics": ["climate", "energy"]}',
    '{"languages": ["kl"], "places": ["north"]}',
    '{"languages": ["da", "kl", "en"], "paused_until": "2999-01-01T00:00:00+00:00"}',
)
"""What those have chosen who have: reader n the one at n modulo twice their number, if there is one."""

_CHOOSE = """
INSERT INTO consent (subscription_id, act, at, address, form, choice)
SELECT id, 'chosen', made_at, '', 'benchmark', '{choice}' FROM subscription WHERE id % {every} = {at}
"""
_STAND = """
UPDATE subscription SET languages = '{languages}', topics = {topics}, kinds = {kinds}, places = {places},
       paused_until = {until}, every_language = {every_language}
WHERE id % {every} = {at}
"""


@dataclass(frozen=True)
class Measured:
    """One release matched: seconds, rows and megabytes."""

    readers: int
    audience: int
    opening: float
    rows_a_second: float
    peak: float
    verify: float


def fill(url: str, readers: int) -> None:
    """Fill a database, and have half of its readers choose."""
    from mailer.store.database import Database  # noqa: PLC0415 - the parent only lends databases

    databases.fill(url, readers)
    database = Database(url)
    with database.write() as connection:
        for at, text in enumerate(CHOICES):
            where = {"every": 2 * len(CHOICES), "at": at}
            connection.exec_driver_sql(_doubled(_CHOOSE.format(choice=text, **where), url))
            connection.exec_driver_sql(_doubled(_STAND.format(**_columns(text), **where), url))
    if url.startswith("sqlite"):
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


def _columns(text: str) -> dict[str, str]:
    """A choice as its columns have it, in SQL."""
    chosen = json.loads(text)
    lists = {
        name: f"'{json.dumps(chosen[name])}'" if name in chosen else "NULL"
        for name in ("topics", "kinds", "places")
    }
    until = "'2999-01-01 00:00:00.000000'" if "paused_until" in chosen else "NULL"
    every = "true" if chosen.get("every_language") else "false"
    languages = json.dumps(chosen["languages"])
    return {**lists, "languages": languages, "until": until, "every_language": every}


def _doubled(statement: str, url: str) -> str:
    """psycopg takes a percent sign for a parameter."""
    return statement if url.startswith("sqlite") else statement.replace("%", "%%")


def match(config: Path) -> Measured:
    """Publish a release of three languages in an office, and write its deliveries; in this process."""
    from sqlalchemy import func, select  # noqa: PLC0415 - as above

    from mailer.config import load  # noqa: PLC0415 - as above
    from mailer.core.release import Block, Edition, ReleaseDocument, Run  # noqa: PLC0415 - as above
    from mailer.services import press, proof, publish  # noqa: PLC0415 - as above
    from mailer.store import portions  # noqa: PLC0415 - as above
    from mailer.store.tables import subscription  # noqa: PLC0415 - as above
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(load(config, {})) as desk:
        for language in ("da", "en", "kl"):
            body = (Block("paragraph", (Run(office.PARAGRAPH),)),)
            document = ReleaseDocument(
                Edition(language, f"The figures, {language}", "", body),
                identity="figures",
                topics=("climate", "energy"),
                kind="speech",
            )
            added = press.add_document(desk, document, newsroom=NEWSROOM, who="bench")
        press.send(desk, added.id, who="bench")
        started = time.perf_counter()
        (done,) = publish.publish_due(desk)
        assert isinstance(done, publish.Published)
        opened = time.perf_counter()
        more = True
        while more:
            with desk.database.write() as connection:
                more = portions.owe_more(connection, done.mailing_id)
        written = time.perf_counter()
        peak = own_peak()
        found = proof.verify(desk)
        assert found.ok, found
        with desk.database.read() as connection:
            readers = connection.scalar(select(func.count()).select_from(subscription)) or 0
    return Measured(
        readers=readers,
        audience=done.audience,
        opening=opened - started,
        rows_a_second=done.audience / (written - started),
        peak=peak,
        verify=time.perf_counter() - written,
    )


def matched(lender: Databases, readers: int) -> Measured:
    """The same in a process of its own, on a fresh database."""
    master = lender.master(f"matching-{readers}", partial(fill, readers=readers))
    with lender.fresh(master) as url, TemporaryDirectory(prefix="matching") as folder:
        config = office.write_settings(Path(folder), url, office.Terms(port=25))
        text = config.read_text("utf-8").replace(
            f"languages = {databases.LANGUAGES}", 'languages = ["en", "da", "kl"]'
        )
        offers = "".join(
            f"[newsroom.{NEWSROOM}.{group}.{key}]\nen = '{key}'\n"
            for group, keys in (
                ("topics", ("climate", "trade", "energy")),
                ("kind_choices", ("speech",)),
                ("places", ("north",)),
            )
            for key in keys
        )
        config.write_text(text + offers, "utf-8")
        weight = weighed([sys.executable, __file__, "--match", str(config)])
        return Measured(**json.loads(weight.said))


def table(found: dict[str, Sequence[Measured]]) -> str:
    """What was measured, as a table."""
    heads = [
        "database",
        "subscriptions",
        "audience",
        "opening, ms",
        "rows/s",
        "peak, MB",
        "at a tenth, MB",
        "verify, s",
    ]
    rows = [
        [
            kind,
            f"{many.readers:,}",
            f"{many.audience:,}",
            f"{many.opening * 1000:,.0f}",
            f"{many.rows_a_second:,.0f}",
            f"{many.peak:,.0f}",
            f"{few.peak:,.0f}",
            f"{many.verify:,.1f}",
        ]
        for kind, (few, many) in found.items()
    ]
    return page.table(heads, rows)


def main() -> None:
    """Measure each kind of database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", type=Path, help="put the table into this page")
    parser.add_argument("--match", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.match is not None:
        sys.stdout.write(json.dumps(asdict(match(given.match))))
        return
    found: dict[str, Sequence[Measured]] = {}
    for kind in given.databases.split(","):
        with databases.lent(kind) as lender:
            found[kind] = [matched(lender, few) for few in (given.readers // 10, given.readers)]
    if given.json:
        told = {kind: [asdict(one) for one in each] for kind, each in found.items()}
        print(json.dumps({"machine": page.machine(), "matching": told}))
        return
    text = f"{page.machine()}.\n\n{table(found)}"
    print(text)
    if given.markdown is not None:
        page.write_section(given.markdown, "matching", text)


if __name__ == "__main__":
    main()
