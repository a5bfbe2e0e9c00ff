"""What commands print: one valid JSON object, or tables that cannot steer a terminal."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings, strategies

from mailer.cli import show
from mailer.config.secret import Secret
from mailer.core.delivery import Result


@dataclass(frozen=True)
class Sent:
    """A result as services return it."""

    result: Result
    at: datetime
    took: timedelta


def said(value: Any, *, as_json: bool = False, text: str | None = None) -> bytes:
    """The bytes a command prints."""

    @click.command()
    def command() -> None:
        show.emit(value, as_json=as_json, text=text)

    done = CliRunner().invoke(command, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout_bytes


def test_json_is_one_object_of_plain_values() -> None:
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    value = {
        "sent": Sent(Result.ACCEPTED, at, timedelta(seconds=1.5)),
        "day": date(2026, 3, 2),
        "path": Path("/srv"),
        "names": ("Ærø", None),
        "key": Secret("hush-hush"),
        1: True,
    }

    assert json.loads(said(value, as_json=True)) == {
        "sent": {"result": "accepted", "at": "2026-03-02T08:00:00+00:00", "took": 1.5},
        "day": "2026-03-02",
        "path": "/srv",
        "names": ["Ærø", None],
        "key": "***",
        "1": True,
    }


@given(strategies.dictionaries(strategies.text(), strategies.text(strategies.characters())))
@settings(max_examples=30)
def test_json_is_valid_whatever_it_carries(value: dict[str, str]) -> None:
    printed = said(value, as_json=True)

    assert printed.count(b"\n") == 1
    assert json.loads(printed.decode()) == value


def test_a_list_is_no_object() -> None:
    with pytest.raises(TypeError, match="one object"):
        said([1], as_json=True)


def test_people_see_parts_line_by_line_or_the_words_given() -> None:
    assert said({"accepted": 7, "held": None}) == b"accepted  7\nheld      -\n"
    assert said({"accepted": 7}, text="7 accepted") == b"7 accepted\n"
    assert said({"accepted": 7}, text="") == b""


def test_columns_line_up_and_numbers_stand_right() -> None:
    lines = show.table(("Id", "Title", "Ok"), [(7, "Ærø", True), (123, "日本", False)]).splitlines()

    assert lines == [" Id  Title  Ok", "  7  Ærø    yes", "123  日本   no"]


def test_a_table_without_rows_is_its_headings() -> None:
    assert show.table(("Id", "Title"), []) == "Id  Title"


def test_what_strangers_typed_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in show.table(("Name",), [("\x1b[2J\x07evil\nline",)])
    assert len(show.table(("Name",), [("a\nb",)]).splitlines()) == 2
    assert (
        said({"a": 1}, text="one\ntwo\x1b[0m") == "one\ntwo\N{REPLACEMENT CHARACTER}[0m\n".encode()
    )


def test_moments_are_shown_in_the_zone_of_the_reader() -> None:
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    assert show.moment(at, ZoneInfo("Europe/Copenhagen")) == "2026-03-02 09:00"
    assert show.moment(at.astimezone(timezone(timedelta(hours=5))), UTC) == "2026-03-02 08:00"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (90000, "1 d 1 h"),
        (864000, "10 d"),
    ],
)
def test_how_long_is_told_in_two_units(seconds: float, words: str) -> None:
    assert show.lasting(timedelta(seconds=seconds)) == words
