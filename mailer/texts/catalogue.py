"""Reads the message catalogues: English stands in the code, every other language in its .po files.

`mailer/locale/<language>/LC_MESSAGES/` holds one file per domain (`mail.po`, `web.po`). They are
read as they are, so that a translator's edit is in force at the next start, and nothing is compiled.

A newsroom may speak a language that has no catalogue: releases in Greenlandic (kl) or Faroese (fo) are
mailed and shown as any other. Our own words around them are then those of the newsroom's next
language that has a catalogue, and English where none has (`spoken`). A page or mail as a whole is
marked (`lang`, `dir`) with the language of these words, and a release's text inside it with its own; so
a screen reader never reads Danish as Greenlandic. What a reader has chosen, and is sent, stays
Greenlandic: `spoken` decides about words, never about editions or subscriptions.
"""

import gettext
import io
from functools import cache

from mailer import resources
from mailer.core.language import primary

SOURCE_LANGUAGE = "en"
DOMAINS = ("mail", "web")


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The translations into `language`, all domains merged; English where there is no catalogue.

    Args:
        language: a BCP 47 tag; only its primary subtag counts.
    """
    folder = _folder_of(language)
    found = [_read(folder, domain) for domain in _domains_of(folder)]
    if not found:
        return gettext.NullTranslations()
    for fallback in found[1:]:
        found[0].add_fallback(fallback)
    return found[0]


@cache
def languages() -> tuple[str, ...]:
    """The languages our own words can be had in, English first."""
    folders = sorted(folder.name for folder in resources.locales().glob("*") if folder.is_dir())
    return (SOURCE_LANGUAGE, *(name for name in folders if _domains_of(name)))


def has_catalogue(language: str) -> bool:
    """Whether our own words can be had in `language`."""
    return _folder_of(language) in languages()


def spoken(*wanted: str) -> str:
    """The first of `wanted` that our own words can be had in; English where none is.

    Args:
        wanted: BCP 47 tags in order of preference: the reader's, then the newsroom's.
    """
    return next((tag for tag in wanted if has_catalogue(tag)), SOURCE_LANGUAGE)


def _folder_of(language: str) -> str:
    """The catalogue's folder; `no` (Norwegian) without more means Bokmål."""
    return {"no": "nb"}.get(primary(language), primary(language))


def _domains_of(language: str) -> list[str]:
    folder = resources.locales() / language / "LC_MESSAGES"
    return [domain for domain in DOMAINS if (folder / f"{domain}.po").is_file()]


def _read(language: str, domain: str) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - 80 ms that few commands need
    from babel.messages.pofile import read_po  # noqa: PLC0415 - as above

    path = resources.locales() / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, domain=domain, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
