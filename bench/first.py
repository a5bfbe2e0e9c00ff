"""Measures how soon after publishing to very many readers the first message is on the wire.

    python bench/first.py [--readers 1000000] [--rounds 3] [--databases SQLite,PostgreSQL]

A `mailer dispatch --watch` is idle over the readers; another process approves the release. Two spans end
when the sink hears the first DATA: from the moment the mailing bears (its publishing transaction's
beginning), and from the end of `mailer release send`, as an operator feels it (the dispatcher's look at the
clock included). The first is negative where the message was there before the command had ended.
"""

import tempfile
import time
from pathlib import Path

import fast_sink
import office
import sink
import watch
from book import Book, seconds_of
from databases import Databases
from weigh import mailer

OCTETS = 10240


def measured(lender: Databases, readers: int) -> dict[str, float]:
    """One round, in seconds."""
    master = office.master(lender, readers=readers, octets=OCTETS, approved=False)
    with tempfile.TemporaryDirectory(prefix="first") as folder, lender.fresh(master) as url:
        record = Path(folder) / "record"
        with sink.running(sink.Wish(record=record)) as target:
            config = office.write_settings(Path(folder), url, office.Terms(port=target.port))
            with watch.watching(config) as dispatcher:
                mailer(config, "release", "send", "1")
                sent_at = time.time()
                watch.until(lambda: record.stat().st_size >= fast_sink.ARRIVAL_OCTETS, dispatcher)
                first = next(fast_sink.arrivals(record))
        return {"publishing": first.begun - _published_at(url), "command": first.begun - sent_at}


def _published_at(url: str) -> float:
    book = Book(url)
    at = seconds_of(book.one("SELECT made_at FROM mailing")[0])
    book.close()
    return at


def main() -> None:
    """Measure and print."""
    heads = ["first message to the sink, ms", "after publishing began", "after the command ended"]
    about = __doc__.partition("\n")[0]
    watch.told(watch.Plan(about, "first", measured, heads, readers=1_000_000, rounds=3))


if __name__ == "__main__":
    main()
