"""A second opinion: Postfix's own test server, where it is installed, hears what we mean to say.

Its faults: -f hard (5xx) and -r soft (4xx) refusals of a command, both of which take PIPELINING back; -q an
end without a word, -Q a 421 and an end; -A a refusal amid the content. `-p` takes PIPELINING back alone: what
can be seen on both kinds of lines is seen on both.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.parcels import Tray, mail_to

from mailer.core.delivery import Outcome, Phase, Result
from mailer.mail.line import SmtpLine
from mailer.mail.relay import Relay
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import RelayMissing

PATIENCE = 10.0
SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin:/usr/bin")
READERS = ["anna", "bob", "carl"]
ADDRESSES = [f"{reader}@example.org" for reader in READERS]

pytestmark = pytest.mark.skipif(
    SINK is None, reason="smtp-sink (Debian package postfix) is not installed"
)

HUGE = (b"x" * 998 + b"\r\n") * 8_000

PHASES = {
    "CONNECT": Phase.CONNECT,
    "EHLO": Phase.EHLO,
    "MAIL": Phase.MAIL,
    "RCPT": Phase.RCPT,
    "DATA": Phase.DATA,
    ".": Phase.CONTENT,
}
REFUSALS = {"-f": Result.REFUSED, "-r": Result.DEFERRED}
ENDS = ["-q", "-Q"]
BOTH_KINDS = pytest.mark.parametrize("kind", [[], ["-p"]], ids=["pipelined", "one at a time"])


@contextmanager
def _sink(folder: Path, *options: str) -> Iterator[Relay]:
    """A sink that behaves as its options say, and listens."""
    assert SINK is not None
    socket_file = folder / "sink"
    user = ["-u", "root"] if os.geteuid() == 0 else []
    command = [SINK, *user, *options, f"unix:{socket_file}", "10"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE) as sink:
        try:
            _await_listener(socket_file, sink)
            yield Relay("sink", f"unix:{socket_file}", security="none", helo="mailer.um.example")
        finally:
            sink.terminate()


def _await_listener(socket_file: Path, sink: "subprocess.Popen[bytes]") -> None:
    """It does not say when it listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(socket_file))
            except OSError:
                assert sink.poll() is None, "smtp-sink does not start"
                assert time.monotonic() < deadline, "smtp-sink does not listen"
                os.sched_yield()
            else:
                return


def _streamed(relay: Relay, tray: Tray, *, pipelined: bool) -> bool:
    """Stream a tray over one line; whether the line still stood."""

    async def run() -> bool:
        line = await SmtpTransport(relay).connect()
        assert isinstance(line, SmtpLine)
        assert line.pipelining is pipelined
        async with asyncio.timeout(PATIENCE):
            await line.stream(tray.pull)
        stood = line.alive
        async with asyncio.timeout(PATIENCE):
            await line.close()
        return stood

    stood = asyncio.run(run())
    assert tray.settled
    return stood


def _not_there(relay: Relay) -> Outcome:
    with pytest.raises(RelayMissing) as caught:
        asyncio.run(SmtpTransport(relay).connect())
    assert caught.value.cure
    return caught.value.outcome


@BOTH_KINDS
@pytest.mark.parametrize("less", [[], ["-8"], ["-E"], ["-a"], ["-N", "-F", "-C"]])
def test_it_takes_every_message_as_it_was_meant(
    kind: list[str], less: list[str], tmp_path: Path
) -> None:
    tray = Tray(mail_to(f"reader{number}") for number in range(10))
    with _sink(tmp_path, "-d", "dump.", *kind, *less) as relay:
        assert _streamed(relay, tray, pipelined=not kind)
    assert {each.result for each in tray.outcomes.values()} == {Result.ACCEPTED}
    dumps = [path.read_bytes() for path in tmp_path.glob("dump.*")]
    assert len(dumps) == 10
    for dump in dumps:
        assert dump.replace(b"\r\n", b"\n").rstrip().endswith(b"\n.One line.\n..\n.\nEnd.")
    for address in tray.outcomes:
        assert sum(f"<{address}>".encode() in dump for dump in dumps) == 1


@pytest.mark.parametrize("option", REFUSALS)
@pytest.mark.parametrize("command", ["CONNECT", "EHLO"])
def test_a_refusal_to_let_us_in(option: str, command: str, tmp_path: Path) -> None:
    with _sink(tmp_path, option, command) as relay:
        outcome = _not_there(relay)
    assert (outcome.phase, outcome.result) == (PHASES[command], REFUSALS[option])
    assert outcome.code // 100 == (5 if option == "-f" else 4)


@BOTH_KINDS
@pytest.mark.parametrize("option", ENDS)
@pytest.mark.parametrize("command", ["CONNECT", "EHLO"])
def test_an_end_before_we_are_in(
    kind: list[str], option: str, command: str, tmp_path: Path
) -> None:
    with _sink(tmp_path, *kind, option, command) as relay:
        outcome = _not_there(relay)
    assert (outcome.phase, outcome.result) == (PHASES[command], Result.DEFERRED)
    assert outcome.code == (421 if option == "-Q" else 0)


