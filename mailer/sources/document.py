"""Reads a release from a newsroom page's text or from Markdown, or says at which line why not.

Which of the two it is, the content decides: front matter or a first heading make it Markdown, the
furniture of a newsroom page makes it a page; only where neither is there does the file's name
count.
"""

import re
from dataclasses import replace

from mailer.core.language import primary
from mailer.core.release import Edition, ReleaseDocument
from mailer.sources.fields import language_tag
from mailer.sources.lines import Place, decode
from mailer.sources.newsroom_page import is_page, read_page

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


def _read(text: str, file: str, language: str | None, default: str) -> ReleaseDocument:
    named_so = file.lower().endswith(_MARKDOWN_NAMES)
    if not (_begins_as_markdown(text) or (named_so and not is_page(text))):
        return read_page(text, file=file, language=language)
    from mailer.sources.markdown import read_markdown  # noqa: PLC0415 - its parsers load slowly

    return read_markdown(text, file=file, language=language, default_language=default)


def _begins_as_markdown(text: str) -> bool:
    first = text.lstrip().partition("\n")[0].rstrip()
    return first == "---" or first.startswith("# ")


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
