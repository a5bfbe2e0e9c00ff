"""Says under which names a release is known, and whether two texts can be one release's.

A name is the source's own (guid), an address in its one spelling, or a number of a platform. What is no
address and names no scheme of its own ("17") is good within its source alone.
"""

import re
from collections import Counter
from hashlib import sha256

from mailer.core.release import Edition, ReleaseDocument, fingerprint
from mailer.core.web_name import short_name, template_slug, web_name

UNLIKE = 0.3
"""Two texts that share fewer of their words than this, in title and in text, are two releases'."""

_WORD = re.compile(r"\w{4,}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:\S", re.IGNORECASE)


def names_of(document: ReleaseDocument, *, source: str | None = None) -> tuple[str, ...]:
    """The names under which a document's release is known, its own first; never empty.

    Args:
        source: the key of the source that has it; None where somebody added it.
    """
    given = (document.identity, document.canonical_url, *document.names)
    named = [name for one in given if one and (name := _name(one, source))]
    # The address that a template left behind serves the next release too: it counts where nothing else does.
    own = [name for name in named if not (name.startswith("web:") and template_slug(name))]
    return tuple(dict.fromkeys(own or named)) or (text_name(document.edition),)


def text_name(edition: Edition) -> str:
    """The name of what has no other: its text."""
    return f"text:{fingerprint(edition)}"


def announced_name(document: ReleaseDocument) -> str:
    """The name of an announcement as it stands: while it says the same, its page need not be read again."""
    said = "\0".join((document.detail_url or "", fingerprint(document.edition), document.dated_as))
    return f"announced:{sha256(said.encode()).hexdigest()}"


def likeness(one: Edition, other: Edition) -> float:
    """How much two texts have in common, from 0 to 1: their words of four letters and more."""
    return max(
        _shared(_words(one.title), _words(other.title)),
        _shared(_words(_whole(one)), _words(_whole(other))),
    )


def unlike(one: Edition, other: Edition) -> bool:
    """Whether two texts of one language have so little in common that they tell of two things."""
    return one.language == other.language and likeness(one, other) < UNLIKE


def unlike_titles(one: str, other: str) -> bool:
    """Whether two titles have so little in common that they cannot be the same one's."""
    return _shared(_words(one), _words(other)) < UNLIKE and one.casefold() != other.casefold()


def _name(given: str, source: str | None) -> str | None:
    given = "".join(letter for letter in given if letter.isprintable()).strip()
    if not given:
        return None
    page = given if given.startswith("web:") else web_name(given)
    if page:
        return page if re.search(r"[/?]", page.removeprefix("web:")) else None  # a whole site's
    if source is None or _SCHEME.match(given):
        return short_name(given)
    return short_name(f"{source}/{given}")


def _whole(edition: Edition) -> str:
    return " ".join((edition.lead, *(block.text for block in edition.body)))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _shared(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
