"""Gathers every string that pages and mails say, and brings the catalogues up to date with them.

    mail   templates/mail/ and mailer/ (what the code itself says, as the sentence of consent)
    web    templates/web/ and mailer/web/

`make messages` renews `mailer/locale/*/LC_MESSAGES/*.po`: new strings come in with no translation; those
that nobody says any more go to the file's end behind `#~`, and come back from there when they are
said again. No translation is lost, nothing is guessed, and a file that is up to date is not touched.
"""

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from mailer import resources
from mailer.texts.catalogue import DOMAINS, SOURCE_LANGUAGE

_JINJA = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
_WIDTH = 100
_ABOUT = {
    "mail": "words of the mails and of the consent.",
    "web": "words of the pages that visitors see.",
}
# In the order that translators know: zero, one, two, few, many, other. Babel's own has the last two changed.
_PLURALS = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3"
    " : n%100>=11 ? 4 : 5);"
}
_HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: pressmailer\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def said() -> Mapping[str, Catalog]:
    """Every string that is said, by domain, with the files that say it.

    Raises:
        jinja2.TemplateSyntaxError: a template is broken.
    """
    found = {domain: Catalog() for domain in DOMAINS}
    for domain, place, message, comments, context in _sayings():
        found[domain].add(
            message,
            locations=[(place, 0)],
            auto_comments=comments,
            context=context,
            flags=["python-format"] if "%(" in str(message) else [],
        )
    return found


def catalogue_files() -> Iterator[tuple[str, str, Path]]:
    """Language, domain and file of every catalogue there is or ought to be."""
    for folder in sorted(resources.locales().glob("*/LC_MESSAGES")):
        for domain in DOMAINS:
            yield folder.parent.name, domain, folder / f"{domain}.po"


def read_catalogue(path: Path, language: str) -> Catalog:
    """A catalogue as it stands; an empty one where there is no file.

    Raises:
        babel.messages.pofile.PoFileError: the file is not a catalogue.
    """
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def renewed(path: Path, language: str, template: Catalog) -> str:
    """The text of the catalogue at `path` with exactly the strings of `template`."""
    catalogue = read_catalogue(path, language)
    for key, message in list(catalogue.obsolete.items()):
        if message.id in template and message.id not in catalogue:
            catalogue.add(message.id, message.string, user_comments=message.user_comments)
            del catalogue.obsolete[key]
    catalogue.update(template, no_fuzzy_matching=True)
    body = io.BytesIO()
    write_po(body, catalogue, width=_WIDTH, omit_header=True, include_lineno=False)
    head = _comment(path, language) + _HEADER.format(
        language=language, plurals=_PLURALS.get(language) or str(get_plural(language))
    )
    return head + body.getvalue().decode().strip("\n") + "\n"


def renew() -> list[Path]:
    """Bring every catalogue up to date; the files that changed."""
    templates, changed = said(), []
    for language, domain, path in catalogue_files():
        text = renewed(path, language, templates[domain])
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            beside = path.with_suffix(".po.new")
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
            changed.append(path)
    return changed


def _sayings() -> Iterator[tuple[str, str, str | tuple[str, ...], list[str], str | None]]:
    code = resources.locales().parent
    for folder, shown, method, options in (
        (code, "mailer", ("**.py", "python"), {}),
        (resources.templates() / "mail", "templates/mail", ("**.*", "jinja2"), _JINJA),
        (resources.templates() / "web", "templates/web", ("**.*", "jinja2"), _JINJA),
    ):
        for name, _, message, comments, context in extract_from_dir(
            folder,
            method_map=[method],
            options_map={method[0]: options},
            directory_filter=lambda _: True,  # by itself Babel passes over `_base`
        ):
            place = f"{shown}/{name.replace(os.sep, '/')}"
            yield "web" if "/web/" in place else "mail", place, message, comments, context


def _comment(path: Path, language: str) -> str:
    """What the file says at its top: kept, or for a new one the language and what it is for."""
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        return text[: text.index('msgid ""')] if 'msgid ""' in text else ""
    name = Locale.parse(language).get_display_name(SOURCE_LANGUAGE) or language
    return f"# {name} {_ABOUT[path.stem]}\n# English stands in the templates.\n"
