"""Measures `mailer dispatch` against smtp-source, process against process, on a sink of its own.

    python bench/run.py [--cells sqlite,postgresql,...] [--rounds 5] [--messages 100000]
                        [--json] [--markdown docs/benchmarks.md]

No time on a shared machine is stable, so the figure to quote is a ratio: in every round smtp-source
sends half as many messages of the same size, then our dispatcher sends its mailing, then smtp-source the
other half. Ours is the whole process: start, publishing, ledger and all; `while sending` and the net CPU
leave out what a dispatch takes that finds nothing to do. What counts as sent is what the sink took.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cells
import databases
import fast_sink
import office
import page
import sink
from cells import Cell
from databases import Databases
from weigh import Weight, mailer, weighed

Round = dict[str, float]


@contextmanager
def delayed(port: int, milliseconds: float) -> Iterator[int]:
    """The port at which a server is reached: its own, or that of a delay before it."""
    if not milliseconds:
        yield port
        return
    proxy = Path(__file__).with_name("delay_proxy.py")
    delay = subprocess.Popen(
        [sys.executable, str(proxy), str(port), str(milliseconds / 2000)], stdout=subprocess.PIPE
    )
    assert delay.stdout is not None
    try:
        yield int(delay.stdout.readline())
    finally:
        delay.kill()
        delay.communicate()


def measured(cell: Cell, lender: Databases, messages: int) -> Round:
    """One round of one cell.

    Raises:
        SystemExit: the sink took another number of messages than were sent.
    """
    wish = sink.Wish(pipelining=cell.pipelining, tls=cell.tls, builtin=cell.fast_sink)
    with ExitStack() as stack:
        target = stack.enter_context(sink.running(wish))
        port = stack.enter_context(delayed(target.port, cell.delay_ms))
        terms = office.Terms(
            port=target.tls_port or port,
            connections=max(1, cell.connections // cell.workers),
            authority=target.authority,
            dkim=cell.dkim,
        )
        master = office.master(lender, readers=messages, octets=cell.octets)
        config = stack.enter_context(office.office(lender, master, terms))
        octets = _octets(cell, config)
        before = _source(cell, port, messages - messages // 2, octets)
        _require(target, messages - messages // 2)
        ours = _dispatched(cell, config, messages)
        _require(target, messages - messages // 2 + messages)
        after = _source(cell, port, messages // 2, octets)
        _require(target, 2 * messages)
        idle = mailer(config, "dispatch", "--watch", "--max-seconds", "0.05")
    found = {
        "octets": float(octets),
        "rate": messages / ours.wall,
        "cpu_us": ours.cpu / messages * 1e6,
        "net_cpu_us": max(ours.cpu - idle.cpu, 0) / messages * 1e6,
        "idle_cpu_s": idle.cpu,
        "peak_mb": ours.peak,
    }
    if before and after:
        theirs = before.wall + after.wall
        # So few messages that the start is nearly all of it: there is no telling it apart.
        sending = max(ours.wall - idle.wall, ours.wall / 10)
        found |= {
            "ratio": theirs / ours.wall,
            "sending_ratio": theirs / sending,
            "source_rate": messages / theirs,
            "source_cpu_us": (before.cpu + after.cpu) / messages * 1e6,
        }
    return found


_sizes: dict[Cell, int] = {}


def _octets(cell: Cell, config: Path) -> int:
    if cell not in _sizes:
        _sizes[cell] = office.message_octets(config)
    return _sizes[cell]


def _dispatched(cell: Cell, config: Path, messages: int) -> Weight:
    workers = ["--workers", str(cell.workers)] if cell.workers > 1 else []
    ours = mailer(config, "dispatch", "--json", *workers)
    said = json.loads(ours.said)
    if said["accepted"] != messages:
        raise SystemExit(f"{cell.name}: the dispatcher speaks of other numbers: {said}")
    return ours


def _source(cell: Cell, port: int, messages: int, octets: int) -> Weight | None:
    program = sink.tool("smtp-source")
    if program is None:
        return None
    return weighed(
        [
            program, "-d", "-s", str(cell.connections), "-m", str(messages),
            "-l", str(octets - _header_octets(program)), f"127.0.0.1:{port}",
        ]
    )  # fmt: skip


@cache
def _header_octets(program: str) -> int:
    """What smtp-source writes beside the octets it is asked for."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / "record"
        with sink.running(sink.Wish(record=record)) as target:
            weighed([program, "-l", "9000", f"127.0.0.1:{target.port}"])
            (one,) = fast_sink.arrivals(record)
    return one.octets - 9000


