"""A second opinion: Postfix's own test server, where it is installed, hears what we mean to say."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.parcels import Tray

from mailer.core.delivery import Outcome, Result
from mailer.mail.message import Message
from mailer.mail.relay import Relay
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import Line, RelayMissing

PATIENCE = 10.0
SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin:/usr/bin")


async def _connect(relay: Relay, sink: "subprocess.Popen[bytes]") -> Line:
    """Connect as soon as the sink listens; it does not say when."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await SmtpTransport(relay).connect()
        except RelayMissing:
            if sink.poll() is not None or time.monotonic() > deadline:
                raise


@pytest.mark.skipif(SINK is None, reason="smtp-sink (Debian package postfix) is not installed")
def test_smtp_sink_takes_every_message(tmp_path: Path) -> None:
    assert SINK is not None
    socket_file = tmp_path / "sink"
    content = b"Subject: x\r\n\r\n.dotted\r\nwords\r\n"

    async def story(sink: "subprocess.Popen[bytes]") -> list[Outcome]:
        relay = Relay("sink", f"unix:{socket_file}", security="none")
        line = await _connect(relay, sink)
        tray = Tray(
            Message(f"bounce+{number}@um.example", f"anna{number}@example.org", (content,))
            for number in range(10)
        )
        await line.stream(tray.pull)
        outcomes = list(tray.outcomes.values())
        assert len(outcomes) == 10
        await line.close()
        return outcomes

    command = [SINK, "-u", "root", "-R", str(tmp_path), "-d", "%M.", f"unix:{socket_file}", "10"]
    with subprocess.Popen(command, cwd=tmp_path) as sink:
        try:
            outcomes = asyncio.run(story(sink))
        finally:
            sink.terminate()
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    dumps = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert len(dumps) == 10
    for dump in dumps:
        assert dump.replace(b"\r\n", b"\n").rstrip().endswith(b".dotted\nwords")
