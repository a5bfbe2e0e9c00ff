"""A press office in a folder of its own: settings for one measurement, readers, a release that may go."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from databases import LANGUAGES, NEWSROOM, SUPPRESSION, Databases, fill, reader
from weigh import mailer

PARAGRAPH = (
    "The ministry has today published the figures that everybody asked for. They show what they "
    "showed last year, only more so, and the minister is glad. Særligt glad er ministeren for, at "
    "det hele nu kan læses på én side, uden at nogen skal bladre.\n\n"
)
_SETTINGS = """\
[site]
base_url = "https://press.example.org"
[keys]
tokens = ["benchmark-tokens-0123456789abcdef0123456789"]
returns = ["benchmark-returns-0123456789abcdef0123456789"]
suppression = "{suppression}"
[database]
url = "{url}"
[[relay]]
name = "sink"
host = "127.0.0.1"
port = {port}
security = "{security}"
connections = {connections}
{authority}
[newsroom.{newsroom}]
name = "The Measured Ministry"
languages = {languages}
time_zone = "Europe/Copenhagen"
sender = "press@example.org"
return_path = "bounces@example.org"
unknown = "{unknown}"
{dkim}
[state]
folder = "state"
[dispatch]
{dispatch}
[limits]
{limits}
"""


@dataclass(frozen=True)
class Terms:
    """What the settings of an office say.

    Attributes:
        authority: whom to believe the relay's certificate; None for a line without TLS.
        dkim: "rsa", "ed25519" or nothing.
        dispatch, limits: keys of `[dispatch]` and `[limits]`.
    """

    port: int
    connections: int = 8
    authority: Path | None = None
    dkim: str = ""
    unknown: str = "resend"
    dispatch: Mapping[str, object] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)


def write_settings(folder: Path, url: str, terms: Terms) -> Path:
    """Write the settings file of an office."""
    text = _SETTINGS.format(
        url=url,
        port=terms.port,
        security="tls" if terms.authority else "none",
        connections=terms.connections,
        authority=f'ca_file = "{terms.authority}"' if terms.authority else "",
        suppression=SUPPRESSION,
        newsroom=NEWSROOM,
        languages=LANGUAGES,
        unknown=terms.unknown,
        dkim=_dkim(folder, terms.dkim),
        dispatch=_keys(terms.dispatch),
        limits=_keys(terms.limits),
    )
    config = folder / "config.toml"
    config.touch(mode=0o600)
    config.write_text(text, encoding="utf-8")
    return config


def _keys(values: Mapping[str, object]) -> str:
    return "\n".join(f"{key} = {value}" for key, value in values.items())


def _dkim(folder: Path, algorithm: str) -> str:
    if not algorithm:
        return ""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - for DKIM alone
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415 - as above

    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if algorithm == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    path = folder / "dkim.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    table = f"[[newsroom.{NEWSROOM}.dkim]]"
    return f'{table}\nselector = "bench"\nkey = {{ file = "{path}" }}\n'


@contextmanager
def office(databases: Databases, master: str, terms: Terms) -> Iterator[Path]:
    """The settings of an office over a fresh copy of a master database."""
    with (
        databases.fresh(master) as url,
        tempfile.TemporaryDirectory(prefix="office") as folder,
    ):
        yield write_settings(Path(folder), url, terms)


def master(databases: Databases, *, readers: int, octets: int, approved: bool = True) -> str:
    """A database with readers and release 1, whose message has about so many octets.

    Args:
        approved: the release goes with the next dispatch; else it waits for `release send 1`.
    """
    stand = "approved" if approved else "held"

    def make(url: str) -> None:
        fill(url, readers)
        with tempfile.TemporaryDirectory(prefix="office") as folder:
            config = write_settings(Path(folder), url, Terms(port=25))
            document = Path(folder) / "release.md"
            document.write_text(_text(paragraphs_for(octets)), encoding="utf-8")
            mailer(config, "release", "add", str(document), "--newsroom", NEWSROOM)
            if approved:
                mailer(config, "release", "send", "1")

    return databases.master(f"{readers}-{octets}-{stand}", make)


def message_octets(config: Path) -> int:
    """Octets of the release's message to the first reader, signature and all."""
    return len(mailer(config, "release", "preview", "1", "--to", reader(1)).said.encode())


_paragraphs: dict[int, int] = {}


def paragraphs_for(octets: int) -> int:
    """How many paragraphs make a message of about so many octets."""
    if octets not in _paragraphs:
        few, many = (_octets_with(paragraphs) for paragraphs in (1, 21))
        _paragraphs[octets] = max(1, 1 + round((octets - few) / ((many - few) / 20)))
    return _paragraphs[octets]


def _octets_with(paragraphs: int) -> int:
    with tempfile.TemporaryDirectory(prefix="office") as folder:
        url = f"sqlite:///{folder}/mailer.sqlite"
        fill(url, 1)
        config = write_settings(Path(folder), url, Terms(port=25))
        document = Path(folder) / "release.md"
        document.write_text(_text(paragraphs), encoding="utf-8")
        mailer(config, "release", "add", str(document), "--newsroom", NEWSROOM)
        return message_octets(config)


def _text(paragraphs: int) -> str:
    return "---\ntitle: A measured release\nlanguage: en\n---\n\n" + PARAGRAPH * paragraphs
