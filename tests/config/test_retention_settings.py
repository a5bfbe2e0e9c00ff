"""What settings say of retention and privacy notices: taken over exactly, refused with a cure."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mailer.config import load
from mailer.core.errors import ConfigFault
from mailer.core.retention import Retention

Write = Callable[..., Path]


def faults(path: Path) -> dict[str, str]:
    """The faults by the place they name."""
    with pytest.raises(ConfigFault) as caught:
        load(path, {})
    return dict(fault.split(": ", 1) for fault in caught.value.faults)


def test_without_a_word_the_defaults_are_those_of_the_floors_below(write: Write) -> None:
    assert load(write(), {}).retention.value() == Retention()


def test_each_rule_is_taken_over_by_its_name(write: Write) -> None:
    more = """
[retention]
ip_days = 1
user_agent_days = 0
pending_days = 3
replies_days = 4
ended_days = 7
audit_days = 6
"""
    assert load(write(more=more), {}).retention.value() == Retention(
        ip=timedelta(days=1),
        user_agent=timedelta(),
        pending=timedelta(days=3),
        replies=timedelta(days=4),
        ended=timedelta(days=7),
        audit=timedelta(days=6),
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ip_days = -1", "at least 0"),
        ("ip_days = 1.5", "whole number"),
        ("pending_days = 2", "at least 3"),
        ("ended_days = 6", "at least 7"),
        ("audit_days = 0", "at least 1"),
        ('replies_days = "long"', "whole number"),
    ],
)
def test_a_time_that_would_break_a_promise_is_refused(write: Write, line: str, words: str) -> None:
    found = faults(write(more=f"[retention]\n{line}\n"))
    assert words in found[f"retention.{line.partition(' ')[0]}"], found


def test_a_notice_is_read_from_its_files_and_has_a_page(write: Write, tmp_path: Path) -> None:
    (tmp_path / "da.txt").write_text("Vi gemmer din adresse.\n", "utf-8")
    (tmp_path / "en.txt").write_text("We keep your address.\n", "utf-8")

    room = load(write(more='privacy_notice = { da = "da.txt", en = "en.txt" }\n'), {}).newsrooms()[
        "um"
    ]

    assert room.privacy("da") == "Vi gemmer din adresse.\n"
    assert room.privacy("en-GB") == "We keep your address.\n"
    assert room.privacy("fr") == "Vi gemmer din adresse.\n"
    assert room.privacy_url == "https://press.example.org/um/privacy"
    assert room.farewell


def test_a_notice_with_an_address_of_its_own_keeps_it(write: Write, tmp_path: Path) -> None:
    (tmp_path / "da.txt").write_text("Vi gemmer din adresse.\n", "utf-8")
    more = (
        'privacy_notice = { da = "da.txt" }\nprivacy_url = "https://um.example/p"\n'
        "farewell = false\n"
    )

    room = load(write(more=more), {}).newsrooms()["um"]

    assert (room.privacy_url, room.farewell) == ("https://um.example/p", False)


@pytest.mark.parametrize(
    ("tag", "content", "words"),
    [
        ("da", None, "cannot be read"),
        ("da", b"", "has no text"),
        ("da", b" \n\t\n", "has no text"),
        ("da", b"a\0b", "has no text"),
        ("da", b"\xff\xfe", "UTF-8"),
        ("da", b"x" * 65_537, "shorter"),
        ("fr", b"Nous", "no language of this newsroom"),
    ],
)
def test_a_notice_that_cannot_be_shown_is_refused(
    write: Write, tmp_path: Path, tag: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "notice.txt").write_bytes(content)

    found = faults(write(more=f'privacy_notice = {{ {tag} = "notice.txt" }}\n'))

    assert words in found[f"newsroom.um.privacy_notice.{tag}"], found
