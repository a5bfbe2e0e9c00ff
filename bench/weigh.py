"""Runs a process to its end and weighs it: seconds by the clock, seconds of CPU, peak memory."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

_SCALE = """
import json, os, sys, time
answer = int(sys.argv[1])
os.set_inheritable(answer, False)
started = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - started
found = {"status": status, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss}
os.write(answer, json.dumps(found).encode())
"""
"""Starts the process and waits for it: Linux counts what a parent held as it started a child as the child's
own peak (`setmax_mm_hiwater_rss` as it executes another program), and this one holds next to nothing."""


def own_peak() -> float:
    """MB that this process has held at most, whoever started it."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the kernel does not say how much this process has held")


@dataclass(frozen=True)
class Weight:
    """What a finished process took, its own children included.

    Attributes:
        wall, cpu: seconds; CPU is user and system time together.
        peak: MB of the largest of its processes.
        said: its standard output.
    """

    wall: float
    cpu: float
    peak: float
    said: str


def weighed(
    command: Sequence[str], *, codes: Sequence[int] = (0,), environment: Mapping[str, str] = {}
) -> Weight:
    """Run a command to its end and weigh it.

    Raises:
        SystemExit: it ended with a code that is not among `codes`; with what it complained of.
    """
    with TemporaryFile() as out, TemporaryFile() as complaints, TemporaryFile() as answer:
        scale = [sys.executable, "-I", "-S", "-c", _SCALE, str(answer.fileno())]
        subprocess.run(
            [*scale, *command],
            stdout=out,
            stderr=complaints,
            env={**_surroundings(), **environment},
            pass_fds=[answer.fileno()],
            check=False,
        )
        for each in (out, complaints, answer):
            each.seek(0)
        found = json.loads(answer.read())
        code = os.waitstatus_to_exitcode(found["status"])
        if code not in codes:
            words = complaints.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(command)} ended with {code}\n{words}")
        return Weight(found["wall"], found["cpu"], found["peak"] / 1024, out.read().decode())


def _surroundings() -> dict[str, str]:
    """Ours, in which Python may keep what it compiles: an installed program was compiled once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def mailer(config: Path | None, *arguments: str, codes: Sequence[int] = (0,)) -> Weight:
    """Run one of our commands."""
    settings = ["--config", str(config)] if config else []
    return weighed([sys.executable, "-m", "mailer", *settings, *arguments], codes=codes)
