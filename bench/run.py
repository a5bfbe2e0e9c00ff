"""Measures whole processes on this machine: ratios and CPU, for no time on a shared machine is stable.

    python bench/run.py [--rounds 3] [--readers 5000]

Every dispatch is paired with Postfix's smtp-source sending as many messages of one size in the same
round, where it is installed; the ratio of the two is the figure to quote.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sink

CONNECTIONS = 8


@dataclass(frozen=True)
class Cost:
    """What a finished process took: seconds by the clock and of CPU, peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def measured(*command: str, codes: tuple[int, ...] = (0,)) -> Cost:
    """Run a command to its end and weigh it."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode not in codes:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def mailer(*arguments: str, codes: tuple[int, ...] = (0,)) -> Cost:
    """Run one of our commands."""
    return measured(sys.executable, "-m", "mailer", *arguments, codes=codes)


@contextmanager
def office(port: int, readers: int) -> Iterator[str]:
    """A press office with so many readers and one release that waits to be sent."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        config = str(place / "config.toml")
        mailer("init", folder, "--newsroom", "um", "--relay", f"smtp://127.0.0.1:{port}")
        people = place / "people.csv"
        people.write_text(
            "email\n" + "".join(f"reader{n}@d{n % 97}.example.org\n" for n in range(readers))
        )
        mailer(
            "--config", config, "subscriber", "import", str(people),
            "--newsroom", "um", "--evidence", "benchmark",
        )  # fmt: skip
        text = place / "release.md"
        text.write_text("---\ntitle: A measured release\n---\n\n" + PARAGRAPH * 12)
        mailer("--config", config, "release", "add", str(text), "--newsroom", "um")
        mailer("--config", config, "release", "send", "1")
        yield config


PARAGRAPH = (
    "The ministry has today published the figures that everybody asked for. They show what they "
    "showed last year, only more so, and the minister is glad. Særligt glad er ministeren for, at "
    "det hele nu kan læses på én side, uden at nogen skal bladre.\n\n"
)


def message_size(config: str) -> int:
    """Octets of the release's message."""
    out = subprocess.run(
        [sys.executable, "-m", "mailer", "--config", config, "release", "preview", "1",
         "--to", "reader0@d0.example.org"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return len(out)


def dispatch_round(port: int, readers: int) -> dict[str, float]:
    """One round: our dispatch, then smtp-source with as many messages of the same size."""
    with office(port, readers) as config:
        size = message_size(config)
        ours = mailer("--config", config, "dispatch")
    found = {"rate": readers / ours.wall, "cpu_us": ours.cpu / readers * 1e6, "peak": ours.peak}
    source = sink.tool("smtp-source")
    if source:
        theirs = measured(
            source, "-d", "-s", str(CONNECTIONS), "-m", str(readers), "-l", str(size),
            f"127.0.0.1:{port}",
        )  # fmt: skip
        found["ratio"] = theirs.wall / ours.wall
    return found


def idle_ticks(rounds: int) -> dict[str, float]:
    """CPU seconds of an idle tick and of the help page."""
    with office(1, 0) as config:
        mailer("--config", config, "dispatch", codes=(0, 69))
        ticks = [mailer("--config", config, "dispatch").cpu for _ in range(rounds + 2)]
        pages = [mailer("--help").cpu for _ in range(rounds + 2)]
    return {"dispatch": statistics.median(ticks), "help": statistics.median(pages)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readers", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    idle = idle_ticks(wanted.rounds)
    with sink.running() as (port, name):
        rounds = [dispatch_round(port, wanted.readers) for _ in range(wanted.rounds)]
    medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    if wanted.json:
        print(json.dumps({"sink": name, "idle": idle, "dispatch": medians}))
        return
    print(f"idle dispatch {idle['dispatch']:.2f} s CPU, help {idle['help']:.2f} s CPU")
    print(f"{wanted.readers} mails to {name}, medians of {wanted.rounds} rounds:")
    if "ratio" in medians:
        print(f"  {medians['ratio']:.2f} of smtp-source -d -s {CONNECTIONS}")
    else:
        print("  smtp-source is not installed (Debian: apt-get install postfix), so no ratio")
    print(f"  {medians['cpu_us']:.0f} us CPU a mail, {medians['peak']:.0f} MB at the peak")


if __name__ == "__main__":
    main()
