"""The addresses of releases, and the links in a press contact: the same on every page and in feeds."""

import re
from typing import Protocol

from mailer.core.release import Contact, Run


class Placed(Protocol):
    """Whatever of a release knows where it belongs: the release, a headline, an address."""

    @property
    def id(self) -> int: ...
    @property
    def newsroom(self) -> str: ...
    @property
    def slug(self) -> str: ...


def release_path(release: Placed) -> str:
    """The one path of a release."""
    return f"/{release.newsroom}/releases/{release.id}-{release.slug}"


def contact_runs(contact: Contact) -> tuple[Run, ...]:
    """The contact's line as it stood, with address and phone number as links, whatever else it says."""
    links = {contact.email: f"mailto:{contact.email}", contact.phone: _tel(contact.phone)}
    links = {words: href for words, href in links.items() if words}
    missing = "".join(f"\n{words}" for words in links if words not in contact.text)
    text = contact.text + missing
    if not links:
        return (Run(text),)
    parts = re.split("(" + "|".join(re.escape(words) for words in links) + ")", text)
    return tuple(Run(part, href=links.get(part)) for part in parts if part)


_WEB_ADDRESS = re.compile(r"(https?://[^\s<>\"“”]+[^\s<>\"“”.,;:!?)\]])")


def linked(text: str) -> tuple[Run, ...]:
    """A text of the settings, its web addresses made links."""
    parts = _WEB_ADDRESS.split(text)
    return tuple(
        Run(part, href=part if place % 2 else None) for place, part in enumerate(parts) if part
    )


def _tel(phone: str) -> str:
    return "tel:" + re.sub(r"[^0-9+]", "", phone)
