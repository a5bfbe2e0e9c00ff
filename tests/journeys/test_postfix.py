"""A strict, real Postfix takes every mail without a word and unchanged, and its moods lose nobody.

200 readers take seconds. MAILER_POSTFIX_READERS=20000 takes as many:

    MAILER_POSTFIX_READERS=20000 python -m pytest tests/journeys/test_postfix.py -k pipelined
"""

import os
import random
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from support.dispatching import delivery_of
from support.policy import policy
from support.postfix import HOST, MISSING, STRICT, Kept, Postfix
from support.press_office import PATIENCE, PressOffice, made_once
from support.signatures import signatures, verdicts
from support.verifiers import (
    MAIL_DKIM_MISSING,
    OPENDKIM_MISSING,
    mail_dkim,
    opendkim,
)

from mailer.config import load
from mailer.core.address import parse_address
from mailer.services.preview import preview
from mailer.wiring import open_office

COUNT = int(os.environ.get("MAILER_POSTFIX_READERS", "200"))
SECONDS = 180 + COUNT // 20
UNUSUAL = [
    "O'Brien+press=nyt@example.org",
    "{x}~y|z&co@example.org",
    "Stor.Lille@example.org",
    f"{'long' * 16}@example.org",
    "lise@xn--rdgrd-vuad.example",
]
READERS = [f"reader{number}@example.org" for number in range(COUNT - len(UNUSUAL))] + UNUSUAL

RELEASE = """---
newsroom: um
title: Næste skridt i kampen mod ISIL bliver taget i København, og alle “medlemmer” er inviteret til mødet
language: da
lead: From nu af er alt anderledes — også i Ærø.
contacts:
  - Pressevagten, tlf. 33 92 00 00
---

.en linje, der begynder med et punktum, og så

\\.

From Fredensborg til Ærø er der langt. {long}

> Året begyndte på dramatisk vis med stor uro i Mellemøsten. = betyder lighed, =20 gør ikke.

- 👩‍🚒 en brandmand
- https://um.example/{path}

{body}
""".format(
    long="udenophold" * 30,
    path="sti/" * 40,
    body="\n\n".join(f"{number}. afsnit: {'Mødet er på mandag. ' * 12}" for number in range(8)),
)

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.timeout(SECONDS),
]


@dataclass(frozen=True, slots=True)
class Published:
    """An office that has its readers, its keys and a release that may go, and what its domain publishes."""

    folder: Path
    release: int
    zone: dict[str, str]

    def office(self, folder: Path, postfix: Postfix, **environment: str) -> PressOffice:
        """The office afresh, with that Postfix as its relay."""
        shutil.copytree(self.folder, folder)
        relay = {
            "MAILER_RELAY__0__HOST": postfix.host,
            "MAILER_RELAY__0__PORT": str(postfix.port),
            "MAILER_RELAY__0__HELO": "presse.um.example",
        }
        return PressOffice(folder, relay | environment, patience=SECONDS)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """An office to copy."""

    def make(folder: Path) -> tuple[int, dict[str, str]]:
        office = PressOffice(folder, {}, patience=SECONDS)
        release = office.open(READERS, RELEASE)
        return release, dict(office.make_key(algorithm) for algorithm in ("rsa", "ed25519"))

    folder, (release, zone) = made_once(tmp_path_factory, "postfix", make)
    return Published(folder, release, zone)


BAD_MANNERS = {
    "improper command pipelining": [b"DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"],
    "bare <LF> received": [b"DATA\r\n", b"Subject: x\r\n\r\nx\n.\r\n.\r\n"],
    "improper use of 8-bit data": [b"DATA\r\n", "Subject: ø\r\n\r\nx\r\n.\r\n".encode()],
}


@pytest.mark.parametrize("words", BAD_MANNERS)
def test_of_bad_manners_it_would_complain(words: str) -> None:
    hello = [b"EHLO a.example\r\n", b"MAIL FROM:<a@a.example>\r\n", b"RCPT TO:<b@example.org>\r\n"]
    with Postfix() as postfix:
        with socket.create_connection((postfix.host, postfix.port), PATIENCE) as line:
            for said in [*hello, *BAD_MANNERS[words]]:
                assert line.recv(4096), "a reply before the next"
                line.sendall(said)
            line.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while line.recv(4096):
                    pass
        assert words in "\n".join(postfix.complaints())


