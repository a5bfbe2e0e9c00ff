"""Reads a release from a newsroom page's text or from Markdown, or says at which line why not.

Which of the two it is, the content decides: front matter or a first heading make it Markdown, the
furniture of a newsroom page makes it a page; only where neither is there does the file's name
count.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from mailer.core.language import primary
from mailer.core.release import Edition, ReleaseDocument
from mailer.sources.fields import language_tag
from mailer.sources.lines import Line, Place, decode, split_lines
from mailer.sources.newsroom_page import read_page
from mailer.sources.phrases import find_anchored, find_furniture

_MARKDOWN_NAMES = (".md", ".markdown", ".mdown")

# Words that are frequent in one of the two languages and no words of the other.
_DANISH = "og er det af på ikke som med har den de vil til blev sig"
_ENGLISH = "the and of to that with from has are is this will which by its"
_TELLING = {"da": frozenset(_DANISH.split(" ")), "en": frozenset(_ENGLISH.split(" "))}
_FEW = 5


def read_document(
    text: bytes, *, file: str, language: str | None = None, default_language: str = "en"
) -> ReleaseDocument:
    """Read a release.

    Args:
        text: the document's bytes, UTF-8.
        file: its name, for faults; `-` for standard input.
        language: a BCP 47 tag that overrules what the document says of itself.
        default_language: of a document that says nothing: Markdown without `language`. A newsroom page
            says it by the language of its furniture.

    Raises:
        DocumentFault: names the file, the line and the cure; nothing can be made of the document.
    """
    top = Place(file, 1)
    wanted = language_tag(language, top) if language is not None else None
    default = language_tag(default_language, top)
    document = _read(decode(text, file), file, wanted, default)
    doubt = "" if wanted else _language_doubt(document.edition)
    return replace(document, warnings=(*document.warnings, doubt)) if doubt else document


def is_markdown(lines: Sequence[Line], file: str) -> bool:
    """Whether a text is Markdown, and not the text of a newsroom page."""
    if lines and (lines[0].text == "---" or lines[0].text.startswith("# ")):
        return True
    return file.lower().endswith(_MARKDOWN_NAMES) and find_furniture(lines) is None


def _read(text: str, file: str, language: str | None, default: str) -> ReleaseDocument:
    lines = split_lines(text)
    if not is_markdown(lines, file):
        return read_page(lines, file=file, language=language)
    furniture = find_anchored(lines)
    if furniture is not None:
        line = lines[furniture.start]
        raise Place(file, line.number).fault(
            f"this is Markdown, but the furniture of a newsroom page begins here (“{line.text}”)",
            "delete what stands from this line on, or give the page's text as it was",
        )
    from mailer.sources.markdown import read_markdown  # noqa: PLC0415 - its parsers load slowly

    return read_markdown(text, file=file, language=language, default_language=default)


def _language_doubt(edition: Edition) -> str:
    """A warning where the words are plainly of another language: labels follow the page, not the text."""
    own = primary(edition.language)
    words = re.findall(
        r"[a-zæøå]+", " ".join((edition.lead, *(block.text for block in edition.body))).lower()
    )
    counts = {
        language: sum(word in telling for word in words) for language, telling in _TELLING.items()
    }
    likely = max(counts, key=lambda language: counts[language])
    if own == likely or counts[likely] < _FEW or counts[likely] < 4 * counts.get(own, 0):
        return ""
    return (
        f"the text reads as “{likely}” but will be mailed as “{edition.language}”; "
        f"if that is wrong, name the language"
    )
