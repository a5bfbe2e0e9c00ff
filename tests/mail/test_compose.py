"""Composing: one reader's values in their places, the same bytes every time, and nothing else changed."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_mail import mail
from support.mails import (
    AT,
    MARKS,
    TOKENS,
    composed,
    due,
    notice,
    read,
    release,
    shown,
    words,
)

from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.token import LinkPurpose
from mailer.mail.compose import Composer
from mailer.mail.slots import hole

_ATEXT = "abcXYZ019!#$%&'*+/=?^_`{|}~-"
_LOCAL = st.lists(st.text(_ATEXT, min_size=1, max_size=20), min_size=1, max_size=3).map(".".join)
_DOMAIN = st.lists(st.text("abcz09-", min_size=1, max_size=60), min_size=1, max_size=3).map(
    ".".join
)
_release = cache(release)
_MAILBOXES = st.builds("{}@{}".format, _LOCAL, _DOMAIN).filter(lambda text: len(text) <= 254)


def test_two_composers_and_a_retry_make_the_same_bytes() -> None:
    prepared, delivery = release(), due()
    composer = Composer(TOKENS, MARKS)
    first = composer.compose(prepared, delivery)
    assert composer.compose(prepared, delivery._replace(attempts=7)) == first
    assert Composer(TOKENS, MARKS).compose(release(), delivery) == first


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_purpose_is_filled(purpose: Purpose) -> None:
    prepared = mail(purpose)
    message = composed(prepared)
    wire = read(message)
    assert message.recipient == wire.headers["To"] == "lise.jensen@avisen.example"
    assert words(wire.text).count(message.recipient) == 1
    assert shown(wire.html).count(message.recipient) == 1


def test_envelope_sender_and_message_id_are_signed() -> None:
    message = composed(release())
    found = re.fullmatch(r"retur\+123456-([a-z0-9]+)@um\.example", message.sender)
    assert found
    assert MARKS.genuine("return", 123456, found[1])
    assert not MARKS.genuine("message-id", 123456, found[1])
    named = re.fullmatch(r"<123456\.([a-z0-9]+)@um\.example>", read(message).headers["Message-ID"])
    assert named
    assert MARKS.genuine("message-id", 123456, named[1])


def test_the_leave_links_are_one_token_of_the_subscription() -> None:
    wire = read(composed(release()))
    everywhere = " ".join([wire.headers["List-Unsubscribe"], wire.text, wire.html])
    found = re.findall(r"/leave/([\w.-]+)", everywhere)
    assert len(found) == 3
    assert len(set(found)) == 1
    claim = TOKENS.read(LinkPurpose.LEAVE, found[0], datetime(2040, 1, 1, tzinfo=UTC))
    assert (claim.subject, claim.signed_at) == (98765, AT)


def test_the_confirm_link_names_its_request_and_nothing_else() -> None:
    wire = read(composed(notice(Purpose.CONFIRM)))
    tokens = set(re.findall(r"/confirm/([\w.-]+)", wire.text + " " + wire.html))
    assert len(tokens) == 1
    assert TOKENS.read(LinkPurpose.CONFIRM, tokens.pop(), AT).subject == 4711


def test_readers_differ_in_their_own_values_alone() -> None:
    prepared = release()
    one = composed(prepared)
    other = composed(prepared, id=7, subscription_id=8, mailbox="bo@b.example")
    assert one.sender != other.sender
    changed = [
        (mine, theirs)
        for mine, theirs in zip(
            one.content.split(b"\r\n"), other.content.split(b"\r\n"), strict=True
        )
        if mine != theirs
    ]
    assert len(changed) == 7  # To, Message-ID, List-Unsubscribe, and address and token in each part


@settings(max_examples=60)
@given(_MAILBOXES)
def test_every_address_survives(mailbox: str) -> None:
    message = composed(_release(), mailbox=mailbox)
    wire = read(message)
    assert message.recipient == mailbox
    assert wire.headers["To"] == mailbox
    assert f"To: {mailbox}".encode() in wire.lines
    assert mailbox in words(wire.text)
    assert mailbox in shown(wire.html)


def test_a_long_address_has_a_line_of_its_own() -> None:
    mailbox = "a" * 60 + "@" + "b" * 60 + ".example"
    assert f"\r\nTo:\r\n {mailbox}\r\n".encode() in composed(release(), mailbox=mailbox).content


@pytest.mark.parametrize(
    "mailbox", ["a@b\r\nBcc: c@d.example", "a b@c.example", "", "a@b>, <c@d.example"]
)
def test_an_address_that_would_inject_is_refused(mailbox: str) -> None:
    with pytest.raises(MailerError, match="cannot stand in a mail's header"):
        composed(release(), mailbox=mailbox)


def test_a_confirmation_without_a_request_is_refused() -> None:
    with pytest.raises(MailerError, match=r"Delivery 123456 .* names no request"):
        composed(notice(Purpose.CONFIRM), cause="")


def test_a_slot_of_another_version_is_refused() -> None:
    prepared = release()
    newer = replace(prepared, content=prepared.content + hole("later_token"))
    with pytest.raises(MailerError, match="not known: later_token"):
        composed(newer)


def test_more_messages_than_are_remembered() -> None:
    composer = Composer(TOKENS, MARKS)
    prepared = release()
    many = [replace(prepared, subject=f"No. {number}") for number in range(200)]
    first = [composer.compose(one, due()).content for one in many]
    assert [composer.compose(one, due()).content for one in many] == first
