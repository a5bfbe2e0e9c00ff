"""A second and a third opinion on our signatures: Mail::DKIM and opendkim, where they are installed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.mails import MARKS, TOKENS, due, notice, release
from support.signatures import ZONE, signers

from mailer.core.delivery import Purpose
from mailer.core.dkim import Algorithm
from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared

OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

# Mail::DKIM asks a resolver; this one answers from the zone that it is handed.
VERIFY = """
use strict; use warnings; use JSON::PP; use Mail::DKIM::Verifier; use Mail::DKIM::DNS;
package Zone;  sub new { bless { zone => $_[1] }, $_[0] }
sub send { my ($self, $name) = @_; return Answer->new($self->{zone}{$name}) }
sub errorstring { 'NOERROR' }
package Answer; sub new { bless { text => $_[1] }, $_[0] }
sub answer { my ($self) = @_; return defined $self->{text} ? Entry->new($self->{text}) : () }
sub header { my ($self) = @_; return Header->new(defined $self->{text}) }
package Header; sub new { bless { found => $_[1] }, $_[0] }
sub rcode { $_[0]{found} ? 'NOERROR' : 'NXDOMAIN' }
package Entry; sub new { bless { text => $_[1] }, $_[0] }
sub type { 'TXT' }
sub char_str_list { $_[0]{text} }
sub txtdata { $_[0]{text} }
package main;
Mail::DKIM::DNS::resolver(Zone->new(decode_json($ARGV[0])));
my $verifier = Mail::DKIM::Verifier->new;
binmode STDIN;
while (<STDIN>) { s/\\r?\\n\\z//; $verifier->PRINT("$_\\015\\012") }
$verifier->CLOSE;
print encode_json([map { $_->result_detail } $verifier->signatures]);
"""


def message(prepared: Prepared, *algorithms: Algorithm) -> bytes:
    """A message as it is sent."""
    composer = Composer(TOKENS, MARKS, signers=signers(*algorithms))
    return composer.compose(prepared, due(prepared.purpose)).content


def _has_mail_dkim() -> bool:
    asked = ["perl", "-MMail::DKIM::Verifier", "-e", "1"]
    return (
        shutil.which("perl") is not None
        and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(
    not _has_mail_dkim(), reason="Mail::DKIM is not installed: apt-get install libmail-dkim-perl"
)
@pytest.mark.parametrize("purpose", [Purpose.RELEASE, Purpose.CONFIRM])
def test_mail_dkim_verifies(purpose: Purpose) -> None:
    prepared = release() if purpose is Purpose.RELEASE else notice(purpose)
    content = message(prepared, "rsa", "ed25519")

    done = subprocess.run(
        ["perl", "-e", VERIFY, json.dumps(ZONE)], input=content, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    rsa, ed25519 = json.loads(done.stdout)
    assert rsa == "pass"
    # Versions before 1.20230911 do not know RFC 8463; one that does must agree.
    assert ed25519 in {"pass", "invalid (unsupported algorithm ed25519-sha256)"}


@pytest.mark.skipif(OPENDKIM is None, reason="opendkim is not installed: apt-get install opendkim")
def test_opendkim_verifies(tmp_path: Path) -> None:
    """RSA alone: the versions that systems ship were built before RFC 8463."""
    letter, keys, conf = (tmp_path / name for name in ("letter", "keys", "conf"))
    letter.write_bytes(message(release(), "rsa"))
    keys.write_text("".join(f"{name} {record}\n" for name, record in ZONE.items()))
    conf.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n")

    done = subprocess.run(
        [str(OPENDKIM), "-x", str(conf), "-t", str(letter), "-v"],
        capture_output=True,
        text=True,
        check=False,
    )

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "verification (s=rsa, d=um.example, 2048-bit key) succeeded" in said, said
