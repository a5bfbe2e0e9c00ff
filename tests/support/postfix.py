"""A Postfix of the test's own: strict, on loopback, touching nothing of the system's, keeping all it takes.

    with Postfix() as postfix:                       # postfix.host, postfix.port
        ...
        postfix.kept()                               # every message it took, as it lies in its queue
        postfix.complaints()                         # every line of its log that a good client leaves out

It trusts nobody: no network is its own, so that none of its checks is waived for loopback. Every mail goes
to the hold queue, where no queue manager sees it, and is read back by Postfix's own `postcat`.

Each instance has an address of its own in 127.64.0.0/10 made from the process id, so that its port cannot be
taken by anybody else's, not even while it is stopped.
"""

import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
_BATCH = 500  # messages a postcat reads

# Process ids have 22 bits at most.
HOST = f"127.{64 + (os.getpid() >> 16)}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
"""Where the instances of this process listen, each at a port of its own."""

_PORTS = itertools.count(2525)
_MARKS = itertools.count(1)

MISSING = (
    "Postfix is not installed: apt-get install postfix"
    if shutil.which("postfix", path=_PATH) is None
    else "a Postfix of one's own needs root"
    if os.geteuid() != 0
    else ""
)
"""Why none can be had here; empty where it can."""

STRICT = {
    "compatibility_level": "3.6",
    "myhostname": "mx.example.test",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "192.0.2.1",  # not even loopback
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "relay_domains": "example.org, xn--rdgrd-vuad.example",
    "enable_long_queue_ids": "yes",
    "in_flow_delay": "0",  # nothing is ever delivered: it would wait for that
    "smtpd_peername_lookup": "no",
    "smtpd_helo_required": "yes",
    "smtpd_helo_restrictions": "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname",
    "smtpd_sender_restrictions": "reject_non_fqdn_sender",
    "smtpd_relay_restrictions": "reject_unauth_destination",
    "smtpd_recipient_restrictions": (
        "reject_unauth_pipelining, reject_non_fqdn_recipient, check_client_access static:HOLD"
    ),
    "smtpd_data_restrictions": "reject_unauth_pipelining, reject_multi_recipient_bounce",
    "smtpd_forbid_bare_newline": "reject",
    "smtpd_forbid_bare_newline_exclusions": "",
    "smtpd_forbid_unauth_pipelining": "yes",
    "smtpd_client_event_limit_exceptions": "",
    "strict_rfc821_envelopes": "yes",
    "strict_7bit_headers": "yes",
    "strict_8bitmime": "yes",
    "strict_mime_encoding_domain": "yes",
    "header_checks": "regexp:{{/[^[:print:][:space:]]/ REJECT a control character}}",
    "smtpd_tls_loglevel": "1",
}

_SERVICES = """\
{host}:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

_ORDINARY = re.compile(
    r"""
    postfix/smtpd\[\d+\]: \s (
        connect\ from\ \S+
      | discarding\ EHLO\ keywords:\ .*
      | \w+:\ hold:\ RCPT\ from\ .*\ Client\ host\ triggers\ HOLD\ action; .*
      | \w+:\ client=\S+
      | (Anonymous|Untrusted|Trusted)\ TLS\ connection\ established\ from\ .*
      | disconnect\ from\ \S+(\ (ehlo|starttls|mail|rcpt|data|bdat|rset|quit|commands)=\d+)+
    )
  | postfix/cleanup\[\d+\]: \s \w+:\ message-id=<\S+>
  | postfix/anvil\[\d+\]: \s statistics:\ .*
  | postfix/postfix-script\[\d+\]: \s (starting|stopping|refreshing)\ the\ Postfix\ mail\ system
  | postfix/master\[\d+\]: \s (daemon\ started|reload)\ --\ .*
  | postfix/master\[\d+\]: \s terminating\ on\ signal\ 15
  | postfix/test\[\d+\]: \s .*
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it lies in the queue.

    Attributes:
        sender: of the envelope.
        recipients: of the envelope.
        whole: as the next server would get it, with CRLF again.
        traced: so many of its bytes are the Received field that Postfix put on top.
    """

    sender: str
    recipients: tuple[str, ...]
    whole: bytes
    traced: int

    @property
    def content(self) -> bytes:
        """What was handed in."""
        return self.whole[self.traced :]

    @property
    def trace(self) -> str:
        """Postfix's Received field, unfolded."""
        return " ".join(self.whole[: self.traced].decode().split())

    @property
    def recipient(self) -> str:
        """The one recipient."""
        (only,) = self.recipients
        return only


