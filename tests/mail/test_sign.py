"""Signatures: others verify them, they are the same every time, and nothing that matters can be touched."""

import base64
import hashlib
import re
from dataclasses import replace
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_mail import mail
from support.mails import (
    AT,
    DANISH,
    LINES,
    MARKS,
    NEWSROOM,
    TOKENS,
    check_bytes,
    composed,
    due,
    read,
    release,
    words,
)
from support.signatures import DOMAIN, ZONE, as_pem, key, signatures, signers, verdicts

from mailer.core.address import has_hidden
from mailer.core.delivery import Purpose
from mailer.core.dkim import Algorithm, read_key, record_name
from mailer.core.release import Block, Run
from mailer.mail.canonical import relaxed_body, relaxed_field
from mailer.mail.compose import Composer
from mailer.mail.message import Message
from mailer.mail.prepare import Prepared
from mailer.mail.sign import PROTECTED, Seal, Signer

BOTH: tuple[Algorithm, ...] = ("rsa", "ed25519")
WAYS: list[tuple[Algorithm, ...]] = [("rsa",), ("ed25519",), BOTH]


def signed(prepared: Prepared, *algorithms: Algorithm, **changes: object) -> Message:
    """The prepared message made one reader's, signed."""
    composer = Composer(TOKENS, MARKS, signers=signers(*algorithms))
    return composer.compose(prepared, due(prepared.purpose, **changes))


@cache
def letter(purpose: Purpose = Purpose.RELEASE) -> bytes:
    """A message with both signatures."""
    prepared = mail(purpose)
    return signed(prepared, *BOTH).content


def fields_of(content: bytes) -> list[bytes]:
    """The header's fields, the signatures left out."""
    fields = re.split(rb"\r\n(?![ \t])", content.partition(b"\r\n\r\n")[0])
    return [field for field in fields if not field.startswith(b"DKIM-Signature:")]


