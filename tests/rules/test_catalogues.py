"""Every catalogue says every word of pages and mails, all and no others, as its language writes it."""

import re
from gettext import c2py
from pathlib import Path

import pytest
from babel.core import Locale
from babel.messages.catalog import Catalog, Message

from mailer.texts.catalogue import DOMAINS, languages
from mailer.texts.extraction import catalogue_files, read_catalogue, renewed, said
from mailer.texts.kinds import LABELS
from mailer.texts.translation import WRITING, faults_of

FILES = list(catalogue_files())
NAMED = [f"{language}-{domain}" for language, domain, _ in FILES]
LANGUAGES = {"da", "de", "sv", "nb", "fi", "fr", "ar"}
_NUMBER = re.compile(
    r"%\(\w+\)s (?:seconds|minutes|hours|days|weeks|mails|tries|newsrooms|languages)\b"
)


@pytest.fixture(scope="module")
def templates() -> dict[str, Catalog]:
    return dict(said())


@pytest.mark.parametrize(("language", "domain", "path"), FILES, ids=NAMED)
def test_a_catalogue_is_whole(
    language: str, domain: str, path: Path, templates: dict[str, Catalog]
) -> None:
    """What is missing, obsolete, fuzzy or cannot be right is named with language, file and string."""
    assert [str(fault) for fault in faults_of(path, language, templates[domain])] == []


def test_the_languages_that_are_promised_are_there() -> None:
    assert {*languages()} == {"en", *LANGUAGES}
    assert {(language, domain) for language, domain, _ in FILES} == {
        (language, domain) for language in LANGUAGES for domain in DOMAINS
    }
    assert WRITING.keys() == LANGUAGES


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_pages_and_mails_say_the_same_word_alike(language: str) -> None:
    mails, pages = (
        {message.id: message.string for message in read_catalogue(path, language)}
        for tag, _, path in FILES
        if tag == language
    )
    shared = (mails.keys() & pages.keys()) - {""}
    assert shared
    assert {word: pages[word] for word in shared} == {word: mails[word] for word in shared}


@pytest.mark.parametrize(("language", "domain", "path"), FILES, ids=NAMED)
def test_plural_forms_are_those_of_the_language(language: str, domain: str, path: Path) -> None:
    """Each of CLDR's classes has one form of its own, whatever the number."""
    catalogue = read_catalogue(path, language)
    formula = catalogue.plural_expr
    classes = Locale.parse(language).plural_form
    chosen = {(classes(number), _form(formula, number)) for number in range(1001)}
    assert len(chosen) == len({name for name, _ in chosen}) == len({form for _, form in chosen})
    assert catalogue.num_plurals == len(chosen) == (6 if language == "ar" else 2)
    if language == "ar":
        order = dict(chosen)
        assert [order[name] for name in ("zero", "one", "two", "few", "many", "other")] == [
            *range(6)
        ]


def test_a_counted_thing_has_plural_forms(templates: dict[str, Catalog]) -> None:
    """Arabic says "3 hours" and "72 hours" with different words: a number needs `{% pluralize %}`."""
    for template in templates.values():
        for message in template:
            if isinstance(message.id, str):
                assert not _NUMBER.search(message.id), (
                    f"{message.id!r} counts; write its plural too"
                )


@pytest.mark.parametrize("kind", LABELS)
def test_every_kind_of_release_has_its_word_in_every_language(kind: str) -> None:
    labels = next(words for name, words in LABELS.items() if name == kind)
    assert {*languages()} <= labels.keys()


def _form(formula: str, number: int) -> int:
    """A gettext formula's answer, by Python's own gettext."""
    return int(c2py(formula)(number))


# The rules themselves, each broken on purpose.

_TEMPLATE = Catalog()
_TEMPLATE.add("From %(name)s:")
_TEMPLATE.add(("One page", "%(num)s pages"))
_GOOD = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

msgid "From %(name)s:"
msgstr "{text}"

