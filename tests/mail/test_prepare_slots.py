"""Slots: a template can write them out, and whatever else it tries fails loudly."""

from collections.abc import Callable
from pathlib import Path

import pytest
from markupsafe import Markup
from support.mails import notice, release

from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.newsroom import Site
from mailer.mail.slots import CLOSE, OPEN, Slot, Slots, mark, names_in
from mailer.texts.templates import Templates

_QUESTIONS: list[Callable[[Slot], object]] = [
    bool,
    len,
    list,
    hash,
    lambda slot: slot == "x",
    lambda slot: slot != "x",
    lambda slot: slot < "x",
    lambda slot: "x" in slot,
    lambda slot: slot[0],
    lambda slot: slot + "x",
    lambda slot: "x" + slot,
    lambda slot: f"{slot:>10}",
]


@pytest.mark.parametrize("ask", _QUESTIONS)
def test_asking_a_slot_raises(ask: Callable[[Slot], object]) -> None:
    with pytest.raises(MailerError, match="asks what the slot leave_token holds"):
        ask(Slot("leave_token", "https://a.example/leave/"))


def test_slots_are_written_out_with_their_address() -> None:
    slots = Slots(Site("https://a.example/?x=1&y=2"), "address_text")
    assert str(slots.leave_url) == "https://a.example/?x=1&y=2/leave/" + mark("leave_token")
    escaped = Markup("<a href='{}'>").format(slots.confirm_url)
    assert (
        escaped == "<a href='https://a.example/?x=1&amp;y=2/confirm/" + mark("confirm_token") + "'>"
    )
    assert str(slots.address) == mark("address_text", 26)


def test_names_are_found_and_pieces_are_refused() -> None:
    assert names_in(f"a{mark('to')}b{mark('date')}{mark('to')}") == {"to", "date"}
    assert names_in("plain") == set()
    assert names_in(str(Slots(Site("https://a.example"), "to").address)) == {"to"}
    for broken in (OPEN, CLOSE, "\0", f"{OPEN}LEAVE{CLOSE}", f"{OPEN}a\nb{CLOSE}", mark("to")[:-1]):
        with pytest.raises(MailerError, match="cut a slot to pieces"):
            names_in(broken)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{% if slots.leave_url %}x{% endif %}", "asks what the slot leave_token holds"),
        ("{% if slots.address == 'a@b.example' %}x{% endif %}", "asks what the slot address_text"),
        ("{{ slots.leave_url|upper }}", "cut a slot to pieces"),
        ("{{ slots.leave_url|string|truncate(35, true, '', 0) }}", "cut a slot to pieces"),
        ("{{ slots.leave_url|urlencode }}", "asks what the slot|leaves out the slot leave_token"),
        ("nothing to click", r"body\.txt leaves out the slot leave_token"),
        ("{{ slots.later_url }}", "body.txt cannot be used: .*later_url"),
        ("{{ nobody }}", "body.txt cannot be used: 'nobody' is undefined"),
        ("{% if %}", "body.txt cannot be used"),
    ],
)
def test_an_operators_template_fails_loudly(tmp_path: Path, body: str, complaint: str) -> None:
    path = tmp_path / "mail" / "release" / "body.txt"
    path.parent.mkdir(parents=True)
    path.write_text(body)
    with pytest.raises(MailerError, match=complaint):
        release(templates=Templates(tmp_path))


def test_a_subject_has_no_slots(tmp_path: Path) -> None:
    path = tmp_path / "mail" / "confirm" / "subject.txt"
    path.parent.mkdir(parents=True)
    path.write_text("For {{ slots.address }}")
    with pytest.raises(MailerError, match=r"confirm/subject\.txt cannot be used"):
        notice(Purpose.CONFIRM, templates=Templates(tmp_path))