@dataclass(frozen=True)
class Way:
    """A way to talk to it.

    Attributes:
        settings: of Postfix.
        security: of the relay.
        trace: words of Postfix's Received field that prove the way.
        sample: one mail in so many is compared with its preview.
    """

    settings: dict[str, str] = field(default_factory=dict)
    security: str = "none"
    trace: str = "with ESMTP id"
    sample: int = 16


WAYS = {
    "pipelined": Way(sample=4),
    # What is not offered is not authorised: commands in a group would be refused.
    "one-by-one": Way(
        {
            "smtpd_discard_ehlo_keywords": "pipelining, chunking, size, 8bitmime, dsn",
            "smtputf8_enable": "no",
        }
    ),
    "starttls": Way({"smtpd_tls_security_level": "encrypt"}, "starttls", "with ESMTPS id"),
    "tls": Way({"smtpd_tls_wrappermode": "yes"}, "tls", "with ESMTPS id"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_strict_postfix_takes_everybody_s_mail_as_it_was_previewed(
    way: Way, published: Published, tmp_path: Path
) -> None:
    certificate, relay = secured(way, tmp_path)
    with Postfix(way.settings | certificate) as postfix:
        office = published.office(tmp_path / "office", postfix, **relay)
        said = office.do("dispatch")
        kept = postfix.kept()
        assert postfix.complaints() == []

    assert (said["accepted"], said["due"]) == (len(READERS), 0)
    check_everybody_has_it_once(kept)
    assert all(way.trace in letter.trace for letter in kept)
    assert len({letter.sender for letter in kept}) == len(READERS), "a return path each"
    check_previews(office, published.release, random.sample(kept, len(kept) // way.sample))


def secured(way: Way, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Postfix's settings for a certificate and the office's for trusting it, where the way needs them."""
    if way.security == "none":
        return {}, {}
    authority = trustme.CA()
    ca_file, pem = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(pem))
    relay = {"MAILER_RELAY__0__SECURITY": way.security, "MAILER_RELAY__0__CA_FILE": str(ca_file)}
    return {"smtpd_tls_chain_files": str(pem)}, relay


def check_everybody_has_it_once(kept: list[Kept]) -> None:
    """One message for each reader, and none for anybody else."""
    assert sorted(letter.recipient for letter in kept) == sorted(READERS)
    assert len({delivery_of(letter.content) for letter in kept}) == len(READERS)


def check_previews(office: PressOffice, release: int, letters: list[Kept]) -> None:
    """Each is its reader's preview, byte for byte."""
    settings = load(office.config, {**os.environ, **office.environment})
    with open_office(settings) as opened:
        for letter in letters:
            shown = preview(opened, release, parse_address(letter.recipient))
            assert (letter.sender, letter.content) == (shown.sender, shown.content)


@pytest.fixture(scope="module")
def letter(published: Published, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A mail with both kinds of signature, as the server behind Postfix would get it."""
    with Postfix() as postfix:
        office = published.office(tmp_path_factory.mktemp("signed") / "office", postfix)
        office.do("dispatch")
        assert office.do("verify")["ok"]
        kept = random.choice(postfix.kept())
    assert kept.content == office.preview(published.release, kept.recipient), "the command too"
    whole = kept.whole
    assert whole.startswith(b"Received: from presse.um.example ")
    return whole


def test_behind_postfix_dkimpy_verifies_both_signatures(
    published: Published, letter: bytes
) -> None:
    assert [each["a"] for each in signatures(letter)] == ["rsa-sha256", "ed25519-sha256"]
    assert verdicts(letter, published.zone) == [True, True]
    assert verdicts(letter.replace(b"Subject: ", b"Subject:  x"), published.zone) == [False, False]


@pytest.mark.skipif(bool(MAIL_DKIM_MISSING), reason=MAIL_DKIM_MISSING)
def test_behind_postfix_mail_dkim_verifies(published: Published, letter: bytes) -> None:
    rsa, ed25519 = mail_dkim(letter, published.zone)
    assert rsa == "pass"
    # Versions before 1.20230911 do not know RFC 8463; one that does must agree.
    assert ed25519 in {"pass", "invalid (unsupported algorithm ed25519-sha256)"}


@pytest.mark.skipif(bool(OPENDKIM_MISSING), reason=OPENDKIM_MISSING)
def test_behind_postfix_opendkim_verifies(
    published: Published, letter: bytes, tmp_path: Path
) -> None:
    said = opendkim(letter, published.zone, tmp_path)
    assert "verification (s=rsa, d=um.example, 2048-bit key) succeeded" in said, said


def test_a_postfix_that_closes_the_channel_on_some_readers_gets_them_later(
    published: Published, tmp_path: Path
) -> None:
    slow = set(READERS[::20])

    def decide(asked: Mapping[str, str]) -> str:
        return "421 4.7.0 come back later" if asked["recipient"] in slow else "DUNNO"

    with policy(decide) as asking, Postfix(at_rcpt(asking)) as postfix:
        office = published.office(tmp_path / "office", postfix)
        office.run("dispatch")
        assert not {letter.recipient for letter in postfix.kept()} & slow
        slow.clear()
        office.dispatch_until_done()
        check_everybody_has_it_once(postfix.kept())
    assert office.doubted() == set()


@pytest.mark.parametrize("keywords", ["", "pipelining, chunking"])
def test_readers_that_postfix_refuses_are_refused_alone(
    published: Published, tmp_path: Path, keywords: str
) -> None:
    """Many in a row, so that it hangs up too: that it does after 20 errors is its own default."""
    gone = set(READERS[COUNT // 4 : COUNT * 3 // 4])

    def decide(asked: Mapping[str, str]) -> str:
        return "550 5.1.1 no such user" if asked["recipient"] in gone else "DUNNO"

    settings = {"smtpd_error_sleep_time": "0", "smtpd_discard_ehlo_keywords": keywords}
    with policy(decide) as asking, Postfix(settings | at_rcpt(asking)) as postfix:
        office = published.office(tmp_path / "office", postfix)
        refused = office.dispatch_until_done()["refused"]
        arrived = Counter(letter.recipient for letter in postfix.kept())
    assert arrived == Counter(set(READERS) - gone)
    assert refused == len(gone)
    assert office.doubted() == set()


def test_a_postfix_that_takes_so_many_a_minute_gets_the_others_later(
    published: Published, tmp_path: Path
) -> None:
    enough = COUNT // 3
    with Postfix({"smtpd_client_message_rate_limit": str(enough)}) as postfix:
        office = published.office(tmp_path / "office", postfix)
        _, said = office.run("dispatch")
        assert 0 < len(postfix.kept()) == said["accepted"] <= enough
        assert any("request rate limit exceeded" in line for line in postfix.complaints())
        assert said["refused"] == said["unknown"] == 0
        postfix.set(smtpd_client_message_rate_limit="0")
        office.dispatch_until_done()
        check_everybody_has_it_once(postfix.kept())
    assert office.doubted() == set()


def test_a_postfix_that_takes_few_connections_gets_everybody_over_those(
    published: Published, tmp_path: Path
) -> None:
    with Postfix({"smtpd_client_connection_count_limit": "3"}) as postfix:
        office = published.office(tmp_path / "office", postfix)
        assert office.dispatch_until_done()["accepted"] == len(READERS)
        check_everybody_has_it_once(postfix.kept())
        complaints = postfix.complaints()
    assert complaints, "it refused the fourth"
    assert all("Connection concurrency limit exceeded" in line for line in complaints)


def test_a_postfix_that_reloads_amid_a_run_is_no_matter(
    published: Published, tmp_path: Path
) -> None:
    tally = Tally(wake_at=COUNT // 3, hold_after=COUNT * 2 // 3)
    with policy(tally.decide) as asking, Postfix(at_the_end(asking)) as postfix:
        office = published.office(tmp_path / "office", postfix)
        dispatcher = office.start("dispatch", "--json")
        tally.wait()
        postfix.set(smtpd_banner="$myhostname ESMTP again")
        tally.go_on()
        code, said = office.ended(dispatcher)
        assert (code, said["accepted"]) == (0, len(READERS))
        check_everybody_has_it_once(postfix.kept())
    assert office.doubted() == set()


@pytest.mark.parametrize("unknown", ["resend", "hold"])
def test_a_postfix_that_is_stopped_with_mails_in_its_hands_costs_nobody(
    published: Published, tmp_path: Path, unknown: str
) -> None:
    """It is stopped while every connection waits for the reply to its final dot."""
    lines, before = 4, COUNT // 3
    settings = {"RELAY__0__CONNECTIONS": str(lines), "NEWSROOM__UM__UNKNOWN": unknown}
    tally = Tally(wake_at=before + lines, hold_after=before)
    with policy(tally.decide) as asking, Postfix(at_the_end(asking)) as postfix:
        office = published.office(
            tmp_path / "office", postfix, **{f"MAILER_{key}": settings[key] for key in settings}
        )
        dispatcher = office.start("dispatch", "--json")
        tally.wait()
        postfix.stop()
        _, said = office.ended(dispatcher)
        assert said["accepted"] == len(postfix.kept()) == before
        assert len(office.doubted()) == said["unknown"] == lines
        tally.go_on()
        postfix.start()
        office.dispatch_until_done()
        arrived = Counter(letter.recipient for letter in postfix.kept())
    held = tally.held if unknown == "hold" else set()
    assert arrived == Counter(set(READERS) - held)


def test_a_postfix_that_is_stopped_at_any_moment_loses_nobody(
    published: Published, tmp_path: Path
) -> None:
    tally = Tally(wake_at=COUNT // 3, hold_after=COUNT * 2 // 3)
    with policy(tally.decide) as asking, Postfix(at_the_end(asking)) as postfix:
        office = published.office(tmp_path / "office", postfix)
        dispatcher = office.start("dispatch", "--json")
        tally.wait()
        postfix.stop()
        office.ended(dispatcher)
        assert len(postfix.kept()) < COUNT, "it was stopped in the middle"
        tally.go_on()
        postfix.start()
        office.dispatch_until_done()
        kept = postfix.kept()
    assert {letter.recipient for letter in kept} == set(READERS)
    copies = Counter((delivery_of(letter.content), letter.content) for letter in kept)
    assert len(copies) == len(READERS), "a second copy is the same, to the byte"
    assert {number for (number, _), times in copies.items() if times > 1} <= office.doubted()


class Tally:
    """A policy that counts mails whose final dot has come, and so lets a test act amid a run.

    Args:
        wake_at: `wait` returns when so many have come.
        hold_after: those after so many are answered only when the test says `go_on`.
    """

    def __init__(self, *, wake_at: int, hold_after: int) -> None:
        self.held: set[str] = set()
        self._wake_at = wake_at
        self._hold_after = hold_after
        self._seen = 0
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._going_on = threading.Event()

    def decide(self, asked: Mapping[str, str]) -> str:
        """For `policy`."""
        with self._lock:
            self._seen += 1
            hold = self._seen > self._hold_after and not self._going_on.is_set()
            if hold:
                self.held.add(asked["recipient"])
            if self._seen >= self._wake_at:
                self._awake.set()
        if hold:
            self._going_on.wait(PATIENCE)
        return "DUNNO"

    def wait(self) -> None:
        """Wait until it is time to act."""
        assert self._awake.wait(PATIENCE), f"{self._seen} of {self._wake_at}"

    def go_on(self) -> None:
        """Hold nothing any more."""
        self._going_on.set()


def at_rcpt(asking: str) -> dict[str, str]:
    """Settings that ask at each RCPT."""
    before = STRICT["smtpd_recipient_restrictions"]
    return {"smtpd_recipient_restrictions": f"{asking}, {before}"}


def at_the_end(asking: str) -> dict[str, str]:
    """Settings that ask when a mail's final dot has come, before it is kept."""
    return {"smtpd_end_of_data_restrictions": asking}