def _require(target: sink.Sink, messages: int) -> None:
    taken = sink.settled(target, messages)
    if taken != messages and sink.tool("smtp-source"):
        raise SystemExit(f"{target.name} took {taken} messages, not {messages}")


def supported(wanted: Sequence[Cell]) -> list[Cell]:
    """The cells that this mailer can run; a word about the others."""
    if "--workers" in mailer(None, "dispatch", "--help").said:
        return list(wanted)
    for cell in wanted:
        if cell.workers > 1:
            _tell(f"{cell.name} is left out: this mailer has no `dispatch --workers`")
    return [cell for cell in wanted if cell.workers == 1]


def rounds_of(wanted: Sequence[Cell], rounds: int, messages: int) -> dict[str, list[Round]]:
    """Every cell in every round, so that whatever else the machine does meets them all."""
    found: dict[str, list[Round]] = {cell.name: [] for cell in wanted}
    with ExitStack() as stack:
        lenders = {
            kind: stack.enter_context(databases.lent(kind))
            for kind in dict.fromkeys(cell.kind for cell in wanted)
        }
        for number in range(1, rounds + 1):
            for cell in wanted:
                one = measured(cell, lenders[cell.kind], max(8, int(messages * cell.share)))
                found[cell.name].append(one)
                _tell(f"round {number}, {cell.name}: {_in_short(one)}")
    return found


def _in_short(one: Round) -> str:
    ratio = f"ratio {one['ratio']:.2f}, " if "ratio" in one else ""
    return f"{ratio}{one['rate']:,.0f}/s, {one['cpu_us']:.0f} us, {one['peak_mb']:.0f} MB"


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def summary(wanted: Sequence[Cell], found: dict[str, list[Round]], messages: int) -> str:
    """The table: medians, and the range of the ratio."""
    heads = [
        "cell", "messages", "ratio", "(range)", "while sending", "ours/s", "source/s",
        "CPU, µs", "net, µs", "source CPU, µs", "idle, s", "peak, MB",
    ]  # fmt: skip
    rows = []
    for cell in wanted:
        rounds = found[cell.name]
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        ratios = [one["ratio"] for one in rounds if "ratio" in one]
        rows.append(
            [
                cell.says,
                f"{max(8, int(messages * cell.share)):,}",
                f"{middle['ratio']:.2f}" if ratios else "",
                f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "",
                f"{middle['sending_ratio']:.2f}" if ratios else "",
                f"{middle['rate']:,.0f}",
                f"{middle['source_rate']:,.0f}" if ratios else "",
                f"{middle['cpu_us']:.0f}",
                f"{middle['net_cpu_us']:.0f}",
                f"{middle['source_cpu_us']:.0f}" if ratios else "",
                f"{middle['idle_cpu_s']:.2f}",
                f"{middle['peak_mb']:.0f}",
            ]
        )
    return page.table(heads, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", default="", help="names with commas; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", type=Path, help="a page whose section `speed` is replaced")
    parser.add_argument("--list", action="store_true", help="name the cells and end")
    wanted = parser.parse_args()
    if wanted.list:
        for cell in cells.CELLS:
            print(f"{cell.name:24} {cell.says}")
        return
    for name in ("smtp-sink", "smtp-source"):
        if sink.tool(name) is None:
            without = "the built-in sink serves" if name == "smtp-sink" else "there are no ratios"
            _tell(f"{sink.MISSING.format(name=name)} Without it {without}.")
    matrix = supported(cells.chosen(wanted.cells))
    found = rounds_of(matrix, wanted.rounds, wanted.messages)
    if wanted.json:
        print(json.dumps({"machine": page.machine(), "rounds": found}))
        return
    used = "smtp-sink" if sink.tool("smtp-sink") else sink.BuiltinSink.name
    text = (
        f"{page.machine()}. Sink: {used}, on the same cores. "
        f"Medians of {wanted.rounds} interleaved rounds.\n\n"
        f"{summary(matrix, found, wanted.messages)}"
    )
    print(text)
    if wanted.markdown:
        page.write_section(wanted.markdown, "speed", text)


if __name__ == "__main__":
    main()
