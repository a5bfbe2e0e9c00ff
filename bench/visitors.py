"""Measures what visitors meet: whether an answer's time tells who subscribes, and how fast answers come.

    python bench/visitors.py [--pairs 1000] [--posts 5000] [--due 500000] [--parts likeness,load,beside]
        [--lines 16,48] [--workers 1,2] [--paces 0,500]

likeness    a known address and an unknown one in turn, in random order: how often the known one took longer.
            Alike means about as often as not: the interval that holds 95 % of chance must hold one half.
load        sign-ups of unknown readers, and one-click leaves, over some lines at once: as fast as they are
            answered, or sign-ups at a pace and leaves at twice that, however long the answers take.
beside      sign-ups at a steady pace while a dispatcher works off a release that very many are owed: how
            long each confirmation took from its sign-up to the relay.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import crowd
import databases
import fast_sink
import office
import page
import sink
import visits
import watch
from book import Book, seconds_of
from databases import NEWSROOM, Databases, reader
from visits import Answer, Post

from mailer.core.token import LinkPurpose, Tokens

WITHOUT_LIMITS = dict.fromkeys(
    (
        "address_signups_per_day",
        "mailbox_signups_per_day",
        "ipv4_signups_per_hour",
        "ipv4_24_signups_per_hour",
        "domain_signups_per_hour",
        "signups_per_hour",
        "surge_signups",
    ),
    0,
)
NEVER_REACHED = dict.fromkeys(WITHOUT_LIMITS, 1_000_000)
"""Limits that are counted, and let everybody in."""
KINDS = ("active", "pending", "ended")
FIRST = 300
"""Posts that are not counted: a site that has just begun makes its statements as they come, and PostgreSQL
looks through tables it knows as empty until it has looked at them anew, as it does within a minute."""
PACE = 5.0
"""Sign-ups a second beside a release."""
UNDER_WAY = 1000 * fast_sink.ARRIVAL_OCTETS
"""A record of so many octets: the release is being sent."""


@contextmanager
def site(
    lender: Databases, readers: int, *, workers: int = 1, **limits: object
) -> Iterator[tuple[Path, visits.Site, str]]:
    """A site over so many readers: its settings, where it is served, and its database."""
    master = office.master(lender, readers=readers, octets=10240, approved=False)
    with lender.fresh(master) as url, tempfile.TemporaryDirectory(prefix="visitors") as folder:
        terms = office.Terms(port=25, limits=WITHOUT_LIMITS | limits)
        config = office.write_settings(Path(folder), url, terms)
        with visits.served(config, workers) as place:
            yield config, place, url


def signup(mark: str, address: str) -> Post:
    """A sign-up."""
    return Post(f"/{NEWSROOM}/subscribe", {"email": address, "form": mark})


def likeness(lender: Databases, pairs: int) -> dict[str, dict[str, float]]:
    """Of each kind of known address: medians in ms, the share of pairs in which it took longer, and alike."""
    dice = random.Random(20260112)
    found = {}
    for kind in KINDS:
        with site(lender, pairs) as (_, place, url):
            _put(url, kind)
            order = [dice.random() < 0.5 for _ in range(pairs)]

            def posts(mark: str, order: Sequence[bool] = order) -> list[Post]:
                told = []
                for number, known_first in enumerate(order, 1):
                    both = [
                        signup(mark, reader(number)),
                        signup(mark, f"stranger{number}@d.example"),
                    ]
                    told += both if known_first else both[::-1]
                return told

            answers = asyncio.run(visits.in_turn(place.port, posts))
        found[kind] = _compared(answers, order)
    return found


@dataclass(frozen=True)
class Rushing:
    """How a crowd comes: over so many lines, to so many processes; `pace` sign-ups a second, or 0."""

    posts: int
    lines: int
    workers: int
    pace: int

    def told(self, times: int) -> str:
        """As a row of the table names it, at so many times the pace."""
        pace = f"{self.pace * times:,} a second over " if self.pace else ""
        return f"{pace}{self.lines} lines, workers: {self.workers}"


def _put(url: str, kind: str) -> None:
    """Have all readers stand so."""
    book = Book(url)
    book.run("UPDATE subscription SET state = ?", kind)
    book.close()


def _compared(answers: Sequence[Answer], order: Sequence[bool]) -> dict[str, float]:
    if {answer.status for answer in answers} != {303}:
        raise SystemExit(f"answers: {sorted({answer.status for answer in answers})}, not 303")
    known, unknown = [], []
    for at, known_first in enumerate(order):
        first, second = answers[2 * at].seconds, answers[2 * at + 1].seconds
        known.append(first if known_first else second)
        unknown.append(second if known_first else first)
    longer = sum(one > other for one, other in zip(known, unknown, strict=True)) / len(order)
    return {
        "known": statistics.median(known) * 1000,
        "unknown": statistics.median(unknown) * 1000,
        "longer": longer,
        "chance": 0.98 / math.sqrt(len(order)),  # 1.96 times the deviation of a fair coin
    }


def load(lender: Databases, rushes: Sequence[Rushing]) -> dict[str, dict[str, float]]:
    """Of each rush: sign-ups and leaves, see `_rates`."""
    return {
        f"{what}, {told}": found
        for one in rushes
        for what, (told, found) in _load(lender, one).items()
    }


def _load(lender: Databases, of: Rushing) -> dict[str, tuple[str, dict[str, float]]]:
    terms = {"answer_milliseconds": 0, **NEVER_REACHED}
    posts = of.posts + FIRST
    with site(lender, posts, workers=of.workers, **terms) as (_, place, url):
        mark = asyncio.run(visits.mark_of(place.port))
        forms = [signup(mark, f"new{at}@d{at % 97}.example") for at in range(posts)]
        crowd.rush(place, of.lines, forms[:FIRST])
        book = Book(url)
        book.run("ANALYZE")
        signups = crowd.rush(place, of.lines, forms[FIRST:], of.pace)
        sign = Tokens(["benchmark-tokens-0123456789abcdef0123456789"]).sign
        links = [
            f"/leave/{sign(LinkPurpose.LEAVE, at, datetime.now(UTC))}" for at in range(1, posts + 1)
        ]
        one_click = {"List-Unsubscribe": "One-Click"}
        leaving = [Post(link, one_click) for link in links]
        crowd.rush(place, of.lines, leaving[:FIRST])
        leaves = crowd.rush(place, of.lines, leaving[FIRST:], 2 * of.pace)
        asked = book.one("SELECT count(*) FROM request")[0]
        left = book.one("SELECT count(*) FROM subscription WHERE state = 'ended'")[0]
        book.close()
    if (asked, left) != (posts, posts):
        raise SystemExit(f"{asked} sign-ups and {left} leaves are on record, of {posts} each")
    return {
        "sign-ups": (of.told(1), _rates(signups, status=303)),
        "leaves": (of.told(2), _rates(leaves, status=200)),
    }


def _rates(told: crowd.Rush, *, status: int) -> dict[str, float]:
    """Answers a second, the times of the middle and the slowest hundredth in ms, CPU."""
    wrong = [answer.status for answer in told.answers if answer.status != status]
    if wrong:
        raise SystemExit(f"{len(wrong)} answers were not {status} but {sorted(set(wrong))}")
    many = len(told.answers)
    return {
        "per_second": many / told.seconds,
        **_times([one.seconds for one in told.answers]),
        "site_cpu": told.site_cpu / many * 1000,
        "own_cpu": told.own_cpu / many * 1000,
    }


def _times(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"median": cuts[49] * 1000, "p99": cuts[98] * 1000, "most": max(seconds) * 1000}


def beside(lender: Databases, due: int, posts: int) -> dict[str, float]:
    """Times in ms from sign-ups to their confirmations' DATA while a release is worked off, and its pace."""
    master = office.master(lender, readers=due, octets=10240, approved=True)
    with lender.fresh(master) as url, tempfile.TemporaryDirectory(prefix="visitors") as folder:
        record = Path(folder) / "record"
        with sink.running(sink.Wish(record=record)) as target:
            terms = office.Terms(port=target.port, limits=WITHOUT_LIMITS)
            config = office.write_settings(Path(folder), url, terms)
            with visits.served(config) as place, watch.watching(config) as dispatcher:
                watch.until(lambda: record.stat().st_size >= UNDER_WAY, dispatcher)
                asyncio.run(_steadily(place.port, posts))
            arrivals = list(fast_sink.arrivals(record))
        book = Book(url)
        made = dict(
            book.run("SELECT id, made_at FROM delivery WHERE purpose = 'confirm'").fetchall()
        )
        still_due = book.one("SELECT count(*) FROM delivery WHERE state = 'due'")[0]
        unwritten = book.one("SELECT unwritten FROM mailing")[0]
        book.close()
    begun = {one.delivery: one.begun for one in arrivals}
    if len(made) != posts or not still_due + unwritten:
        raise SystemExit(
            f"{len(made)} of {posts} sign-ups; {still_due + unwritten} left of the release"
        )
    took = [begun[number] - seconds_of(at) for number, at in made.items()]
    span = max(one.taken for one in arrivals) - min(one.begun for one in arrivals)
    return {"per_second": len(arrivals) / span, **_times(took)}


