"""The mails of a reader's choices: each with its one link, none with a way to leave what it is not about."""

import re

import pytest
from support.mails import AT, NEWSROOM, SITE, TOKENS, composed, notice, read

from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.token import LinkPurpose

MAILS = (Purpose.MANAGE, Purpose.MOVE, Purpose.MOVING, Purpose.MOVED)
DOORS = {Purpose.MANAGE: LinkPurpose.MANAGE, Purpose.MOVE: LinkPurpose.CONFIRM}


@pytest.mark.parametrize("purpose", DOORS)
def test_the_link_names_what_caused_the_mail(purpose: Purpose) -> None:
    wire = read(composed(notice(purpose), cause="link:4711"))
    door = DOORS[purpose]
    for part in (wire.text, wire.html):
        tokens = set(re.findall(rf"{re.escape(SITE.url(f'/{door}/'))}([\w.-]+)", part))
        (token,) = tokens
        assert TOKENS.read(door, token, AT).subject == 4711


@pytest.mark.parametrize("purpose", MAILS)
def test_the_address_is_the_readers_own_and_nobody_elses(purpose: Purpose) -> None:
    wire = read(composed(notice(purpose)))
    addresses = set(re.findall(r"[\w.]+@[\w.]+\.example", wire.text))
    assert addresses == {"lise.jensen@avisen.example", NEWSROOM.reply_to}


@pytest.mark.parametrize("purpose", MAILS)
def test_nothing_can_be_left_by_one_click_of_a_program(purpose: Purpose) -> None:
    content = composed(notice(purpose)).content.partition(b"\r\n\r\n")[0]
    assert b"List-Unsubscribe" not in content
    assert b"/leave/" not in content
    assert (b"List-Archive" in content) is (purpose is not Purpose.MOVE)


@pytest.mark.parametrize("purpose", DOORS)
def test_a_link_to_nothing_is_never_sent(purpose: Purpose) -> None:
    with pytest.raises(MailerError, match="settle it by hand"):
        composed(notice(purpose), cause="")
