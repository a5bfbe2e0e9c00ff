"""Kills dispatchers, relays and databases in the middle of a mailing, and counts what arrived.

    python bench/crash.py [--readers 50000] [--moments 30] [--seed N] [--variants kill,hold,...]

Of every reader it asks at the sink, by the number in the Message-ID, how often the mail was taken, and of
the ledger what it believes. Any of these is a violation, and the exit code is then 1:

    lost        owed, not held for the operator, and never taken by the sink
    untrue      the ledger says accepted, and the sink never saw it
    unrecorded  taken twice, and not on record as `unknown` before the second copy began
    too many    more repeats after one blow than the lines it may have cut, or any with the hold policy
    differing   two copies of one message that are not the same, octet by octet
    unproven    `mailer verify` finds a fault, or the mailing does not come to an end
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import blows
import databases
import office
import page
from blows import CONNECTIONS, Variant
from book import Book
from crew import Crew, Relay, crew_at, fill_disk, hurt_database, small_disk
from databases import Databases
from run import delayed
from verdict import Verdict, judge, read_ledger
from weigh import mailer

FINISH_SECONDS = 300.0
OCTETS = 10240
SPARE_MB = 64
"""Of the disk that is filled: room for settings, journals and the database's own log."""


def run(variant: Variant, lender: Databases, *, readers: int, moments: int, seed: int) -> Verdict:
    """Send to so many readers, strike so many blows, and judge what came of it."""
    verdict = Verdict(variant, readers, seed)
    master = office.master(lender, readers=readers, octets=OCTETS)
    started = time.perf_counter()
    with ExitStack() as stack:
        home = None
        if variant.blow == "disk":
            home = stack.enter_context(small_disk(SPARE_MB + readers // 500))
            lender = databases.SqliteDatabases(home)
        url = stack.enter_context(lender.fresh(master))
        aside = stack.enter_context(tempfile.TemporaryDirectory(prefix="crash"))
        desk = stack.enter_context(tempfile.TemporaryDirectory(prefix="crash", dir=home))
        relay = Relay(Path(aside) / "record")
        stack.callback(relay.kill)
        port = stack.enter_context(delayed(relay.port, variant.delay_ms))
        config = office.write_settings(Path(desk), url, _terms(variant, port))
        with crew_at(config, variant.dispatchers) as crew:
            scene = _Scene(crew, relay, lender, url, home)
            struck = _strike(verdict, scene, moments, random.Random(f"{seed} {variant.name}"))
            _finish(verdict, crew, url)
        _prove(verdict, config)
        judge(verdict, relay.arrivals(), read_ledger(url), struck)
    verdict.seconds = time.perf_counter() - started
    return verdict


def _terms(variant: Variant, port: int) -> office.Terms:
    return office.Terms(
        port=port,
        connections=CONNECTIONS,
        unknown=variant.unknown,
        dispatch={"lease_seconds": variant.lease_seconds},
    )


@dataclass(frozen=True)
class _Scene:
    """Whom a blow can meet."""

    crew: Crew
    relay: Relay
    databases: Databases
    url: str
    disk: Path | None


def _strike(verdict: Verdict, scene: _Scene, moments: int, dice: random.Random) -> list[float]:
    """Strike at random moments of the run; when each blow fell, in seconds since 1970."""
    count = max(1, round(moments * verdict.variant.share))
    blows: list[float] = []
    # Not its very end: a fast dispatcher is done before the last blows fall.
    before_end = verdict.readers * 9 // 10
    for goal in sorted(dice.randrange(before_end) for _ in range(count)):
        _await_taken(scene, goal)
        # A little later, so that starts, takeovers and quiet moments are met as well.
        time.sleep(dice.choice((0, dice.uniform(0, 0.02), dice.uniform(0, 0.2))))
        if scene.relay.taken >= verdict.readers and blows:
            break
        blows.append(time.time())
        _blow(verdict.variant, scene, dice)
        scene.crew.tend()
    verdict.blows = len(blows)
    return blows


def _await_taken(scene: _Scene, goal: int) -> None:
    """Until so many messages arrived, or for a while nothing did."""
    last, since = -1, time.monotonic()
    while (taken := scene.relay.taken) < goal:
        if taken != last:
            last, since = taken, time.monotonic()
        if time.monotonic() - since > 5:
            return
        scene.crew.tend()
        time.sleep(0.002)


def _blow(variant: Variant, scene: _Scene, dice: random.Random) -> None:
    if variant.blow == "dispatcher":
        scene.crew.kill(dice)
    elif variant.blow == "relay":
        scene.relay.kill()
        time.sleep(dice.uniform(0, 0.5))
        scene.relay.start()
    elif variant.blow == "stop":
        scene.crew.stop(dice, variant.lease_seconds * 1.5)
    elif scene.disk is not None:
        fill_disk(scene.disk, dice.uniform(0.1, 3))
    else:
        hurt_database(scene.databases, scene.url, dice, whole=variant.blow == "server")


def _finish(verdict: Verdict, crew: Crew, url: str) -> None:
    def is_done() -> bool:
        book = Book(url)
        settled = book.one("SELECT count(*) FROM delivery WHERE state <> 'due'")[0]
        book.close()
        return int(settled) >= verdict.readers

    if not crew.finish(is_done, FINISH_SECONDS):
        words = f"not done after {FINISH_SECONDS:.0f} s: {crew.last_words()}"
        verdict.violations.append(words)
    verdict.violations += crew.surprises


def _prove(verdict: Verdict, config: Path) -> None:
    proof = json.loads(mailer(config, "verify", "--json", codes=(0, 1)).said)
    if not proof["ok"]:
        verdict.violations.append(f"unproven: {json.dumps(proof)[:600]}")


def summary(verdicts: Sequence[Verdict]) -> str:
    """The table."""
    heads = [
        "what is done", "readers", "blows", "lost", "repeated", "most after one", "in doubt",
        "held", "not on record", "s", "verdict",
    ]  # fmt: skip
    rows = [
        [
            each.variant.says,
            *(
                f"{number:,}"
                for number in (
                    each.readers, each.blows, each.lost + each.untrue, each.repeats,
                    each.most_repeats, each.doubts, len(each.held), each.unrecorded,
                )
            ),
            f"{each.seconds:.0f}",
            "VIOLATED" if each.violations else "kept",
        ]
        for each in verdicts
    ]  # fmt: skip
    return page.table(heads, rows)


def main() -> None:
    """Strike, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, default=50_000)
    parser.add_argument("--moments", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--variants", default="", help="names with commas; all by default")
    parser.add_argument("--markdown", type=Path, help="a page whose section `crash` is replaced")
    wanted = parser.parse_args()
    variants = blows.chosen(wanted.variants)
    print(f"seed {wanted.seed}", file=sys.stderr, flush=True)
    verdicts = []
    for kind in dict.fromkeys(variant.kind for variant in variants):
        with databases.lent(kind) as lender:
            for variant in (each for each in variants if each.kind == kind):
                verdict = run(
                    variant, lender,
                    readers=wanted.readers, moments=wanted.moments, seed=wanted.seed,
                )  # fmt: skip
                verdicts.append(verdict)
                _tell(verdict)
    text = f"{page.machine()}. Seed {wanted.seed}.\n\n{summary(verdicts)}"
    print(text)
    if wanted.markdown:
        page.write_section(wanted.markdown, "crash", text)
    sys.exit(any(verdict.violations for verdict in verdicts))


def _tell(verdict: Verdict) -> None:
    words = "; ".join(verdict.violations) or "kept"
    listed = f", held {' '.join(map(str, verdict.held))}" if verdict.held else ""
    print(f"{verdict.variant.name}: {words}{listed}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