async def _steadily(port: int, posts: int) -> None:
    """Sign up at a steady pace, and leave the last ones time to be mailed."""
    browser = visits.Browser(port)
    mark = await browser.form()
    await asyncio.sleep(visits.YOUNGEST_FORM_SECONDS)
    for number in range(posts):
        await browser.send(signup(mark, f"new{number}@d{number % 97}.example"))
        await asyncio.sleep(1 / PACE)
    await asyncio.sleep(3)
    browser.close()


def _ms(found: dict[str, float], *names: str) -> list[str]:
    return [f"{found[name]:,.1f}" for name in names]


def _pages(found: dict[str, dict[str, object]]) -> str:
    """The tables for people."""
    alike, loads, besides = [], [], []
    for kind, parts in found.items():
        for name, one in parts.get("likeness", {}).items():  # type: ignore[attr-defined] # by part
            low, high = (0.5 + side * one["chance"] for side in (-1, 1))
            verdict = "alike" if low <= one["longer"] <= high else "TOLD APART"
            share = f"{one['longer']:.1%} (chance: {low:.1%} to {high:.1%})"
            alike.append([f"{kind}, {name}", *_ms(one, "known", "unknown"), share, verdict])
        for name, one in parts.get("load", {}).items():  # type: ignore[attr-defined] # as above
            rate = f"{one['per_second']:,.0f}"
            figures = _ms(one, "median", "p99", "most", "site_cpu", "own_cpu")
            loads.append([f"{kind}, {name}", rate, *figures])
        if one := parts.get("beside"):
            rate = f"{one['per_second']:,.0f}"  # type: ignore[index] # as above
            besides.append([kind, rate, *_ms(one, "median", "p99", "most")])  # type: ignore[arg-type]
    times = ["median, ms", "p99, ms", "most, ms"]
    tables = [
        (["sign-up of", "known, ms", "unknown, ms", "known took longer", ""], alike),
        (["at once", "a second", *times, "site's CPU, ms each", "crowd's"], loads),
        (["confirmations beside", "mails a second", *times], besides),
    ]
    return "\n\n".join(page.table(heads, rows) for heads, rows in tables if rows)


