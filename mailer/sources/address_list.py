"""Reads a list of addresses from CSV, record by record: what is wrong with one line stays with that line.

    encoding    UTF-8, with or without a byte order mark
    delimiter   comma, semicolon or tab, whichever the first line holds most; or a first line `sep=;`
    columns     by a header line, else the column of the first line that holds an address
    a record    may go over several lines inside quotes, but over MAX_LINES at most: where quotes do
                not close, the line that opened them is at fault, and reading goes on at the next;
                where they enclose addresses, the record is at fault: no address is lost in silence

RFC 4180 describes the form; semicolons and `sep=` are what spreadsheets write.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailer.core.errors import DocumentFault

MAX_LINES = 50
ADDRESS_NAMES = (
    *("email", "emailaddress", "emailadresse", "mail", "mailaddress", "mailadresse"),
    *("epost", "epostadresse", "mailbox", "address"),
)
LANGUAGE_NAMES = ("language", "sprog", "lang")
STATE_NAMES = ("state",)


@dataclass(frozen=True, slots=True)
class Listed:
    """One record of a list.

    Attributes:
        line: the number of the line it begins on, from 1.
        address: as it stands, not checked.
        language: as it stands; empty where the list does not say.
        state: of a subscription, in a list that was exported; empty where the list does not say.
        fault: why the record cannot be read; empty where it can.
    """

    line: int
    address: str
    language: str = ""
    state: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Columns:
    address: int
    language: int | None = None
    state: int | None = None


def read_addresses(lines: Iterable[bytes], *, file: str) -> Iterator[Listed]:
    """Read a list as its records are asked for; memory does not grow with its length.

    Args:
        lines: the file's lines, with their line ends.
        file: its name, for errors.

    Raises:
        DocumentFault: no column holds addresses, or the first line is not UTF-8 text.
    """
    feed = _Feed(lines)
    records = _records(feed, _delimiter(feed, file))
    columns: _Columns | None = None
    for line, row, fault in records:
        if columns is None:
            columns, is_header = _columns(row, file=file, line=line)
            if is_header:
                continue
        if fault:
            yield Listed(line, _at(row, columns.address), fault=fault)
        elif any(cell.strip() for cell in row):
            yield Listed(
                line,
                _at(row, columns.address),
                _at(row, columns.language),
                _at(row, columns.state),
            )


class _Runaway(Exception):
    """A record has taken more lines than any record has."""


class _Feed:
    """Hands lines to the CSV reader, remembers which a record took, and takes them back."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[tuple[int, str, bool]] = deque()
        self._number = 0
        self.taken: list[tuple[int, str, bool]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_LINES:
            raise _Runaway
        self.taken.append(self._waiting.popleft() if self._waiting else self._read())
        return self.taken[-1][1]

    def begin(self) -> None:
        """A new record begins."""
        self.taken.clear()

    def give_back(self, keep: int) -> None:
        """Hand out again all lines of this record but the first `keep`."""
        self._waiting.extendleft(reversed(self.taken[keep:]))
        del self.taken[keep:]

    def _read(self) -> tuple[int, str, bool]:
        raw = next(self._lines)
        self._number += 1
        if self._number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return self._number, raw.decode(), True
        except UnicodeDecodeError:
            return self._number, raw.decode(errors="replace"), False


def _delimiter(feed: _Feed, file: str) -> str:
    for text in feed:
        number, _, readable = feed.taken[0]
        if not readable:
            raise DocumentFault(
                "The list is not UTF-8 text",
                "save it as CSV in UTF-8 and try again",
                file=file,
                line=number,
            )
        said = re.fullmatch(r"sep=([,;\t])\s*", text, re.IGNORECASE)
        if said:
            return said[1]
        if text.strip():
            feed.give_back(keep=0)
            return max(",;\t", key=re.sub(r'"[^"]*"', "", text).count)
        feed.begin()
    raise DocumentFault(
        "The list is empty", "give a CSV file with one address a line", file=file, line=1
    )


def _records(feed: _Feed, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        feed.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, _Runaway):
            number, text, _ = feed.taken[0]
            feed.give_back(keep=1)
            cells = text.replace('"', "").strip().split(delimiter)
            yield number, cells, "the quotes on this line do not close, or do not enclose a field"
            continue
        yield feed.taken[0][0], row, _fault(feed, row)


def _fault(feed: _Feed, row: list[str]) -> str:
    if not all(readable for *_, readable in feed.taken):
        return "this line is not UTF-8 text"
    if any("\n" in cell and "@" in cell for cell in row):
        last = feed.taken[-1][0]
        return f"its quotes run on to line {last} and enclose addresses: check where they close"
    return ""


def _columns(row: list[str], *, file: str, line: int) -> tuple[_Columns, bool]:
    names = [re.sub(r"[\W_]", "", cell.lower()) for cell in row]
    address = _named(names, ADDRESS_NAMES)
    if address is not None:
        return _Columns(address, _named(names, LANGUAGE_NAMES), _named(names, STATE_NAMES)), True
    holding = [position for position, cell in enumerate(row) if "@" in cell]
    if holding:
        return _Columns(holding[0]), False
    found = ", ".join(cell.strip() for cell in row)[:100]
    raise DocumentFault(
        f"No column holds addresses; the first line says: {found}",
        "name the column with the addresses “email”",
        file=file,
        line=line,
    )


def _named(names: list[str], known: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _at(row: list[str], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""
