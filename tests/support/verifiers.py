"""Other people's DKIM verifiers as programs: Mail::DKIM and opendkim, where they are installed."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

OPENDKIM_MISSING = "" if OPENDKIM else "opendkim is not installed: apt-get install opendkim"

# Mail::DKIM asks a resolver; this one answers from the zone that it is handed.
_VERIFY = """
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


def _has_mail_dkim() -> bool:
    asked = ["perl", "-MMail::DKIM::Verifier", "-e", "1"]
    return (
        shutil.which("perl") is not None
        and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    )


MAIL_DKIM_MISSING = (
    "" if _has_mail_dkim() else "Mail::DKIM is not installed: apt-get install libmail-dkim-perl"
)


def mail_dkim(content: bytes, zone: Mapping[str, str]) -> list[str]:
    """What Mail::DKIM says of each signature, from the top down: "pass", or why not."""
    done = subprocess.run(
        ["perl", "-e", _VERIFY, json.dumps(dict(zone))],
        input=content,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    verdicts: list[str] = json.loads(done.stdout)
    return verdicts


def opendkim(content: bytes, zone: Mapping[str, str], folder: Path) -> str:
    """What opendkim says in its test mode, in words; `folder` is for its files."""
    letter, keys, conf = (folder / name for name in ("letter", "keys", "conf"))
    letter.write_bytes(content)
    keys.write_text("".join(f"{name} {record}\n" for name, record in zone.items()))
    conf.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n")
    done = subprocess.run(
        [str(OPENDKIM), "-x", str(conf), "-t", str(letter), "-v"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.stdout}{done.stderr}exit code {done.returncode}"
