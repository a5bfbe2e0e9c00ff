"""Every page's template renders in every language, and every word of it has its translation."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st
from support.offices import UM

from mailer import resources
from mailer.core.release import Block, Edition, Run
from mailer.services.press import PublicRelease
from mailer.texts.catalogue import languages
from mailer.texts.colours import readable_on
from mailer.texts.templates import Templates
from mailer.texts.wording import kind_label
from mailer.web.newsroom import release_path
from mailer.web.pages import Switch, Visit

WEB = resources.templates() / "web"
PAGES = sorted(path.name for path in WEB.glob("[a-z]*.html"))
CATALOGUES = sorted(resources.locales().glob("*/LC_MESSAGES/web.po"))
ROOM = replace(UM, postal="Asiatisk Plads 2", privacy_url="https://um.example/privacy")
UNDATED = PublicRelease(
    7, "um", "en-sag", "", None, Edition("da", "En sag", "", (Block("rule"),)), None
)


def everything(language: str, **changes: Any) -> dict[str, Any]:
    visit = Visit(newsroom=ROOM, language=language, chosen=True, root="/press", here="/um")
    values: dict[str, Any] = {
        "newsroom": ROOM,
        "link": visit.link,
        "here": "/um",
        "switches": (Switch("da", "Dansk", "/um?lang=da"), Switch("en", "English", "/um?lang=en")),
        "several": True,
        "stylesheet": "/static/site.css",
        "theme": "/um/theme.css",
        "status": 200,
        "kind_label": kind_label,
        "newsrooms": [ROOM],
        "releases": [UNDATED],
        "release": UNDATED,
        "release_path": release_path,
        "contacts": [(Run("Jane"),)],
        "further": True,
        "page": 2,
        "problem": "",
        "typed": "",
        "wording": "Yes.",
        "canonical": "https://news.example/um",
        "hours": 72,
        "mailbox": "reader@example.org",
        "issuer": ROOM.name,
        "home": "/um",
        **changes,
    }
    return values


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", PAGES)
def test_every_page_renders(name: str, language: str) -> None:
    page = Templates().render(f"web/{name}", language, **everything(language))
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert f'<html lang="{language}"' in page


@pytest.mark.parametrize("language", languages())
def test_every_problem_and_every_fault_has_words_of_its_own(language: str) -> None:
    templates = Templates()
    problems = {
        templates.render("web/_signup.html", language, **everything(language, problem=problem))
        for problem in ("empty", "long", "control", "syntax", "nonascii")
    }
    faults = {
        templates.render("web/error.html", language, **everything(language, status=status))
        for status in (400, 404, 405, 413, 500, 503)
    }
    assert (len(problems), len(faults)) == (5, 6)


@pytest.mark.parametrize("name", ["newsroom.html", "release.html"])
def test_a_release_without_a_date_is_shown_without_one(name: str) -> None:
    assert "<time" not in Templates().render(f"web/{name}", "da", **everything("da"))


def test_every_ink_is_readable_on_every_paper() -> None:
    sheet = (WEB / "site.css").read_text()
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in sheet.split("@media")
    ]
    light, dark = [theme for theme in themes if theme]
    assert light.keys() == dark.keys()
    for theme in (light, dark):
        for paper in ("paper", "panel"):
            for ink in ("ink", "quiet", "alarm", "accent"):
                assert readable_on(theme[ink], theme[paper]) == theme[ink], (ink, paper)
        assert readable_on(theme["on-accent"], theme["accent"]) == theme["on-accent"]


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
@settings(deadline=None, max_examples=50)
def test_any_accent_becomes_readable_in_both_schemes(accent: str) -> None:
    sheet = Templates().render("web/theme.css", "en", accent=accent)
    colours = re.findall(r": (#[0-9a-f]{6});", sheet)
    papers = ("#ffffff", "#14181c")
    for (ink, on_ink), paper in zip((colours[:2], colours[2:]), papers, strict=True):
        assert readable_on(ink, paper) == ink
        assert readable_on(on_ink, ink) == on_ink


def said_in_templates() -> set[str]:
    found = extract_from_dir(
        WEB,
        method_map=[("**.html", "jinja2")],
        options_map={"**.html": {"newstyle_gettext": "true", "trimmed": "true"}},
    )
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_says_every_word_of_the_pages_and_no_other(path: Path) -> None:
    messages = {message.id: message for message in read(path) if message.id}
    assert set(messages) == said_in_templates()
    assert not [message.id for message in messages.values() if not message.string or message.fuzzy]
    assert not [error for message in messages.values() for error in message.check()]
    assert not read(path).obsolete


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_pages_and_mails_say_the_same_word_alike(path: Path) -> None:
    mails = {message.id: message.string for message in read(path.with_name("mail.po"))}
    pages = {message.id: message.string for message in read(path) if message.id}
    assert {word: pages[word] for word in pages.keys() & mails} == {
        word: mails[word] for word in pages.keys() & mails
    }


def test_danish_is_there() -> None:
    assert [path.parts[-3] for path in CATALOGUES].count("da") == 1
