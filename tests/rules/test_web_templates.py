"""Every page's template renders in every language, and its colours are readable."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.offices import START, UM

from mailer import resources
from mailer.core.choice import Choice
from mailer.core.consent import SubscriptionState
from mailer.core.files import kept_file
from mailer.core.newsroom import Topic
from mailer.core.release import Block, Edition, Picture, Run
from mailer.mail.material import linked_files, linked_pictures
from mailer.services.material import Material
from mailer.services.public import Headline, PublicRelease, Withdrawn
from mailer.store.amended import Note
from mailer.store.people import SubscriptionRow
from mailer.texts.catalogue import languages
from mailer.texts.colours import readable_on
from mailer.texts.kinds import label_of
from mailer.texts.templates import Templates
from mailer.texts.wording import kind_label
from mailer.web.choice_form import Unclear, filled, spoiled
from mailer.web.head import Head
from mailer.web.manage import Room, Said
from mailer.web.pages import Switch, Visit
from mailer.web.paths import release_path

WEB = resources.templates() / "web"
PAGES = sorted(path.name for path in WEB.glob("[a-z]*.html"))
ROOM = replace(UM, postal="Asiatisk Plads 2", privacy_url="https://um.example/privacy")
RELEASE = PublicRelease(
    id=7,
    newsroom="um",
    slug="en-sag",
    kind="",
    canonical_url="https://um.example/en-sag",
    published_at=START,
    updated_at=START,
    corrected=True,
    languages=("da", "en"),
    edition=Edition("da", "En sag", "", (Block("rule"),)),
)
WITHDRAWN = Withdrawn(7, "um", "", START, Note(7, START, "Tallene var forkerte."))
HEADLINE = Headline(7, "um", "en-sag", "", START, "da", "En sag", "Det er sagen.")

MATERIAL = Material(
    linked_files("https://news.example/um/releases/7", (kept_file("Tal.csv", b"1;2"),)),
    linked_pictures(
        "https://news.example/um/releases/7",
        (
            Picture("https://um.example/p.jpg", "Et hus", "Huset", "Ole", 4, 3),
            Picture("kept:0", "", "", ""),
        ),
    ),
)

TOPICS = (Topic("climate", (("da", "Klima"), ("en", "Climate"))),)
STANDING = SubscriptionRow(
    id=1,
    subscriber_id=1,
    newsroom="um",
    mailbox="reader@example.org",
    hash="0" * 64,
    state=SubscriptionState.ACTIVE,
    choice=Choice(("da", "en"), ("climate",), paused_until=START + timedelta(days=3)),
    revision=1,
    generation=1,
    made_at=START,
    active_since=START,
    ended_at=None,
    end_reason=None,
)
FORM = filled(
    STANDING,
    replace(
        ROOM,
        topics=TOPICS,
        kind_choices=TOPICS,
        places=TOPICS,
        frequencies=("at_once", "daily"),
    ),
    language="da",
    now=START,
)
UNCLEAR = tuple(
    Unclear(part, reason)
    for part, reason in (
        ("topics", "none"),
        ("kinds", "none"),
        ("places", "none"),
        ("languages", "none"),
        ("frequency", "unknown"),
        ("until", "past"),
        ("until", "far"),
        ("until", "unreadable"),
    )
)
FORMS = (FORM, *(spoiled(FORM, {"until": "soon"}, unclear) for unclear in UNCLEAR))
ROOMS = tuple(
    Room("um", ROOM.name, ROOM, SubscriptionState.ACTIVE, STANDING.choice.paused_until, None, form)
    for form in FORMS
) + tuple(
    Room("kefm", "Climate Ministry", None, state, None, START, None) for state in SubscriptionState
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
        "logo": {"src": "/um/logo/1.png", "dark": "/um/logo/2.png", "width": 99, "height": 33},
        "status": 200,
        "wanted": language,
        "kind_label": kind_label,
        "label_of": label_of,
        "newsrooms": [ROOM],
        "releases": [HEADLINE],
        "filters": [{"label": "", "href": "/um", "current": True}],
        "kind": "",
        "release": RELEASE,
        "reason": "It was not ours to publish.",
        "material": MATERIAL,
        "groups": FORM.groups,
        "chosen": ("Klima", "Taler"),
        "release_path": release_path,
        "contacts": [(Run("Jane"),)],
        "editions": [Switch("en", "English", "/um/releases/7?lang=en")],
        "about": [(Run("About us."),)],
        "others": [HEADLINE],
        "page": 2,
        "pages": 3,
        "newer": "/um",
        "older": "/um?page=3",
        "problem": "",
        "typed": "",
        "form_token": "1.2.3",
        "puzzle": "/um/puzzle",
        "proof_script": "/static/proof.js",
        "stale": False,
        "snippet": "<form></form>",
        "api": "https://news.example/api/um/subscribe",
        "wording": "Yes.",
        "head": Head("https://news.example/um", "About", (("da", "/um"),), (("og:type", "x"),)),
        "hours": 72,
        "minutes": 30,
        "entry": "wrong",
        "answered": True,
        "left": 2,
        "renewable": True,
        "state": "open",
        "leave": "/leave/x",
        "rooms": ROOMS,
        "active": 2,
        "said": Said("changed", ROOM.name, ("languages", "topics", "frequency", "paused_until")),
        "awaited": "new@example.org",
        "wrong": True,
        "move_wording": "Everything.",
        "shown_now": START,
        "names": [ROOM.name, "Climate Ministry"],
        "back": "/manage/x",
        "mailbox": "reader@example.org",
        "issuer": ROOM.name,
        "way_back": True,
        "days": 7,
        "spoken": "da",
        "paragraphs": [["Vi gemmer", "din adresse."]],
        "home": "/um",
        **changes,
    }
    return values


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", PAGES)
def test_every_page_renders(name: str, language: str) -> None:
    shown = WITHDRAWN if name == "withdrawn.html" else RELEASE
    page = Templates().render(f"web/{name}", language, **everything(language, release=shown))
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert f'<html lang="{language}"' in page


@pytest.mark.parametrize("language", languages())
def test_every_press_and_every_slip_on_the_page_of_choices_has_its_words(language: str) -> None:
    templates = Templates()
    words = ("changed", "same", "stale", "ended", "stopped", "moving", "stayed", "nothing")
    told = {
        templates.render("web/_said.html", language, said=Said(word, ROOM.name)) for word in words
    }
    forms = {
        templates.render("web/_choice.html", language, **everything(language, room=room))
        for room in ROOMS
        if room.form is not None
    }
    problems = {
        templates.render("web/_address_problem.html", language, problem=problem)
        for problem in (
            "empty",
            "long",
            "control",
            "encoded",
            "dash",
            "syntax",
            "nonascii",
            "same",
            "often",
        )
    }
    assert (len(told), len(forms), len(problems)) == (8, 9, 9)


@pytest.mark.parametrize("language", languages())
def test_every_problem_and_every_fault_has_words_of_its_own(language: str) -> None:
    templates = Templates()
    problems = {
        templates.render("web/_signup.html", language, **everything(language, problem=problem))
        for problem in ("empty", "long", "control", "encoded", "dash", "syntax", "nonascii")
    }
    faults = {
        templates.render("web/error.html", language, **everything(language, status=status))
        for status in (400, 404, 405, 413, 500, 503)
    }
    assert (len(problems), len(faults)) == (7, 6)


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


COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@given(COLOURS, COLOURS)
@settings(max_examples=50)
def test_any_accent_becomes_readable_in_both_schemes(light: str, dark: str) -> None:
    sheet = Templates().render("web/theme.css", "en", accent=light, accent_dark=dark)
    colours = re.findall(r": (#[0-9a-f]{6});", sheet)
    papers = (("#ffffff", "#f3f5f7"), ("#14181c", "#20262c"))
    for (ink, on_ink), both in zip((colours[:2], colours[2:]), papers, strict=True):
        assert all(readable_on(ink, paper) == ink for paper in both)
        assert readable_on(on_ink, ink) == on_ink