class Postfix:
    """One instance, running while its block lasts.

    Args:
        settings: of main.cf, over those of `STRICT`.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.host = HOST
        self.port = next(_PORTS)
        self._settings = STRICT | dict(settings or {})

    def __enter__(self) -> Self:
        # Not in pytest's own folder, which is root's alone: most of Postfix does not run as root.
        self._place = tempfile.TemporaryDirectory(prefix="postfix")
        self._folder = Path(self._place.name)
        self._folder.chmod(0o755)
        try:
            self._furnish()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if (self._folder / "queue/pid/master.pid").exists():
                self._run("postfix", "stop", check=False)
        finally:
            self._place.cleanup()

    def start(self) -> None:
        """Start; once this returns it listens."""
        try:
            self._run("postfix", "start")
        except AssertionError:  # what was stopped a moment ago may still be about to leave
            self._run("postfix", "start")

    def stop(self) -> None:
        """Stop: every conversation is cut off."""
        self._run("postfix", "stop")

    def set(self, **settings: str) -> None:
        """Change settings, for conversations that begin from now on."""
        self._run("postconf", *(f"{name}={value}" for name, value in settings.items()))
        self._run("postfix", "reload")

    def kept(self) -> list[Kept]:
        """Every message it took."""
        names = sorted(path.name for path in (self._folder / "queue/hold").iterdir())
        batches = (names[at : at + _BATCH] for at in range(0, len(names), _BATCH))
        return [kept for batch in batches for kept in self._read(batch)]

    def log(self) -> list[str]:
        """Every line of its log, up to now."""
        # What came before lies before this in the log's own queue.
        mark = f"read up to {next(_MARKS)}"
        self._run("postlog", "-t", "postfix/test", mark)
        follow = ["tail", "-n", "+1", "-f", str(self._folder / "log")]
        lines = []
        with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as tail:
            assert tail.stdout is not None
            for line in tail.stdout:
                lines.append(line.rstrip("\n"))
                if line.endswith(f"{mark}\n"):
                    break
            tail.terminate()
        return lines

    def complaints(self) -> list[str]:
        """Lines of its log that are not of a conversation as it should be; a command refused is one."""
        return [line for line in self.log() if not _ORDINARY.search(line)]

    def _furnish(self) -> None:
        for name in ("etc", "queue", "data"):
            (self._folder / name).mkdir(mode=0o755)
        shutil.chown(self._folder / "data", "postfix")
        own = {
            "queue_directory": str(self._folder / "queue"),
            "data_directory": str(self._folder / "data"),
            "maillog_file": str(self._folder / "log"),
            "maillog_file_prefixes": str(self._folder),
        }
        lines = [f"{name} = {value}\n" for name, value in (self._settings | own).items()]
        (self._folder / "etc/main.cf").write_text("".join(lines))
        services = _SERVICES.format(host=self.host, port=self.port)
        (self._folder / "etc/master.cf").write_text(services)

    def _read(self, names: list[str]) -> Iterator[Kept]:
        dump = self._run("postcat", "-q", *names)
        end = 0
        for name in names:
            begin = _past(dump, f"*** ENVELOPE RECORDS hold/{name} ***\n", end)
            middle = _past(dump, f"*** MESSAGE CONTENTS hold/{name} ***\n", begin)
            end = dump.index(f"*** HEADER EXTRACTED hold/{name} ***\n".encode(), middle)
            yield _kept(dump[begin:middle].decode(), dump[middle:end])

    def _run(self, command: str, *arguments: str, check: bool = True) -> bytes:
        """One of Postfix's own commands; what it printed."""
        found = shutil.which(command, path=_PATH)
        assert found is not None, f"{command} belongs to Postfix"
        done = subprocess.run(
            [found, "-c", str(self._folder / "etc"), *arguments], capture_output=True, check=False
        )
        if check and done.returncode:
            log = self._folder / "log"
            said = done.stderr.decode() + (log.read_text() if log.exists() else "")
            raise AssertionError(f"{command} {' '.join(arguments)}: {done.returncode}\n{said}")
        return done.stdout


def _past(dump: bytes, mark: str, start: int) -> int:
    """Where what follows the mark begins."""
    return dump.index(mark.encode(), start) + len(mark)


def _kept(envelope: str, message: bytes) -> Kept:
    whole = message.replace(b"\n", b"\r\n")
    trace = re.match(rb"Received: .*\r\n(?:[ \t].*\r\n)*", whole)
    assert trace is not None, whole[:200]
    return Kept(
        sender=_records(envelope, "sender")[0],
        recipients=tuple(_records(envelope, "recipient")),
        whole=whole,
        traced=trace.end(),
    )


def _records(envelope: str, name: str) -> list[str]:
    return re.findall(rf"^{name}: (.*)$", envelope, re.MULTILINE)
