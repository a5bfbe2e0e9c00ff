"""A dispatcher that watches, and a command that tells how soon it acts, round by round."""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import databases
import page
from databases import Databases

IDLE_SECONDS = 1.5
"""After the first sign of a dispatcher: by then its first look at the database is over."""
PATIENCE_SECONDS = 300.0


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
        until(lambda: any((config.parent / "state").glob("*")), dispatcher)
        time.sleep(IDLE_SECONDS)
        yield dispatcher
    finally:
        dispatcher.send_signal(signal.SIGTERM)
        try:
            dispatcher.wait(timeout=60)
        except subprocess.TimeoutExpired:
            dispatcher.kill()
            dispatcher.wait()


def until(condition: Callable[[], bool], dispatcher: "subprocess.Popen[bytes]") -> None:
    """Wait for what a dispatcher does.

    Raises:
        SystemExit: it ended, or did not do it in time.
    """
    over = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if dispatcher.poll() is not None or time.monotonic() > over:
            raise SystemExit("the dispatcher ended, or sent nothing in time")
        time.sleep(0.002)


@dataclass(frozen=True)
class Plan:
    """What is measured, round by round, and how it is told.

    Attributes:
        name: of the section of a page that `--markdown` replaces, and of the answer to `--json`.
        once: one round over so many readers; its spans in seconds, by name.
        heads: of the table: what stands in its first column, then each span.
    """

    about: str
    name: str
    once: Callable[[Databases, int], dict[str, float]]
    heads: Sequence[str]
    readers: int
    rounds: int


def told(plan: Plan) -> list[dict[str, float]]:
    """Measure as the command line asks, and print; the spans of every round."""
    parser = argparse.ArgumentParser(description=plan.about)
    parser.add_argument("--readers", type=int, default=plan.readers)
    parser.add_argument("--rounds", type=int, default=plan.rounds)
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--json", action="store_true")
    section = f"a page whose section `{plan.name}` is replaced"
    parser.add_argument("--markdown", type=Path, help=section)
    wanted = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    for kind in wanted.databases.split(","):
        with databases.lent(kind) as lender:
            found[kind] = [plan.once(lender, wanted.readers) for _ in range(wanted.rounds)]
    every = [one for rounds in found.values() for one in rounds]
    if wanted.json:
        said = {"machine": page.machine(), "readers": wanted.readers, plan.name: found}
        print(json.dumps(said))
        return every
    rows = [[kind, *(_spans(rounds, key) for key in rounds[0])] for kind, rounds in found.items()]
    text = (
        f"{page.machine()}. {wanted.readers:,} readers, medians of {wanted.rounds} rounds "
        f"(least to most).\n\n{page.table(plan.heads, rows)}"
    )
    print(text)
    if wanted.markdown:
        page.write_section(wanted.markdown, plan.name, text)
    return every


def _spans(rounds: Sequence[dict[str, float]], key: str) -> str:
    times = [one[key] * 1000 for one in rounds]
    return f"{statistics.median(times):,.0f} ({min(times):,.0f} to {max(times):,.0f})"
