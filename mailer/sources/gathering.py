"""Makes documents of the entries of a list: each by itself, so that what is wrong with one stays with it.

Names must tell releases apart. A name that two entries of one list bear though they are two releases (a guid
that is always "0", the address of a template) names neither: the next name takes its place, or none does and
the words themselves are the identity. Of an entry that stands there twice the newest is taken (RFC 4287,
section 4.1.1).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mailer.core.release import ReleaseDocument, fingerprint
from mailer.sources import mending
from mailer.sources.entry import Entry, document
from mailer.sources.found import Found, ReadingTerms, Refusal
from mailer.sources.mending import WordsRefused

MAX_ENTRIES = 5_000

_NEVER = datetime.min.replace(tzinfo=UTC)


def gathered(
    format: str,  # noqa: A002 - the word that settings and `Found` have for it
    items: Sequence[Any],
    make: Callable[[Any], Iterable[Entry]],
    *,
    base: str,
    terms: ReadingTerms,
) -> Found:
    """Make documents of a list's items.

    Args:
        items: as the format has them.
        make: the entries of one item, one for each language; may raise WordsRefused.
        base: where relative addresses start; may be empty.
    """
    documents: list[ReleaseDocument] = []
    refusals: list[Refusal] = []
    for number, item in enumerate(items[:MAX_ENTRIES], 1):
        place = f"item {number}"
        try:
            for entry in make(item):
                place = f"item {number} ({_shown(entry)})"
                documents.append(document(entry, base=base, terms=terms))
        except WordsRefused as error:
            refusals.append(Refusal(mending.shown(place), mending.shown(error.what), error.cure))
    if len(items) > MAX_ENTRIES:
        refusals.append(
            Refusal(
                f"item {MAX_ENTRIES + 1} and those after it",
                f"the list has {len(items):,} items; {MAX_ENTRIES:,} are read",
                "ask the source for fewer releases at once",
            )
        )
    return Found(format, told_apart(documents), tuple(refusals))


def told_apart(documents: Sequence[ReleaseDocument]) -> tuple[ReleaseDocument, ...]:
    """The documents of a list, each once, with names that no other release of it bears."""
    newest: dict[tuple[str | None, ...], ReleaseDocument] = {}
    for found in documents:
        other = newest.setdefault(_key(found), found)
        if (found.dated or _NEVER) > (other.dated or _NEVER):
            newest[_key(found)] = found
    once = tuple(newest.values())
    borne = Counter((found.identity, found.edition.language) for found in once)
    shared = {name for (name, _), times in borne.items() if name is not None and times > 1}
    whose: dict[str, set[str | None]] = {}
    for found in once:
        own = found.identity if found.identity not in shared else found.edition.title
        for name in found.names:
            whose.setdefault(name, set()).add(own)
    shared |= {name for name, owners in whose.items() if len(owners) > 1}
    return tuple(_renamed(found, shared) for found in once) if shared else once


def _key(found: ReleaseDocument) -> tuple[str | None, ...]:
    """What two entries of one release in one language have in common."""
    edition = found.edition
    if found.identity is None:
        return (None, edition.language, fingerprint(edition))
    return (found.identity, edition.language, edition.title, found.canonical_url)


def _renamed(found: ReleaseDocument, shared: set[str]) -> ReleaseDocument:
    names = tuple(name for name in found.names if name not in shared)
    if found.identity is None or found.identity not in shared:
        return found if names == found.names else replace(found, names=names)
    doubt = (
        f"another release of the list bears the name “{found.identity[:80]}” too; it is not used"
    )
    return replace(
        found,
        identity=next(iter(names), None),
        names=names[1:],
        warnings=(*found.warnings, doubt),
    )


def _shown(entry: Entry) -> str:
    said = " ".join((entry.url or entry.identity or entry.title or "nameless").split())
    return said if len(said) <= 120 else f"{said[:120]}..."
