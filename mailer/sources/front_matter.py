"""Reads front matter strictly: an unknown key or an unusable value is a fault at its line.

Front matter is YAML between a first line `---` and the next one:

    title, lead, language, kind, issuer, newsroom        texts; all but the title may be left out
    id                  the release's permanent name; without it the canonical_url is its name
    topics, places      a list of texts each
    files, pictures     lists (`front_material`)
    publish_at          not before this moment; needs an offset or zone letters, or
    embargo_until       nobody but accredited readers may see it before; told as publish_at is
    time_zone           the zone in which both are told, as in Europe/Copenhagen
    canonical_url       where the release stands on the web
    contacts            a list of lines, or of name, role, phone, email
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mailer.core.dates import DateRefused, read_moment
from mailer.core.release import Contact, File, Picture
from mailer.sources import fields
from mailer.sources.characters import find_refused, one_line
from mailer.sources.contact_line import MAX_LENGTH, read_contact
from mailer.sources.front_material import read_files, read_pictures
from mailer.sources.lines import Place
from mailer.sources.yaml_nodes import Entry, read_nodes

FENCE = "---"


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the front matter says; what it leaves out is empty or None."""

    title: str = ""
    lead: str = ""
    id: str | None = None
    newsroom: str | None = None
    issuer: str | None = None
    kind: str = ""
    language: str | None = None
    topics: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    pictures: tuple[Picture, ...] = ()
    publish_at: datetime | None = None
    embargo_until: datetime | None = None
    contacts: tuple[Contact, ...] = ()
    canonical_url: str | None = None


def split_front_matter(text: str, file: str) -> tuple[FrontMatter, str, int]:
    """Part front matter and body.

    Returns:
        What the front matter says, the body, and the number of the body's first line in the file.

    Raises:
        DocumentFault: front matter that never ends, is not YAML, or says what it may not.
    """
    lines = text.split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if lines[first].rstrip() != FENCE:
        return FrontMatter(), text, 1
    last = next(
        (at for at in range(first + 1, len(lines)) if lines[at].rstrip() in {FENCE, "..."}), None
    )
    if last is None:
        raise Place(file, first + 1).fault(
            "the front matter begins here but never ends", f"close it with a line `{FENCE}`"
        )
    matter = _read("\n".join(lines[first + 1 : last]), Place(file, first + 2))
    return matter, "\n".join(lines[last + 1 :]), last + 2


def _read(source: str, start: Place) -> FrontMatter:
    root = read_nodes(source, start)
    if root is None:
        return FrontMatter()
    entries = root.entries(tuple(_READERS))
    values = {key: _READERS[key](entry) for key, entry in entries.items()}
    zone = values.pop("time_zone", None)
    for name in ("publish_at", "embargo_until"):
        if name in entries:
            values[name] = _moment(entries[name], zone)
    return FrontMatter(**values)


def _shown(entry: Entry) -> str:
    return fields.shown(entry.text(), entry.place, f"`{entry.key}`")


def _running(entry: Entry) -> str:
    """A lead: running text, where direction marks may stand, on one line."""
    text = one_line(entry.text())
    found = find_refused(text)
    if found is not None:
        raise entry.place.fault(f"`{entry.key}` holds {found.name}", found.cure)
    if not text:
        raise entry.place.fault(f"`{entry.key}` is empty", "write it, or delete the line")
    return text


def _language(entry: Entry) -> str:
    return fields.language_tag(entry.text(), entry.place)


def _newsroom(entry: Entry) -> str:
    return fields.newsroom_key(entry.text(), entry.place)


def _web_address(entry: Entry) -> str:
    return fields.web_address(entry.text().strip(), entry.place)


def _topics(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_shown(item) for item in entry.items()))


def _zone(entry: Entry) -> ZoneInfo:
    name = entry.text()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise entry.place.fault(
            f"“{name[:60]}” is not a time zone", "write a name such as Europe/Copenhagen"
        ) from error


def _moment(entry: Entry, zone: ZoneInfo | None) -> datetime:
    try:
        return read_moment(entry.text(), zone=zone)
    except DateRefused as error:
        cure = error.cure
        if error.reason == "zone" and zone is None:
            cure += ", or a line `time_zone: Europe/Copenhagen`"
        raise entry.place.fault(f"`{entry.key}`: {error.what}", cure) from error


def _contacts(entry: Entry) -> tuple[Contact, ...]:
    return tuple(_contact(item) for item in entry.items())


def _contact(item: Entry) -> Contact:
    if not item.is_mapping:
        line = _shown(item)
        if len(line) > MAX_LENGTH:
            raise item.place.fault(
                f"a contact of {len(line)} characters; {MAX_LENGTH} is the most",
                "write one line for each contact",
            )
        return read_contact(line)
    said = {key: _shown(entry) for key, entry in item.entries(_CONTACT_KEYS).items()}
    entries = item.entries(_CONTACT_KEYS)
    if "email" in entries:
        said["email"] = fields.mailbox(said["email"], entries["email"].place)
    if "phone" in entries and not any(character.isdigit() for character in said["phone"]):
        raise entries["phone"].place.fault(
            f"“{said['phone']}” has no digit", "write a phone number"
        )
    if not said.keys() & {"name", "phone", "email"}:
        raise item.place.fault(
            "a contact without name, phone and email", "write at least one of them"
        )
    return Contact(text=", ".join(said[key] for key in _CONTACT_KEYS if key in said), **said)


_CONTACT_KEYS = ("name", "role", "phone", "email")

_READERS: dict[str, Callable[[Entry], Any]] = {
    "title": _shown,
    "lead": _running,
    "id": _shown,
    "newsroom": _newsroom,
    "issuer": _shown,
    "kind": _shown,
    "language": _language,
    "topics": _topics,
    "places": _topics,
    "files": read_files,
    "pictures": read_pictures,
    "publish_at": Entry.text,  # read when the zone is known, whichever stands first
    "embargo_until": Entry.text,
    "time_zone": _zone,
    "contacts": _contacts,
    "canonical_url": _web_address,
}
