"""Runs a process to its end and weighs it: seconds by the clock, seconds of CPU, peak memory."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile


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
    with TemporaryFile() as out, TemporaryFile() as complaints:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=out, stderr=complaints, env={**_surroundings(), **environment}
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        if child.returncode not in codes:
            complaints.seek(0)
            words = complaints.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(command)} ended with {child.returncode}\n{words}")
        said = out.read().decode()
    return Weight(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


def _surroundings() -> dict[str, str]:
    """Ours, in which Python may keep what it compiles: an installed program was compiled once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def mailer(config: Path | None, *arguments: str, codes: Sequence[int] = (0,)) -> Weight:
    """Run one of our commands."""
    settings = ["--config", str(config)] if config else []
    return weighed([sys.executable, "-m", "mailer", *settings, *arguments], codes=codes)
