"""Mends the words of a source where their meaning is plain, and refuses those whose meaning was lost.

    mended     signs escaped twice (`&amp;aring;`), tags in a title, controls left over from Windows
               (U+0080 to U+009F) or a word processor, blanks of every kind
    refused    a letter that was lost (U+FFFD), a direction override, a title that is an unfilled template
    kept       all else, `{{ }}` in a text among it: texts are shown, never filled in

A summary that its source cut off (with dots, or at exactly 1,000 characters) is known by `is_cut`: it is
never mailed as if it were whole.
"""

import html
import re
from html.entities import html5

from mailer.core.errors import MailerError
from mailer.sources.characters import (
    display,
    find_deceptive,
    find_refused,
    find_stacked,
    is_tidy,
    one_line,
)
from mailer.sources.fields import MAX_TITLE
from mailer.sources.related import CUT_LENGTH

MAX_KEY = 200

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAGS = re.compile(
    r"</?(?:a|abbr|b|br|cite|div|em|font|h[1-6]|i|mark|p|q|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffc]")
_PERHAPS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# As HTML reads character references to these (WHATWG HTML, section 13.2.5.80): they are Windows-1252.
_WINDOWS = {
    code: bytes([code]).decode("cp1252", errors="ignore") or None for code in range(0x80, 0xA0)
}
_TAIL = 200  # of a text, in which marks of a cut are looked for
_CUT = re.compile(r"(?:\.\.+|…|\[\s*(?:…|\.{2,})\s*\]|\(\s*(?:…|\.{3})\s*\))$")
_MORE = re.compile(
    r"[\s.…\[(]*\b(?:read more|continue reading|læs mere|les mer|läs mer|lue lisää|weiterlesen|mehr lesen|"
    r"lire la suite)\s*[»›→>…\])]*$",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|<%.*?%>|\{%.*?%\}|\[\[.*?\]\]|%[A-Z][A-Z_]{2,}%")
_PLACEHOLDERS = ("lorem ipsum", "untitled", "indsæt titel", "skriv titel", "insert title here")


class WordsRefused(MailerError):
    """Words of a source that cannot be mended; `what` says which and why."""


def words(text: str, what: str) -> str:
    """Running text, mended: blanks inside stay as they are.

    Args:
        what: its name in a fault, as in "the text".

    Raises:
        WordsRefused: it holds what may stand nowhere in a release.
    """
    mended = unescaped(text) if "&" in text else text
    if mended.isascii() and mended.isprintable():
        return mended
    if _PERHAPS.search(mended) or "\ufffc" in mended:
        mended = _CONTROLS.sub("", mended.translate(_WINDOWS))
    found = find_refused(mended) or find_stacked(mended)
    if found is not None:
        raise WordsRefused(f"{what} holds {found.name}", found.cure)
    return mended


def is_plain(text: str) -> bool:
    """Whether there is nothing to mend, drop or refuse in a text."""
    return "&" not in text and "\ufffc" not in text and is_tidy(text)


def title(text: str) -> str:
    """A title: one line, without tags.

    Raises:
        WordsRefused: empty, too long, an unfilled template, or with characters that could disguise it.
    """
    clean = label(text, "the title", most=MAX_TITLE)
    if not clean:
        raise WordsRefused("it has no title", "give it one at its source")
    if _TEMPLATE.search(clean) or clean.casefold().strip(" .…") in _PLACEHOLDERS:
        raise WordsRefused(
            f"its title is an unfilled template: “{clean[:80]}”", "write the title at its source"
        )
    return clean


def label(text: str, what: str, *, most: int = MAX_KEY) -> str:
    """A display string, such as a name or a topic; empty if there is nothing to see.

    Raises:
        WordsRefused: too long, or with characters that could disguise it.
    """
    mended = words(text, what)
    clean = display(_TAGS.sub(" ", mended) if "<" in mended else mended)
    if len(clean) > most:
        raise WordsRefused(
            f"{what} has {len(clean):,} characters; {most} is the most", "shorten it at its source"
        )
    found = find_deceptive(clean)
    if found is not None:
        raise WordsRefused(f"{what} holds {found.name}", found.cure)
    return clean


def labels(texts: object, what: str) -> tuple[str, ...]:
    """Those of a list of names that can be shown; no other is needed."""
    kept: dict[str, None] = {}
    for text in texts if isinstance(texts, list | tuple) else ():
        try:
            name = label(text, what) if isinstance(text, str) else ""
        except WordsRefused:
            continue
        if name:
            kept[name] = None
    return tuple(kept)


def line(text: str, what: str) -> str:
    """Running text on one line.

    Raises:
        WordsRefused: it holds what may stand nowhere in a release.
    """
    return one_line(words(text, what))


def shown(text: str, most: int = 500) -> str:
    """What stood in a source, for a fault or a warning: on one line, without what cannot be shown or kept."""
    line = " ".join(text[:most].split())
    return line if line.isprintable() else "".join(sign for sign in line if sign.isprintable())


def unescaped(text: str) -> str:
    """Text whose signs were escaped once or twice too often, read as it was meant."""
    for _ in range(2):
        if "&" not in text:
            break
        text = _ENTITY.sub(_meant, text)
    return text


def is_cut(lead: str) -> bool:
    """Whether a summary ends in the marks of one that was cut off, or has exactly the length of a cut."""
    stripped = lead[-_TAIL:].rstrip()
    return len(lead) == CUT_LENGTH or bool(_CUT.search(stripped) or _MORE.search(stripped))


def is_excerpt(text: str) -> bool:
    """Whether a text ends in the marks of one that goes on elsewhere: `[…]`, `Read more`; not dots alone."""
    stripped = text[-_TAIL:].rstrip()
    return stripped.endswith(("[…]", "[...]")) or bool(_MORE.search(stripped))


def _meant(found: re.Match[str]) -> str:
    known = found[0][1] == "#" or found[0][1:] in html5
    return html.unescape(found[0]) if known else found[0]