def _numbers(typed: str) -> list[int]:
    return [int(one) for one in typed.split(",")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--posts", type=int, default=5000)
    parser.add_argument("--lines", type=_numbers, default=[16])
    parser.add_argument("--workers", type=_numbers, default=[1])
    parser.add_argument("--paces", type=_numbers, default=[0])
    parser.add_argument("--due", type=int, default=500_000)
    parser.add_argument("--confirmations", type=int, default=200)
    parser.add_argument("--parts", default="likeness,load,beside")
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", type=Path, help="a page whose section `visitors` is replaced")
    wanted = parser.parse_args()
    rushes = [
        Rushing(wanted.posts, lines, workers, pace)
        for lines, workers, pace in product(wanted.lines, wanted.workers, wanted.paces)
    ]
    measure: dict[str, Callable[[Databases], object]] = {
        "likeness": lambda lender: likeness(lender, wanted.pairs),
        "load": lambda lender: load(lender, rushes),
        "beside": lambda lender: beside(lender, wanted.due, wanted.confirmations),
    }
    found: dict[str, dict[str, object]] = {}
    for kind in wanted.databases.split(","):
        with databases.lent(kind) as lender:
            found[kind] = {part: measure[part](lender) for part in wanted.parts.split(",")}
    if wanted.json:
        print(json.dumps({"machine": page.machine(), "visitors": found}))
        return
    text = f"{page.machine()}.\n\n{_pages(found)}"
    print(text)
    if wanted.markdown:
        page.write_section(wanted.markdown, "visitors", text)


if __name__ == "__main__":
    main()
