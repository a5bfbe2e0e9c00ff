"""Makes a DKIM key pair: the private half in a new file, the public half as a record for the DNS.

Nothing is overwritten, and nothing signs with the key before the settings name it: first the record
has to be in the DNS, or every reader's server would find a signature that it cannot verify.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mailer.config.fresh_file import privately, telling, write_new
from mailer.config.kinds import selector_fault
from mailer.config.newsroom import NewsroomSection
from mailer.config.settings import Settings
from mailer.config.wording import as_toml
from mailer.core.dkim import Algorithm, read_key, record_name, record_strings
from mailer.core.errors import ConfigFault, MailerError, NotAllowed, NotFound

RSA_BITS = 2048
"""What every verifier takes, and its record still fits two strings; more costs more than it gains."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator said; None leaves it to us.

    Attributes:
        folder: where the private key goes; None means `keys` beside the settings file.
    """

    algorithm: Algorithm = "rsa"
    newsroom: str | None = None
    selector: str | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What was made.

    Attributes:
        key: the private key's file.
        name: where the record belongs in the DNS.
        record: its text, whole; `strings` is the same in the pieces that a TXT record holds.
        settings: the lines that make the newsroom sign with it.
    """

    newsroom: str
    algorithm: Algorithm
    domain: str
    selector: str
    key: Path
    name: str
    record: str
    strings: tuple[str, ...]
    settings: str


def make_pair(settings: Settings, wish: Wish, *, file: Path, today: date) -> Pair:
    """Make a key for a newsroom and write it where nothing is yet.

    Args:
        file: the settings file; the key's path in the new settings counts from its folder.
        today: gives a selector its month where none was wished for.

    Raises:
        NotFound: no such newsroom, or several to choose from.
        NotAllowed: the selector, or the key's file, is taken.
        ConfigFault: the selector is none.
        MailerError: the sender has no domain in the DNS, or the folder cannot be written.
    """
    newsroom, section = _newsroom(settings.newsroom, wish.newsroom)
    selector = wish.selector or f"{wish.algorithm}-{today:%Y%m}"
    words = selector_fault(selector)
    if words is not None:
        raise ConfigFault([f"selector: {words}"], "What you asked for")
    domain = _domain(newsroom, section)
    name = record_name(selector, domain)
    if name in _names(settings.newsroom.values()):
        raise NotAllowed(f"{name} is in use already", "choose another --selector for the new key")
    folder = wish.folder or file.parent / "keys"
    path = folder / f"dkim-{domain}-{selector}.pem"
    pem = _pem(wish.algorithm)
    with privately(), telling(path):
        folder.mkdir(parents=True, exist_ok=True)
        if not write_new(path, pem):
            raise NotAllowed(f"There is a key already: {path}", "choose another --selector")
    record = read_key(pem).record
    return Pair(
        newsroom=newsroom,
        algorithm=wish.algorithm,
        domain=domain,
        selector=selector,
        key=path,
        name=name,
        record=record,
        strings=tuple(record_strings(record)),
        settings=_settings(newsroom, selector, _seen_from(file, path)),
    )


def _newsroom(
    sections: Mapping[str, NewsroomSection], wanted: str | None
) -> tuple[str, NewsroomSection]:
    known = ", ".join(sorted(sections))
    if wanted is None and len(sections) > 1:
        raise NotFound("There are several newsrooms", f"name one with --newsroom: {known}")
    key = next(iter(sections)) if wanted is None else wanted
    if key not in sections:
        raise NotFound(f"There is no newsroom “{key}”", f"the settings know: {known}")
    return key, sections[key]


def _domain(newsroom: str, section: NewsroomSection) -> str:
    domain = section.sender.rpartition("@")[2].lower()
    if "." not in domain:
        raise MailerError(
            f"The sender {section.sender} has no domain in the DNS",
            f"set sender of newsroom.{newsroom} to the address that readers shall see",
        )
    return domain


def _names(sections: Iterable[NewsroomSection]) -> set[str]:
    return {
        record_name(dkim.selector, dkim.domain_for(section.sender))
        for section in sections
        for dkim in section.dkim
    }


def _pem(algorithm: Algorithm) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - 50 ms
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415 - 50 ms

    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        if algorithm == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _seen_from(file: Path, path: Path) -> str:
    """The key's path as the settings may write it: from their folder, or absolute."""
    folder, path = file.parent.resolve(), path.resolve()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _settings(newsroom: str, selector: str, key: str) -> str:
    return (
        f"[[newsroom.{newsroom}.dkim]]\n"
        f"selector = {as_toml(selector)}\n"
        f"key = {{ file = {as_toml(key)} }}\n"
    )
