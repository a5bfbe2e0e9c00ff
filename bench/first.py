"""Measures how soon after publishing to very many readers the first message is on the wire.

    python bench/first.py [--readers 1000000] [--rounds 3] [--databases SQLite,PostgreSQL]

A `mailer dispatch --watch` is idle over the readers; another process approves the release. Two spans end
when the sink hears the first DATA: from the moment the mailing bears (its publishing transaction's
beginning), and from the end of `mailer release send`, as an operator feels it (the dispatcher's look at the
clock included). The first is negative where the message was there before the command had ended.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import databases
import fast_sink
import office
import page
import sink
from book import Book, seconds_of
from databases import Databases
from weigh import mailer

OCTETS = 10240
PATIENCE_SECONDS = 300.0
IDLE_SECONDS = 1.5
"""After the first sign of a dispatcher: by then its first look at the database is over."""


@contextmanager
def watching(config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A dispatcher that waits for something to do."""
    with config.with_name("complaints").open("wb") as complaints:
        dispatcher = subprocess.Popen(
            [sys.executable, "-m", "mailer", "--config", str(config), "dispatch", "--watch"],
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        )
    try:
        _await(lambda: any((config.parent / "state").glob("*")), dispatcher)
        time.sleep(IDLE_SECONDS)
        yield dispatcher
    finally:
        dispatcher.send_signal(signal.SIGTERM)
        try:
            dispatcher.wait(timeout=30)
        except subprocess.TimeoutExpired:
            dispatcher.kill()
            dispatcher.wait()


def measured(lender: Databases, readers: int) -> dict[str, float]:
    """One round, in seconds."""
    master = office.master(lender, readers=readers, octets=OCTETS, approved=False)
    with tempfile.TemporaryDirectory(prefix="first") as folder, lender.fresh(master) as url:
        record = Path(folder) / "record"
        with sink.running(sink.Wish(record=record)) as target:
            config = office.write_settings(Path(folder), url, office.Terms(port=target.port))
            with watching(config) as dispatcher:
                mailer(config, "release", "send", "1")
                sent_at = time.time()
                _await(lambda: record.stat().st_size >= fast_sink.ARRIVAL_OCTETS, dispatcher)
                first = next(fast_sink.arrivals(record))
        return {"publishing": first.begun - _published_at(url), "command": first.begun - sent_at}


def _published_at(url: str) -> float:
    book = Book(url)
    at = seconds_of(book.one("SELECT made_at FROM mailing")[0])
    book.close()
    return at


def _await(condition: Callable[[], bool], dispatcher: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if dispatcher.poll() is not None or time.monotonic() > until:
            raise SystemExit("the dispatcher ended, or sent nothing in time")
        time.sleep(0.002)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", type=Path, help="a page whose section `first` is replaced")
    wanted = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    for kind in wanted.databases.split(","):
        with databases.lent(kind) as lender:
            found[kind] = [measured(lender, wanted.readers) for _ in range(wanted.rounds)]
    if wanted.json:
        print(json.dumps({"machine": page.machine(), "readers": wanted.readers, "first": found}))
        return
    rows = [[kind, *(_spans(rounds, key) for key in rounds[0])] for kind, rounds in found.items()]
    heads = ["first message to the sink, ms", "after publishing began", "after the command ended"]
    text = (
        f"{page.machine()}. {wanted.readers:,} readers, medians of {wanted.rounds} rounds "
        f"(least to most).\n\n{page.table(heads, rows)}"
    )
    print(text)
    if wanted.markdown:
        page.write_section(wanted.markdown, "first", text)


def _spans(rounds: list[dict[str, float]], key: str) -> str:
    times = [one[key] * 1000 for one in rounds]
    return f"{statistics.median(times):,.0f} ({min(times):,.0f} to {max(times):,.0f})"


if __name__ == "__main__":
    main()
