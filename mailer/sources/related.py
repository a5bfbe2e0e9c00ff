"""Reads a page's list of other releases, which is shown to operators and never mailed.

The list prints a timestamp right after each title:

    ...har i dag besøgt Ukraine12.9.2025 20:49:28 CEST | Pressemeddelelse

After a title that ends in a digit the line can be cut in two ways. A title that ends in a whole
year (19xx, 20xx) wins; otherwise the longer valid day does. Days are printed without a leading
zero.
"""

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from mailer.core.dates import DateRefused, read_moment
from mailer.core.release import Related
from mailer.sources.characters import one_line
from mailer.sources.lines import Line

CUT_LENGTH = 1000  # the newsroom cuts a lead here, in the middle of a word

_AFTER_THE_DAY = re.compile(
    r"\.([0-9]{1,2})\.([0-9]{4}) [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?( [A-Za-z]{2,5})?$"
)
_BARE_STAMP = re.compile(
    r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4} [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})? [A-Za-z]{2,5} \|"
)
_LONGEST_STAMP = 40
_WHOLE_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}$")


class Stamped(NamedTuple):
    """A line of the list, cut: title, timestamp as it stood, kind label in the page's language."""

    title: str
    stamp: str
    kind: str


def cut_stamp(line: str) -> Stamped | None:
    """Cut a line into title, timestamp and kind; None if it is no such line."""
    head, bar, kind = " ".join(line.split()).rpartition(" | ")
    tail = head[-_LONGEST_STAMP:]
    found = _AFTER_THE_DAY.search(tail)
    if not bar or not kind or found is None:
        return None
    before = head[: len(head) - len(tail) + found.start()]
    cuts = [
        (before[:-digits].rstrip(), before[-digits:])
        for digits in (2, 1)
        if _is_day(before[-digits:], int(found[1]), int(found[2]))
    ]
    if not cuts or not cuts[0][0] or not _is_moment(cuts[0][1] + found[0]):
        return None
    title, day = next((cut for cut in cuts if _WHOLE_YEAR.search(cut[0])), cuts[0])
    return Stamped(title, day + found[0], kind.strip())


def is_list_line(line: str) -> bool:
    """Whether a line is an entry of the list, or a timestamp and label without a title."""
    return cut_stamp(line) is not None or bool(_BARE_STAMP.match(" ".join(line[:200].split())))


def read_related(lines: Sequence[Line]) -> tuple[tuple[Related, ...], tuple[str, ...]]:
    """Read the lines of the list.

    Returns:
        The entries, and a warning for each whose lead was cut.
    """
    heads = [(at, cut) for at, line in enumerate(lines) if (cut := cut_stamp(line.text))]
    ends = [at for at, _ in heads] + [len(lines)]
    entries, warnings = [], []
    for (_, cut), (start, end) in zip(heads, pairwise(ends), strict=True):
        follow = lines[start + 1 : end]
        lead = " ".join(one_line(line.text) for line in follow)
        entries.append(Related(one_line(cut.title), cut.stamp, cut.kind, lead))
        warnings += [
            f"line {line.number}: in the list of other releases the lead of “{one_line(cut.title)}” "
            f"is cut off at {CUT_LENGTH:,} characters"
            for line in follow
            if is_cut(line.text)
        ]
    return tuple(entries), tuple(warnings)


def is_cut(lead: str) -> bool:
    """Whether a lead has exactly the length at which the newsroom cuts."""
    return len(lead) == CUT_LENGTH


def _is_day(text: str, month: int, year: int) -> bool:
    if not (text.isascii() and text.isdigit()) or text.startswith("0"):
        return False
    try:
        date(year, month, int(text))
    except ValueError:
        return False
    return True


def _is_moment(stamp: str) -> bool:
    try:
        read_moment(stamp)
    except DateRefused as error:
        # Letters we do not know still mark a line of the list; an impossible hour does not.
        return error.reason == "zone"
    return True