def test_the_example_of_rfc_8463() -> None:
    """Appendix A: its key, its message, its signature to the byte."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(
        base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    )
    fields = [
        b"From: Joe SixPack <joe@football.example.com>",
        b"To: Suzie Q <suzie@shopping.example.net>",
        b"Subject: Is dinner ready?",
        b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
        b"Message-ID: <20030712040037.46341.5F8J@football.example.com>",
    ]
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    own = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        b" d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        b" subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
    )
    found = read_key(as_pem(private))

    assert found.record.endswith("; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    assert digest == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    text = b"".join(map(relaxed_field, [*fields, own])).removesuffix(b"\r\n")
    assert base64.b64encode(found.sign(hashlib.sha256(text).digest())) == (
        b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    )


@pytest.mark.parametrize("algorithms", WAYS)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_message_verifies(purpose: Purpose, algorithms: tuple[Algorithm, ...]) -> None:
    prepared = mail(purpose)
    message = signed(prepared, *algorithms)

    assert verdicts(message.content) == [True] * len(algorithms)
    assert message.content.endswith(composed(prepared).content), "signed, and otherwise as it was"
    read(message)
    found = signatures(message.content)
    assert [tags["a"] for tags in found] == [f"{each}-sha256" for each in algorithms]


_TITLES = LINES.map(words).filter(lambda text: text != "" and not has_hidden(text))
_BLOCKS = st.builds(
    lambda kind, text: Block(kind, (Run(text),), 1, 1),
    st.sampled_from(["paragraph", "heading", "quote", "list_item"]),
    LINES,
)
_MAILBOXES = st.builds(
    "{}@{}.example".format,
    st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=60),
    st.text("abcz09", min_size=1, max_size=60),
)


@settings(max_examples=40)
@given(
    _TITLES,
    LINES,
    st.lists(_BLOCKS, min_size=1, max_size=5),
    _MAILBOXES,
    st.sampled_from(WAYS),
)
def test_whatever_is_written_to_whomever_verifies(
    title: str, lead: str, body: list[Block], mailbox: str, algorithms: tuple[Algorithm, ...]
) -> None:
    edition = replace(DANISH, title=title, lead=lead, body=tuple(body))
    message = signed(release(edition), *algorithms, mailbox=mailbox)

    assert verdicts(message.content) == [True] * len(algorithms)
    check_bytes(message.content)


def test_what_it_says_of_itself() -> None:
    for tags in signatures(letter()):
        assert (tags["v"], tags["c"], tags["d"]) == ("1", "relaxed/relaxed", DOMAIN)
        assert tags["a"] == f"{tags['s']}-sha256"
        assert int(tags["t"]) == int(AT.timestamp())
        assert list(tags)[-1] == "b"
        assert not {"l", "i", "x", "z"} & set(tags)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_protected_field_is_named_once_more_than_it_occurs(purpose: Purpose) -> None:
    content = letter(purpose)

    present = [field.partition(b":")[0].decode() for field in fields_of(content)]
    for tags in signatures(content):
        named = tags["h"].split(":")
        assert {name: named.count(name) for name in PROTECTED} == {
            name: present.count(name) + 1 for name in PROTECTED
        }
        assert set(named) == set(PROTECTED)
        assert set(present) <= set(named), "no field that we write is left open"


def test_a_retry_another_host_and_a_preview_sign_the_same() -> None:
    composer = Composer(TOKENS, MARKS, signers=signers(*BOTH))
    first = composer.compose(release(), due())

    assert composer.compose(release(), due(attempts=5)) == first
    assert signed(release(), *BOTH) == first


def test_readers_have_signatures_of_their_own() -> None:
    composer = Composer(TOKENS, MARKS, signers=signers("ed25519"))
    mailboxes = [f"reader{number}@{'very-long-' * 6}name.example" for number in range(5)]

    contents = {
        composer.compose(release(), due(mailbox=mailbox, id=number)).content
        for number, mailbox in enumerate(mailboxes)
    }

    assert len({signatures(content)[0]["b"] for content in contents}) == 5
    assert all(verdicts(content) == [True] for content in contents)


@pytest.mark.parametrize("name", PROTECTED)
@pytest.mark.parametrize("purpose", [Purpose.RELEASE, Purpose.CONFIRM])
def test_no_protected_field_can_be_added(name: str, purpose: Purpose) -> None:
    content, field = letter(purpose), f"{name}: forged\r\n".encode()
    head, _, body = content.partition(b"\r\n\r\n")

    assert verdicts(field + content) == [False, False], "on top"
    assert verdicts(head + b"\r\n" + field + b"\r\n" + body) == [False, False], "at the bottom"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_no_field_can_be_changed_or_taken_away(purpose: Purpose) -> None:
    content = letter(purpose)

    for field in fields_of(content):
        assert content.count(b"\r\n" + field + b"\r\n") == 1
        name, _, value = field.partition(b":")
        changed = content.replace(field, b"%s:%s" % (name, value[:-1] + b"~"))
        assert verdicts(changed) == [False, False], field
        gone = content.replace(b"\r\n" + field + b"\r\n", b"\r\n")
        assert verdicts(gone) == [False, False], field


@settings(max_examples=60)
@given(st.data())
def test_no_letter_of_the_body_can_be_changed(data: st.DataObject) -> None:
    content = letter()
    start = content.index(b"\r\n\r\n") + 4
    places = [at for at in range(start, len(content)) if content[at] not in b" \r\n"]
    at = data.draw(st.sampled_from(places))

    assert verdicts(content[:at] + b"~" + content[at + 1 :]) == [False, False]


@pytest.mark.parametrize("more", [b"One more line.\r\n", b"\r\n.\r\n", b"--x\r\n"])
def test_nothing_can_be_put_behind_the_body(more: bytes) -> None:
    assert verdicts(letter() + more) == [False, False]


def test_what_servers_on_the_way_may_do_does_no_harm() -> None:
    content = letter()
    head, _, body = content.partition(b"\r\n\r\n")

    assert (
        verdicts(b"Received: from a by b\r\nReturn-Path: <x@y.example>\r\n" + content) == [True] * 2
    )
    assert verdicts(content + b"\r\n\r\n") == [True, True], "empty lines at the end"
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", head)
    assert verdicts(unfolded + b"\r\n\r\n" + body) == [True, True]
    spaced = re.sub(rb"\r\n((?!DKIM)[A-Za-z-]+): ", lambda field: field[0].upper() + b" \t", head)
    assert spaced != head
    assert verdicts(spaced + b"\r\n\r\n" + body) == [True, True]


def test_a_signature_cannot_be_moved_to_another_message() -> None:
    one, other = (signed(release(), "rsa", id=number).content for number in (1, 2))
    end = one.index(b"\r\nFrom:")

    assert verdicts(one) == verdicts(other) == [True]
    assert verdicts(one[:end] + other[other.index(b"\r\nFrom:") :]) == [False]


def test_a_key_that_the_dns_does_not_have_does_not_verify() -> None:
    assert verdicts(letter(), {}) == [False, False]
    swapped = {name: key("rsa").record for name in ZONE}
    assert verdicts(letter(), swapped) == [True, False]


def test_only_mail_from_the_signer_s_domain_is_signed() -> None:
    composer = Composer(TOKENS, MARKS, signers=signers("rsa"))
    other = replace(NEWSROOM, name='"@um.example> x', sender="press@other.example")
    below = replace(NEWSROOM, sender="press@news.um.example")
    loud = replace(NEWSROOM, sender="presse@UM.Example")

    assert signatures(composer.compose(release(newsroom=other), due()).content) == []
    assert signatures(composer.compose(release(newsroom=below), due()).content) == []
    assert len(signatures(composer.compose(release(newsroom=loud), due()).content)) == 1


@pytest.mark.parametrize("name", ["Ø" * 80, "Klima, Energi " * 12, "a@um.example> " * 9])
def test_the_sender_is_found_however_its_name_is_written(name: str) -> None:
    prepared = release(newsroom=replace(NEWSROOM, name=name))

    assert verdicts(signed(prepared, "ed25519").content) == [True]


@pytest.mark.parametrize("length", [1, 20, 60, 180])
def test_lines_stay_within_their_limits(length: int) -> None:
    domain = ".".join(["d" * min(length, 60)] * -(-length // 60)) + ".um.example"
    selectors = [letter * min(length, 60) for letter in "re"]
    seals = [Seal(domain, name, key(each)) for name, each in zip(selectors, BOTH, strict=True)]
    composer = Composer(TOKENS, MARKS, signers={DOMAIN: Signer(seals)})

    content = composer.compose(release(), due()).content

    lines = content.partition(b"\r\nFrom:")[0].split(b"\r\n")
    for line in lines:
        assert len(line) <= 78 or line.strip().startswith(b"d="), "a domain is never cut"
        assert not line.startswith(b" ") or line.strip(), "no line is blank"
    assert max(map(len, lines)) <= 250
    records = {record_name(each.selector, domain): each.key.record for each in seals}
    assert verdicts(content, records) == [True, True]


def test_a_signer_does_not_show_its_keys() -> None:
    assert repr(Signer([Seal(DOMAIN, "s1", key("rsa"))])) == "Signer(s1@um.example)"
