"""What a document says, briefly: only what is not empty, so that a table of cases states all of it."""

from typing import Any

from mailer.core.release import ReleaseDocument
from mailer.core.web_name import web_name


def facts(found: ReleaseDocument) -> dict[str, Any]:
    """Everything that a document says, shortened; parts that say nothing are left out.

    `names` leaves out the name of its address; `detail` says that the whole stands at its address.
    """
    edition = found.edition
    every = {
        "title": edition.title,
        "language": edition.language,
        "lead": edition.lead[:30],
        "body": "".join(block.kind[0] for block in edition.body),
        "issuer": found.issuer,
        "kind": found.kind,
        "dated": found.dated.strftime("%Y-%m-%d %H:%M:%S") if found.dated else "",
        "dated_as": found.dated_as,
        "identity": found.identity,
        "names": tuple(name for name in found.names if name != web_name(found.canonical_url or "")),
        "url": (found.canonical_url or "").rpartition("://")[2],
        "detail": found.detail_url is not None and found.detail_url == found.canonical_url,
        "topics": found.topics,
        "places": found.places,
        "signal": found.signal,
        "joint": found.joint,
        "urgent": found.urgent,
        "embargo": found.embargo_until,
        "contacts": tuple(contact.text for contact in edition.contacts),
        "files": tuple((file.name, file.media_type, file.size) for file in edition.files),
        "pictures": tuple(
            (picture.url.rpartition("/")[2][:30], picture.alt, picture.caption, picture.credit)
            for picture in edition.pictures
        ),
        "doubts": tuple(warning[:40] for warning in found.warnings),
    }
    return {name: fact for name, fact in every.items() if fact}
