"""Pages in every language, and in one that has no catalogue: each word marked as what it is."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from support.offices import UM

from mailer import resources
from mailer.core.release import Block, Run
from mailer.services.office import Office
from mailer.texts.catalogue import languages, translations
from mailer.texts.isolation import FSI

Visit = Callable[[Office], TestClient]


@pytest.fixture
def greenlandic(office: Office, visit: Visit, publish: Callable[..., int]) -> TestClient:
    """A newsroom that speaks Greenlandic first, with a release in it."""
    publish("Nunatsinni", language="kl", lead="", body=(Block("paragraph", (Run("Ullumi"),)),))
    room = replace(UM, languages=("kl", "da"))
    return visit(replace(office, newsrooms={"um": room}))


def opened(page: str, tag: str, **attributes: str) -> bool:
    """Whether the page has such a tag with all of these attributes."""
    return any(
        all(f'{name}="{value}"' in found for name, value in attributes.items())
        for found in re.findall(rf"<{tag}\b[^>]*>", page)
    )


@pytest.mark.parametrize("language", languages())
def test_a_newsroom_speaks_every_language(
    office: Office, visit: Visit, publish: Callable[..., int], language: str
) -> None:
    publish()
    room = replace(UM, languages=languages())
    answer = visit(replace(office, newsrooms={"um": room})).get(f"/um?lang={language}")
    way = "rtl" if language == "ar" else "ltr"
    assert answer.headers["Content-Language"] == language
    assert opened(answer.text, "html", lang=language, dir=way)
    assert opened(answer.text, "div", lang="da", dir="ltr")
    assert opened(answer.text, "bdi", lang=language)
    assert opened(answer.text, "input", type="email", dir="ltr")
    assert translations(language).gettext("Your e-mail address") in answer.text
    assert (FSI in answer.text) == (language == "ar")


def test_a_greenlandic_page_has_danish_words_and_says_so(greenlandic: TestClient) -> None:
    answer = greenlandic.get("/um?lang=kl")
    assert answer.headers["Content-Language"] == "kl, da"
    assert opened(answer.text, "html", lang="da")
    assert "Din e-mailadresse" in answer.text
    assert opened(answer.text, "div", lang="kl", dir="ltr")
    assert '<bdi class="kind" lang="da">Nyhed</bdi>' in answer.text
    assert opened(answer.text, "a", hreflang="kl", **{"aria-current": "true"})


def test_a_greenlandic_visitor_stays_one(greenlandic: TestClient) -> None:
    """What is sent after a sign-up there is in the language that the visitor chose."""
    page = greenlandic.get("/um?lang=kl").text
    assert opened(page, "form", action="/um/subscribe?lang=kl")
    answer = greenlandic.post("/um/subscribe?lang=kl", data={"email": "reader@example.org"})
    assert answer.status_code == 303
    assert "lang=kl" in answer.headers["location"]


def test_no_page_takes_the_language_of_its_words_for_the_readers() -> None:
    """`language` is that of our own words; what a reader chose is `wanted`."""
    for path in (resources.templates() / "web").glob("*.html"):
        assert not re.search(r"\blang=language\b", path.read_text()), path.name