msgid "One page"
msgid_plural "%(num)s pages"
msgstr[0] "{one}"
msgstr[1] "{many}"
{more}
"""


@pytest.mark.parametrize(
    ("language", "changes", "found"),
    [
        ("da", {}, set()),
        ("da", {"text": ""}, {"missing"}),
        ("da", {"many": ""}, {"missing"}),
        ("da", {"more": '\nmsgid "Gone"\nmsgstr "Væk"'}, {"obsolete"}),
        ("da", {"more": '\n#~ msgid "Gone"\n#~ msgstr "Væk"'}, {"obsolete"}),
        ("da", {"more": '\n#, fuzzy\nmsgid "Gone"\nmsgstr "Væk"'}, {"obsolete"}),
        ("da", {"text": "Fra %(navn)s:"}, {"placeholders"}),
        ("da", {"text": "Fra %(name)s, %(name)s:"}, {"placeholders"}),
        ("da", {"text": "Fra %(name)d:"}, {"placeholders"}),
        ("da", {"text": "Fra 100 % %(name)s:"}, {"placeholders"}),
        ("da", {"many": "sider"}, {"placeholders"}),
        ("da", {"one": "%(side)s"}, {"placeholders"}),
        ("da", {"text": "Fra „%(name)s“:"}, {"quotes"}),
        ("da", {"text": "Fra '%(name)s':"}, {"quotes"}),
        ("da", {"text": "Fra ”%(name)s”:"}, set()),
        ("de", {"text": "Von „%(name)s“:", "one": "Eine Seite", "many": "%(num)s Seiten"}, set()),
        ("de", {"text": "Von ”%(name)s”:"}, {"quotes"}),
        ("da", {"text": " Fra %(name)s:"}, {"spacing"}),
        ("da", {"text": "Fra  %(name)s:"}, {"spacing"}),
        ("fr", {"text": "De %(name)s:"}, {"spacing"}),
        ("fr", {"text": "De %(name)s\u00a0:"}, set()),
        ("fr", {"text": "De «%(name)s»\u00a0:"}, {"spacing"}),
        ("da", {"text": "Fra %(name)s"}, {"colon"}),
        ("da", {"text": "From %(name)s:"}, {"English"}),
        ("da", {"one": "One page and more"}, {"English"}),
        ("ar", {"text": "من %(name)s إلى name@example.org عبر RSS:"}, {"missing"}),
        ("ar", {"text": "من page %(name)s:"}, {"missing", "English"}),
        ("is", {"text": "Frá „%(name)s“:", "one": "Ein síða", "many": "%(num)s síður"}, {"quotes"}),
    ],
)
def test_each_fault_is_found(
    tmp_path: Path, language: str, changes: dict[str, str], found: set[str]
) -> None:
    words = {"text": "Fra %(name)s:", "one": "Én side", "many": "%(num)s sider", "more": ""}
    if language != "da":
        words["one"], words["many"] = "Une", "%(num)s"
    path = tmp_path / "web.po"
    path.write_text(_GOOD.format(language=language, **(words | changes)), encoding="utf-8")
    faults = list(faults_of(path, language, _TEMPLATE))
    assert {fault.what for fault in faults} == found
    for fault in faults:
        assert str(fault).startswith(f"{language} web.po: ")
        assert repr(fault.said) in str(fault)


def test_a_doubtful_translation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "web.po"
    text = _GOOD.format(
        language="da", text="Fra %(name)s:", one="Én side", many="%(num)s sider", more=""
    )
    path.write_text(text.replace('\nmsgid "From', '\n#, fuzzy\nmsgid "From'), encoding="utf-8")
    assert [fault.what for fault in faults_of(path, "da", _TEMPLATE)] == ["fuzzy"]


def test_a_file_that_is_not_there_lacks_everything(tmp_path: Path) -> None:
    faults = list(faults_of(tmp_path / "web.po", "da", _TEMPLATE))
    assert [fault.what for fault in faults] == ["missing", "missing"]


def test_renewing_loses_no_translation_and_brings_back_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "web.po"
    before, after = Catalog(), Catalog()
    before.add("Old", locations=[("templates/web/a.html", 0)])
    before.add("Kept")
    after.add("Kept")
    after.add("New")
    path.write_text(renewed(path, "da", before), encoding="utf-8")
    assert path.read_text(encoding="utf-8").startswith("# Danish words of the pages")
    filled = path.read_text(encoding="utf-8").replace(
        'msgid "Old"\nmsgstr ""', 'msgid "Old"\nmsgstr "Gammel"'
    )
    path.write_text(f"# Ours.\n{filled}", encoding="utf-8")

    path.write_text(renewed(path, "da", after), encoding="utf-8")
    laid_aside = read_catalogue(path, "da")
    assert [message.id for message in laid_aside if message.id] == ["Kept", "New"]
    assert [message.string for message in laid_aside.obsolete.values()] == ["Gammel"]

    path.write_text(renewed(path, "da", before), encoding="utf-8")
    back: Message | None = read_catalogue(path, "da").get("Old")
    assert back is not None
    assert back.string == "Gammel"
    assert path.read_text(encoding="utf-8").startswith("# Ours.\n# Danish")
    assert renewed(path, "da", before) == path.read_text(encoding="utf-8")