@pytest.mark.parametrize("option", REFUSALS)
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_a_refusal_is_each_message_own(option: str, command: str, tmp_path: Path) -> None:
    tray = Tray(map(mail_to, READERS))
    with _sink(tmp_path, option, command) as relay:
        assert _streamed(relay, tray, pipelined=False), "the line goes on"
    assert list(tray.outcomes) == ADDRESSES
    for outcome in tray.outcomes.values():
        assert (outcome.phase, outcome.result) == (PHASES[command], REFUSALS[option])
        assert (outcome.enhanced, outcome.text) == (
            "5.3.0" if option == "-f" else "4.3.0",
            "Error: command failed",
        )


@pytest.mark.parametrize(
    ("option", "words", "reply", "result"),
    [
        ("-f", "-B", "550 5.1.1 no such user", Result.REFUSED),
        ("-r", "-b", "452 4.2.2 mailbox full", Result.DEFERRED),
    ],
)
def test_its_words_are_kept(
    option: str, words: str, reply: str, result: Result, tmp_path: Path
) -> None:
    tray = Tray([mail_to()])
    with _sink(tmp_path, option, "RCPT", words, reply) as relay:
        _streamed(relay, tray, pipelined=False)
    (outcome,) = tray.outcomes.values()
    assert f"{outcome.code} {outcome.enhanced} {outcome.text}" == reply
    assert outcome.result is result


@BOTH_KINDS
@pytest.mark.parametrize("option", ENDS)
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_an_end_costs_one_message_and_doubt_only_behind_a_dot(
    kind: list[str], option: str, command: str, tmp_path: Path
) -> None:
    tray = Tray(map(mail_to, READERS))
    with _sink(tmp_path, *kind, option, command) as relay:
        assert not _streamed(relay, tray, pipelined=not kind)
    in_doubt = (option, command) == ("-q", ".")
    outcome = tray.outcomes[ADDRESSES[0]]
    assert outcome.phase is PHASES[command]
    assert outcome.result is (Result.UNKNOWN if in_doubt else Result.DEFERRED)
    assert outcome.code == (421 if option == "-Q" else 0)
    assert list(tray.outcomes) == ADDRESSES[:1]
    assert [message.recipient for message in tray.waiting] == ADDRESSES[1:]


@pytest.mark.parametrize("option", [*REFUSALS, *ENDS])
def test_a_reset_that_fails_ends_the_line_and_the_outcome_stands(
    option: str, tmp_path: Path
) -> None:
    options = ["-f", "RCPT,RSET"] if option == "-f" else ["-f", "RCPT", option, "RSET"]
    tray = Tray(map(mail_to, READERS))
    with _sink(tmp_path, *options) as relay:
        assert not _streamed(relay, tray, pipelined=False)
    assert tray.outcomes[ADDRESSES[0]].phase is Phase.RCPT
    assert tray.outcomes[ADDRESSES[0]].result is Result.REFUSED
    assert [message.recipient for message in tray.waiting] == ADDRESSES[1:]


@BOTH_KINDS
@pytest.mark.parametrize("option", [*REFUSALS, *ENDS])
def test_taking_leave_works_whatever_it_is_answered_with(
    kind: list[str], option: str, tmp_path: Path
) -> None:
    tray = Tray(map(mail_to, READERS))
    pipelined = not kind and option in ENDS
    with _sink(tmp_path, *kind, option, "QUIT") as relay:
        assert _streamed(relay, tray, pipelined=pipelined)
    assert {each.result for each in tray.outcomes.values()} == {Result.ACCEPTED}


@BOTH_KINDS
def test_a_refusal_amid_the_content_leaves_no_doubt(kind: list[str], tmp_path: Path) -> None:
    """It says 354 and 550 in one breath and reads no more, so the final dot cannot leave."""
    tray = Tray([mail_to("anna", content=HUGE), mail_to("bob")])
    with _sink(tmp_path, *kind, "-A", "0") as relay:
        assert not _streamed(relay, tray, pipelined=not kind)
    (outcome,) = tray.outcomes.values()
    assert outcome.phase is Phase.DATA
    assert outcome.result in {Result.REFUSED, Result.DEFERRED}, "whether we heard it or not"
    assert [message.recipient for message in tray.waiting] == ADDRESSES[1:2]


@pytest.mark.parametrize("options", [["-e"], ["-P"], ["-L"]], ids=["old", "fixed up", "LMTP"])
def test_what_is_no_esmtp_server_is_told_of(options: list[str], tmp_path: Path) -> None:
    with _sink(tmp_path, *options) as relay:
        outcome = _not_there(relay)
    assert (outcome.phase, outcome.result) == (Phase.EHLO, Result.REFUSED)
