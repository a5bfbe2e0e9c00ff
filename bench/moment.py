"""Measures how soon after its very moment a release under embargo is on the wire, and that never before it.

    python bench/moment.py [--readers 10000] [--rounds 5] [--databases SQLite,PostgreSQL]

A `mailer dispatch --watch` is idle; the release is approved with an embargo that ends some seconds ahead. The
span ends when the sink hears the first DATA, by the same clock. A message before the moment fails the run.
"""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fast_sink
import office
import sink
import watch
from databases import Databases
from first import OCTETS
from weigh import mailer

AHEAD_SECONDS = 20
LIMIT_SECONDS = 0.1


def measured(lender: Databases, readers: int) -> dict[str, float]:
    """One round, in seconds after the moment."""
    master = office.master(lender, readers=readers, octets=OCTETS, approved=False)
    with tempfile.TemporaryDirectory(prefix="moment") as folder, lender.fresh(master) as url:
        record = Path(folder) / "record"
        with sink.running(sink.Wish(record=record)) as target:
            config = office.write_settings(Path(folder), url, office.Terms(port=target.port))
            with watch.watching(config) as dispatcher:
                seconds = int(time.time()) + AHEAD_SECONDS  # a command tells whole seconds
                until = datetime.fromtimestamp(seconds, UTC)
                mailer(config, "release", "embargo", "1", "--until", until.isoformat())
                mailer(config, "release", "send", "1")
                if datetime.now(UTC) > until - timedelta(seconds=2):
                    raise SystemExit("this machine is too slow to be ready in time")
                watch.until(lambda: record.stat().st_size >= fast_sink.ARRIVAL_OCTETS, dispatcher)
                first = next(fast_sink.arrivals(record))
        return {"moment": first.begun - seconds}


def main() -> None:
    """Measure, print, and fail if a message came before the moment, or the median later than the limit."""
    heads = ["first message, ms", "after its moment"]
    about = __doc__.partition("\n")[0]
    plan = watch.Plan(about, "moment", measured, heads, readers=10_000, rounds=5)
    spans = [one["moment"] for one in watch.told(plan)]
    if min(spans) < 0:
        raise SystemExit("a message was on the wire before the moment")
    if sorted(spans)[len(spans) // 2] > LIMIT_SECONDS:
        raise SystemExit("the first message came later than it may")


if __name__ == "__main__":
    main()
