"""What people and programs see of a command: plain tables, or one JSON object.

Standard output holds results alone; complaints go to standard error.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta, tzinfo
from types import NoneType
from typing import Any, TypeVar
from unicodedata import category, combining, east_asian_width

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def json_option(command: Function) -> Function:
    """Give a command `--json`; it arrives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")(
        command
    )


def emit(value: Any, *, as_json: bool, text: str | None = None) -> None:
    """Print a command's result.

    Args:
        value: a mapping or dataclass: the whole result.
        as_json: print it as one JSON object in UTF-8, whatever the locale.
        text: what people see instead; None shows the parts, one a line; empty shows nothing.
    """
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise TypeError(f"a command answers with one object, not {type(value).__name__}")
    if as_json:
        said = json.dumps(plain, ensure_ascii=False, allow_nan=False)
        # A lone surrogate has no UTF-8 form, but its escape is valid JSON.
        click.echo(said.encode("utf-8", "backslashreplace"))
    elif text is None:
        click.echo(pairs(plain))
    elif text:
        click.echo(visible(text, lines=True))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under headings, as wide as their widest cell; numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(_width(line[column]) for line in [list(headings), *cells])
        for column in range(len(headings))
    ]
    numeric = [
        bool(rows) and all(type(row[column]) is int for row in rows)
        for column in range(len(headings))
    ]
    return "\n".join(
        "  ".join(
            _padded(cell, width, right)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [list(headings), *cells]
    )


def pairs(value: Mapping[str, object]) -> str:
    """One line a part: its name, then its value."""
    width = max((_width(key) for key in value), default=0)
    return "\n".join(f"{_padded(key, width, False)}  {_cell(part)}" for key, part in value.items())


def moment(when: datetime, zone: tzinfo | None = None) -> str:
    """A moment as people read it, in the zone given or this machine's: 2026-03-02 09:00."""
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def lasting(span: timedelta) -> str:
    """How long something took or takes, in its two largest units: "2 h 5 min"."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    for size, unit, part, small in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole} {unit} {rest // part} {small}" if rest // part else f"{whole} {unit}"
    raise AssertionError("a minute or more has a unit")


_KINDS = {
    "translation": "a translation",
    "correction": "a correction",
    "withdrawal": "a withdrawal",
    "early": "early copies",
    "embargo": "news of an embargo",
}


def mailing_kind(kind: str) -> str:
    """What a mailing is, for people; empty for the release itself and for digests."""
    return _KINDS.get(kind, "")


def complain(words: str, file: Any = None) -> None:
    """Say on standard error what went wrong; a cure stands on its own line."""
    click.echo(f"mailer: {visible(words, lines=True)}", file=file or sys.stderr)


def confess(error: Exception) -> None:
    """Report a fault of our own with all that finding it takes: it may not come again."""
    import traceback  # noqa: PLC0415 - only where something broke

    click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
    complain(
        f"{type(error).__name__}: this is a fault in mailer itself, not in what you gave it\n"
        "  -> run it again, for whole steps stay done; if it fails again, report the lines above"
    )


def visible(text: str, *, lines: bool = False) -> str:
    """A text without what a terminal would obey: what strangers typed may hold escape sequences."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if _commands(letter) and not (lines and letter == "\n")
        else letter
        for letter in text
    )


def _commands(letter: str) -> bool:
    return (
        category(letter) in {"Cc", "Cs"}
        or letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, timedelta):
        return lasting(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(item) for item in value) or "-"
    return visible(str(value))


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else not combining(letter) for letter in text)


def _padded(text: str, width: int, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap


def _plain(value: Any) -> Any:
    """JSON's own types; a secret stays masked, since its `str` is a mask."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return next((form(value) for kinds, form in _FORMS if isinstance(value, kinds)), str(value))


_FORMS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((bool, int, float, NoneType), lambda value: value),
    (date, lambda value: value.isoformat()),  # of moments too
    (timedelta, timedelta.total_seconds),
    (Mapping, lambda value: {str(key): _plain(part) for key, part in value.items()}),
    ((list, tuple, set, frozenset), lambda value: [_plain(part) for part in value]),
)
