"""Two hundred polls of a feed that changes and lies: exactly what should be announced is mailed, once.

A newsroom is played, release by release, and beside it what a press office would want: each release that
it published after the first look, in the last text that stood before its mail went. What the feed shows of
it is bent at random: cut off, replaced by error pages and bombs, reordered, its items gone and back, their
guids and dates changed, the same text and date written in every bad way there is, with items between that are
none. It is played in the night in which the clocks change. The clock is handed in; server, reading,
decisions, database and mailings are real.
"""

import asyncio
import gzip
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from support.desk import import_readers
from support.feeds import Item, feed_page, item, rss, source_at
from support.offices import Clock, make_office
from support.web_source import Asked, Pieces, WebSource, endless, page

from mailer.services import approving, intake, press, publish
from mailer.services.office import Office
from mailer.services.publish import Published
from mailer.store.database import Database
from mailer.store.ledger_tables import delivery, mailing, prepared
from mailer.store.release_tables import edition
from mailer.store.releases import ReleaseRow

READERS = 3
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
THE_NIGHT = datetime(2025, 10, 25, 21, tzinfo=UTC)
IN_DOUBT = ("source moved", "yet to come", "whose words are quite others")
"""Why the desk is asked: the move, an hour that comes twice, a name that two releases bear."""
SHOWN = 14
BROKEN = (
    page(b"<!doctype html><html><head><title>Fejl</title></head><body><h1>Vedligehold</h1></body></html>",
         content_type="text/html"),
    page(b'{"error": "too many requests"}', content_type="application/json"),
    page(b"", content_type="application/rss+xml"),
    page(b"down", status=503),
    page(b"slow down", status=429, retry_after="60"),
    page(b"short", content_length="100000"),
    page(status=302, location="http://169.254.169.254/feed"),
    page(gzip.compress(b"<" * 6_000_000), content_encoding="gzip"),
    endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 72000000\r\n\r\n", b"<" * 262_144),
    page('<?xml version="1.0" encoding="utf-8"?><rss><title>Møde</title></rss>'.encode("latin-1")),
    page('<?xml version="1.0" encoding="utf-16"?><rss>Møde</rss>'.encode()),
    page(b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><rss>&c;</rss>'),
    page(b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>'),
)  # fmt: skip
NO_RELEASES = (
    "<item><link>https://um.example/uden-titel</link><description>Tekst.</description></item>",
    "<item><title>Kun en titel</title></item>",
    "<item><title>{{ post.title }}</title><description>Tekst.</description></item>",
    "<item><title>Afskåret</title><link>{page}</link><description>" + "ord " * 249
    + "ord.</description></item>",
)  # fmt: skip
"""The last is a lead of exactly 1,000 characters, whose page is not there: it was cut off."""


@dataclass
class Newsroom:
    """A newsroom that is played: what it published, and what its feed shows of it.

    Attributes:
        items: as they stand, by number; the newest has the highest.
        hidden: numbers that its feed does not show at present.
        due: numbers that must be mailed.
        edits: how often each was changed.
        texts: every title and body that it ever showed.
    """

    dice: random.Random
    items: dict[int, Item] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    due: set[int] = field(default_factory=set)
    edits: Counter[int] = field(default_factory=Counter)
    texts: set[tuple[str, str]] = field(default_factory=set)

    def shows(self) -> list[Item]:
        """What its feed has, the newest first, if nobody bends it."""
        self.texts |= {(one.title, one.body) for one in self.items.values()}
        numbers = sorted(self.items.keys() - self.hidden, reverse=True)[:SHOWN]
        return [self.items[number] for number in numbers]

    def publish(self, number: int, clock: Clock, *, mailed: bool) -> None:
        """A new release, and sometimes its twin of the same title on the same day."""
        one = item(number, at=clock())
        match number % 7:
            case 1:
                one = replace(one, guid="")
            case 2:
                one = replace(one, link="https://um.example/nyheder/{{ slug }}")
            case 3:
                one = replace(one, body=f"{one.body}\nSkriv til {{{{ presse }}}} om {{% sagen %}}.")
            case 4:
                one = replace(one, link="https://um.example/skabelon-til-nyheder-pm")
            case 6 if number < 9:  # of two releases the same
                one = replace(one, guid="0")
        self.items[number] = replace(one, guid="0") if number == 7 else one
        if mailed:
            self.due.add(number)
        if number % 5 == 0 and number - 1 in self.items:
            self.items[number] = replace(self.items[number], title=self.items[number - 1].title)

    def change(self) -> None:
        """Something that is no news: an edit, another date, another guid, an item gone or back."""
        number = self.dice.choice(sorted(self.items))
        if number in self.hidden:  # what was gone comes back as it was
            self.hidden.remove(number)
            return
        one = self.items[number]
        self.edits[number] += 1
        times = self.edits[number]
        match self.dice.randrange(6):
            case 0:
                self.items[number] = replace(one, body=f"{one.body} Rettet {times}. gang.")
            case 1:
                self.items[number] = replace(one, title=f"{one.title} (opdateret {times})")
            case 2 if one.at is not None:
                self.items[number] = replace(one, at=one.at + timedelta(hours=times))
            case 3:
                self.items[number] = replace(one, guid=f"moved-{number}-{times}")
            case 4:
                self.items[number] = replace(
                    one, link=f"{item(number).link}/?utm_source=rss{times}"
                )
            case _:
                self.hidden.add(number)

    def move(self) -> None:
        """The whole feed goes to another system: every guid and every address is another one."""
        self.hidden.clear()
        for number, one in self.items.items():
            moved = f"https://nyt.um.example/{number}"
            self.items[number] = replace(one, guid=moved, link=moved)


@dataclass
class Server:
    """What its server makes of it: mostly the feed, in any order; now and then something else."""

    newsroom: Newsroom
    dice: random.Random
    page: str = ""
    broken: int = 0
    turn: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def written(self, shown: list[Item]) -> bytes:
        """The feed with the same text and date written anew, and items between that are no releases."""
        whole = rss(shown)
        for one in shown:
            bend = self.dice.choice((as_it_is, escaped_twice, with_scripts, told_otherwise))
            self.met[bend.__name__] += 1
            whole = whole.replace(one.xml().encode(), bend(one, self.dice).encode())
        if self.dice.random() < 0.3:
            none = self.dice.choice(NO_RELEASES).replace("{page}", self.page)
            self.met[none[:30]] += 1
            whole = whole.replace(b"</channel>", none.encode() + b"</channel>")
        return whole

    def __call__(self, asked: Asked) -> "bytes | Pieces":
        shown = self.newsroom.shows()
        fate = self.dice.random()
        if fate < 0.12:
            self.broken += 1
            nth = self.turn = (self.turn + 1) % len(BROKEN)
            self.met[f"broken {nth}"] += 1
            answer = BROKEN[nth]
            return answer(asked) if callable(answer) else answer
        if fate < 0.18:
            self.broken += 1
            self.met["cut off"] += 1
            whole = rss(shown)
            return page(whole[: self.dice.randrange(len(whole) // 2)], content_type="text/xml")
        if fate < 0.3:
            self.dice.shuffle(shown)
        etag = f'"{hash(tuple(shown))}"'
        if asked.headers.get("if-none-match") == etag:
            return page(status=304)
        if fate < 0.7:
            return page(self.written(shown), content_type="application/rss+xml")
        return feed_page(shown, etag=etag)


def as_it_is(one: Item, _dice: random.Random) -> str:
    """As its newsroom has it."""
    return one.xml()


def escaped_twice(one: Item, _dice: random.Random) -> str:
    """Its text escaped once too often."""
    head, tag, rest = one.xml().partition("<content:encoded>")
    text, end, tail = rest.partition("</content:encoded>")
    return f"{head}{tag}{escape(text)}{end}{tail}"


def with_scripts(one: Item, _dice: random.Random) -> str:
    """Its text with what would run."""
    runs = "<script>alert(1)</script><p onclick=alert(2)><img src=x onerror=alert(3)></p>"
    return one.xml().replace("</content:encoded>", f"{escape(runs)}</content:encoded>")


def told_otherwise(one: Item, dice: random.Random) -> str:
    """Its date as others write it; without a zone, an hour that comes twice is told like any other."""
    if one.at is None:
        return one.xml()
    here = one.at.astimezone(COPENHAGEN)
    helsinki, london = (
        one.at.astimezone(ZoneInfo(f"Europe/{city}")) for city in ("Helsinki", "London")
    )
    told = dice.choice((
        f"{here.day}.{here:%m.%Y %H:%M:%S %Z}", f"{helsinki:%d %b %Y %H:%M:%S %Z}",
        f"{london:%d %b %Y %H:%M:%S %Z}", f"{here:%Y-%m-%dT%H:%M:%S}", one.at.isoformat(),
    ))  # fmt: skip
    return replace(one, dated_as=told).xml()


def replay(
    database: Database, *, polls: int, seed: int
) -> tuple[Office, Newsroom, Server, Counter[str]]:
    """Play a newsroom over so many polls; with what each came to."""
    dice, clock = random.Random(seed), Clock(THE_NIGHT)
    office = make_office(database, clock)
    import_readers(office, READERS)
    newsroom = Newsroom(dice)
    for number in range(1, 6):
        newsroom.publish(number, clock, mailed=False)
    server = Server(newsroom, random.Random(seed + 1))
    outcomes: Counter[str] = Counter()
    with WebSource(pages={"/feed": feed_page(newsroom.shows())}) as web:
        source, server.page = source_at(web), web.url("/gone")
        office = replace(office, sources={"feed": source})
        asyncio.run(intake.poll(office, "feed"))
        web.pages["/feed"] = server
        number = 5
        for turn in range(polls):
            clock.move(minutes=3)
            if turn % 9 == 4 and turn < polls - 20:
                number += 1
                newsroom.publish(number, clock, mailed=True)
            elif dice.random() < 0.6:
                newsroom.change()
            if turn == polls // 2:
                newsroom.move()
            outcomes[asyncio.run(intake.poll(office, "feed")).outcome] += 1
            done = publish.publish_due(office)
            assert all(isinstance(one, Published) for one in done)
        calm(office, newsroom, server, clock)
    return office, newsroom, server, outcomes


def calm(office: Office, newsroom: Newsroom, server: Server, clock: Clock) -> None:
    """In the end everything is shown once, as it is, and has its time."""
    server.dice = random.Random()
    server.dice.random = lambda: 1.0  # type: ignore[method-assign] # a die that always says the feed
    newsroom.hidden.clear()
    gone = mailed(office)
    for row in press.listed(office, limit=500):  # the desk decides what was held, as it should
        news = number_of(row) in newsroom.due and not gone[number_of(row)]
        if row.state == "held" and news:
            assert any(why in (row.hold_reason or "") for why in IN_DOUBT)
            approving.approve(office, row.id, who="desk")
    for _ in range(3):
        asyncio.run(intake.poll(office, "feed"))
        clock.move(minutes=30)
        publish.publish_due(office)


def mailed(office: Office) -> Counter[int]:
    """How often each release of the newsroom was mailed, by its number there."""
    with office.database.read() as connection:
        rows = connection.scalars(select(mailing.c.release_id).where(mailing.c.kind == "first"))
        sent = list(rows)
    of = {row.id: number_of(row) for row in press.listed(office, limit=500)}
    return Counter(of[release_id] for release_id in sent)


def number_of(row: ReleaseRow) -> int:
    """Which of the newsroom's a release is."""
    return int(row.edition.body[0].text.split()[1])


def check(office: Office, newsroom: Newsroom) -> None:
    assert mailed(office) == Counter(newsroom.due)
    with office.database.read() as connection:
        owed = connection.execute(
            select(delivery.c.mailing_id, delivery.c.subscription_id).where(
                delivery.c.mailing_id.is_not(None)
            )
        ).all()
        messages = connection.scalars(
            select(prepared.c.mailing_id).where(prepared.c.mailing_id > 0)
        )
        assert len(list(messages)) == len(newsroom.due)
    assert len(owed) == len(set(owed)) == READERS * len(newsroom.due)
    for row in press.listed(office, limit=500):
        held = any(why in (row.hold_reason or "") for why in IN_DOUBT)
        assert row.state == "published" or held, row.hold_reason
    with office.database.read() as connection:
        texts = connection.execute(select(edition.c.title, edition.c.body))
        stored = {(row.title, "\n".join(edition_text(row.body))) for row in texts}
    assert stored <= newsroom.texts, "a text that was cut off, or mixed"


def edition_text(body: list[Any]) -> list[str]:
    """The words of a stored body, block by block."""
    return ["".join(run["text"] for run in block["runs"]) for block in body]


def test_two_hundred_polls_mail_what_should_be_announced(sqlite_database: Database) -> None:
    office, newsroom, server, outcomes = replay(sqlite_database, polls=200, seed=7)
    check(office, newsroom)
    assert len(newsroom.due) >= 20
    assert server.broken >= 20
    assert 10 <= outcomes["failed"] <= server.broken
    assert outcomes["unchanged"]
    bends = {"as_it_is", "escaped_twice", "with_scripts", "told_otherwise", "cut off"}
    faults = {f"broken {nth}" for nth in range(len(BROKEN))} | {one[:30] for one in NO_RELEASES}
    assert server.met.keys() >= bends | faults, "a fault that was never met proves nothing"


@pytest.mark.postgresql
def test_so_does_another_database(postgresql_database: Database) -> None:
    office, newsroom, _server, _outcomes = replay(postgresql_database, polls=40, seed=11)
    check(office, newsroom)
    assert newsroom.due
