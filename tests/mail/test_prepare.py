"""Preparing: the header each purpose bears, what the parts say, and what is refused."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.mails import (
    AT,
    DANISH,
    FACTS,
    NEWSROOM,
    SITE,
    composed,
    notice,
    read,
    release,
    shown,
    tags,
    words,
)

from mailer.core.delivery import Purpose
from mailer.core.errors import MailerError
from mailer.core.newsroom import Site
from mailer.core.release import Block, Edition, Run
from mailer.mail.prepare import HTML_LIMIT
from mailer.mail.slots import HOLE
from mailer.texts.templates import Templates

_NOTICES = [Purpose.CONFIRM, Purpose.ALREADY, Purpose.WELCOME]


def test_the_header_of_a_release() -> None:
    wire = read(composed(release()))
    page = "https://nyheder.example/um/releases/17-naeste-skridt"
    expected = {
        "From": "Udenrigsministeriet <presse@um.example>",
        "To": "lise.jensen@avisen.example",
        "Reply-To": "pressevagten@um.example",
        "Subject": DANISH.title,
        "Date": "Fri, 21 Nov 2025 12:47:00 +0000",
        "Content-Language": "da",
        "List-Id": "Udenrigsministeriet <um.um.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": "<mailto:pressevagten@um.example>",
        "List-Archive": "<https://nyheder.example/um>",
        "Archived-At": f"<{page}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
        "Feedback-ID": "17:um:release:pressmailer",
        "MIME-Version": "1.0",
    }
    rest = {"Message-ID", "List-Unsubscribe", "Content-Type"}
    assert {name: wire.headers[name] for name in expected} == expected
    assert set(wire.headers) == set(expected) | rest


def test_one_click_is_one_https_address_on_one_line() -> None:
    for site in (SITE, Site("https://" + "a" * 60 + ".example/" + "b" * 60)):
        raw = composed(release(site=site)).content
        (line,) = re.findall(rb"(?m)^List-Unsubscribe: (.*)\r$", raw)
        address = re.escape(site.base_url.encode())
        assert re.fullmatch(b"<" + address + rb"/leave/[A-Za-z0-9._-]+>", line)
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_a_loopback_site_may_be_plain_http() -> None:
    wire = read(composed(release(site=Site("http://127.0.0.1:8000"))))
    assert wire.headers["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/leave/")


@pytest.mark.parametrize("purpose", [Purpose.ALREADY, Purpose.WELCOME])
def test_a_notice_to_a_subscriber_can_be_left(purpose: Purpose) -> None:
    wire = read(composed(notice(purpose)))
    assert wire.headers["List-Unsubscribe"].startswith("<https://nyheder.example/leave/")
    assert wire.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert wire.headers["Feedback-ID"] == f"notice:um:{purpose}:pressmailer"
    assert not {"List-Id", "Archived-At"} & set(wire.headers)


def test_a_confirmation_has_nothing_to_leave() -> None:
    raw = composed(notice(Purpose.CONFIRM)).content
    wire = read(composed(notice(Purpose.CONFIRM)))
    assert [name for name in wire.headers if name.startswith("List-")] == ["List-Help"]
    assert "leave" not in wire.text + wire.html
    assert b"List-Unsubscribe" not in raw


@pytest.mark.parametrize("purpose", _NOTICES)
def test_the_date_of_a_notice_is_the_deliverys(purpose: Purpose) -> None:
    wire = read(composed(notice(purpose), made_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    assert wire.headers["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"


def test_every_word_of_a_release_is_in_text_and_html() -> None:
    wire = read(composed(release()))
    for part in (words(wire.text), shown(wire.html)):
        assert DANISH.title in part
        assert DANISH.lead in part
        for block in DANISH.body:
            assert words(block.text) in part
        for contact in DANISH.contacts:
            assert contact.text in part
        assert "Pressemeddelelse · 21. november 2025" in part
        assert "Du får denne mail, fordi lise.jensen@avisen.example abonnerer på" in part
        assert "1448 København K" in part
    links = [attributes.get("href") for tag, attributes in tags(wire.html) if tag == "a"]
    assert "https://nyheder.example/um/releases/17-naeste-skridt" in links
    assert "tel:41532639" in links


def test_the_text_is_set_for_reading() -> None:
    text = read(composed(release())).text
    assert text.startswith(
        "Udenrigsministeriet\nPressemeddelelse · 21. november 2025\n\n\nNæste skridt"
    )
    assert "København\n=====" in text
    assert "udtaler:\n\n    ”Året begyndte" in text
    assert "\n-- \nDu får denne mail" in text
    assert "\n\n\n\n" not in text
    prose = [line for line in text.split("\n") if "https://" not in line]
    assert max(map(len, prose)) <= 72


def test_the_html_is_one_calm_page() -> None:
    html = read(composed(release())).html
    found = tags(html)
    assert ("html", {"lang": "da", "dir": "ltr", "style": ""}) in [
        (tag, {**attributes, "style": ""}) for tag, attributes in found
    ]
    assert not {"img", "script", "link", "iframe", "form"} & {tag for tag, _ in found}
    assert not re.search(r"url\(|@import|https?://(?!nyheder\.example/)", html)
    assert html.count("@media") == 2
    assert "prefers-color-scheme:" in html.replace(" ", "")
    assert 'name="color-scheme"' in html
    title_style = next(attributes["style"] for tag, attributes in found if tag == "h1")
    assert title_style is not None
    assert "font-size" in title_style
    assert len(html.encode()) < 20_000


def test_the_text_has_its_language_and_direction() -> None:
    hebrew = Edition("he", "הסכם חדש", "", (Block("quote", (Run("”ציטוט”"),)),))
    wire = read(composed(release(hebrew)))
    assert wire.headers["Content-Language"] == "he"
    found = tags(wire.html)
    assert ("div", {"lang": "he", "dir": "rtl"}) in found
    assert "Du får denne mail" in wire.text
    outer = dict(found)["html"]
    assert (outer["lang"], outer["dir"]) == ("da", "ltr")
    quote = next(attributes for tag, attributes in found if tag == "blockquote")
    assert "border-right:3px" in str(quote["style"]).replace(" ", "")


def test_english_readers_have_english_words_around_an_english_text() -> None:
    wire = read(composed(release(replace(DANISH, language="en-GB"))))
    assert "Press release · 21 November 2025" in wire.text
    assert wire.headers["Content-Language"] == "en-GB"


def test_a_newsroom_without_a_catalogue_speaks_english() -> None:
    greenlandic = replace(NEWSROOM, languages=("kl",))
    assert (
        "You are subscribed"
        in read(composed(notice(Purpose.WELCOME, "kl", newsroom=greenlandic))).text
    )
    wire = read(composed(notice(Purpose.WELCOME, "kl")))
    assert "Du er nu tilmeldt" in wire.text
    assert wire.headers["Content-Language"] == "da"


def test_the_issuers_own_page_is_where_to_read() -> None:
    facts = replace(FACTS, canonical_url="https://um.example/pm/1?a=1&b=2", published_at=None)
    wire = read(composed(release(facts=facts)))
    assert "Læs den på nettet:\nhttps://um.example/pm/1?a=1&b=2\n" in wire.text
    assert "https://um.example/pm/1?a=1&b=2" in [a.get("href") for _, a in tags(wire.html)]
    assert wire.headers["Archived-At"].startswith("<https://nyheder.example/")
    assert "2025" not in wire.text.split("Næste")[0]


@pytest.mark.parametrize("language", ["da", "en"])
@pytest.mark.parametrize("purpose", _NOTICES)
def test_notices_say_who_and_what(purpose: Purpose, language: str) -> None:
    wire = read(composed(notice(purpose, language)))
    subject = wire.headers["Subject"].rpartition(" – ")[2]  # a code stands before it
    assert subject.startswith("Udenrigsministeriet: ")
    for part in (words(wire.text), shown(wire.html)):
        assert "lise.jensen@avisen.example" in part
        assert "Udenrigsministeriet" in part
        assert "pressevagten@um.example" in part


def test_the_confirmation_tells_how_long_and_what_if_not() -> None:
    wire = read(composed(notice(Purpose.CONFIRM)))
    (address,) = re.findall(r"https://nyheder\.example/confirm/\S+", wire.text)
    (refusal,) = re.findall(r"https://nyheder\.example/not-me/\S+", wire.text)
    links = [attributes.get("href") for tag, attributes in tags(wire.html) if tag == "a"]
    assert links == [address, refusal, address]
    for part in (words(wire.text), shown(wire.html)):
        assert "72 timer" in part
        assert "Var det ikke dig?" in part


def test_the_receipt_restates_what_was_agreed() -> None:
    wire = read(composed(notice(Purpose.WELCOME)))
    for part in (words(wire.text), shown(wire.html)):
        assert "Ja tak, jeg vil gerne modtage pressemeddelelser fra Udenrigsministeriet" in part
    assert "https://um.example/privatliv" in wire.text
    assert "https://nyheder.example/leave/" in wire.text


def test_equal_values_give_equal_messages() -> None:
    one, other = release(), release(templates=Templates())
    assert one == other
    assert one.digest == other.digest
    assert re.fullmatch("[0-9a-f]{64}", one.digest)


def test_every_part_of_a_message_is_in_its_digest() -> None:
    one = release()
    others = [
        replace(one, purpose=Purpose.WELCOME),
        replace(one, language="en"),
        replace(one, subject="x"),
        replace(one, return_path="x@y.example"),
        replace(one, content=one.content + b" "),
        replace(one, language=one.language + one.subject, subject=""),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 7


def test_a_prepared_message_holds_its_slots_and_no_other_nul() -> None:
    content = release().content
    assert set(HOLE.findall(content)) == {
        b"to",
        b"message_id",
        b"leave_token",
        b"address_text",
        b"address_html",
    }
    assert b"\0" not in HOLE.sub(b"", content)


def test_the_boundary_cannot_occur_in_the_parts() -> None:
    content = release().content
    (boundary,) = re.findall(rb'boundary="([^"]+)"', content)
    assert boundary.startswith(b"=_")
    assert content.count(boundary) == 4


def test_a_release_too_long_for_a_mail_is_refused_with_its_size() -> None:
    paragraph = Block("paragraph", (Run("Ord og atter ord. " * 50),))
    with pytest.raises(MailerError) as caught:
        release(replace(DANISH, body=(paragraph,) * 100))
    assert DANISH.title in caught.value.what
    assert "90,000 octets" in caught.value.what
    assert f"{HTML_LIMIT:,} is the limit" in caught.value.what
    assert "shorter" in caught.value.cure


def test_a_space_that_does_not_break_is_kept() -> None:
    title = "Støtte på 300\u00a0mio. kr."
    assert read(composed(release(replace(DANISH, title=title)))).headers["Subject"] == title


@pytest.mark.parametrize(
    "title", ["a\r\nBcc: b@c.example", "a\0leave_token\0", "\u202egnp", "", "a\tb", "\ufdd0"]
)
def test_titles_that_could_deceive_are_refused(title: str) -> None:
    if title == "\ufdd0":
        assert release(replace(DANISH, title=title)).subject == "\ufffd"
        return
    with pytest.raises(MailerError, match="The release's title"):
        release(replace(DANISH, title=title))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "A\nB"}, r"The name of newsroom\.um holds the hidden character U\+000A"),
        ({"sender": "presse@ø.example"}, "cannot stand in a mail's header"),
        ({"reply_to": "a, b@c.example"}, "cannot stand in a mail's header"),
        ({"return_path": "x" * 40 + "@um.example"}, "at most 34 characters before the @"),
        ({"accent": "red"}, "is not a colour"),
    ],
)
def test_settings_that_break_a_header_are_refused(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(MailerError, match=complaint):
        release(newsroom=replace(NEWSROOM, **changes))  # type: ignore[arg-type]  # strings all


def test_a_language_that_is_no_tag_is_refused() -> None:
    with pytest.raises(MailerError, match="is not a language tag"):
        release(replace(DANISH, language="da\r\nBcc: x"))


def test_a_site_that_is_no_address_is_refused() -> None:
    with pytest.raises(MailerError, match="cannot stand in a mail's header"):
        release(site=Site("https://nyhéder.example"))


def test_an_operators_template_wins(tmp_path: Path) -> None:
    path = tmp_path / "mail" / "release" / "subject.txt"
    path.parent.mkdir(parents=True)
    path.write_text("[{{ newsroom.name }}]\n{{ edition.title }}\n")
    prepared = release(templates=Templates(tmp_path))
    assert prepared.subject == f"[Udenrigsministeriet] {DANISH.title}"
    assert read(composed(prepared)).headers["Subject"] == prepared.subject


def test_the_date_of_a_release_is_the_mailings() -> None:
    wire = read(composed(release(), made_at=datetime(2030, 1, 1, tzinfo=UTC)))
    assert wire.headers["Date"] == "Fri, 21 Nov 2025 12:47:00 +0000"
    assert release().content == release(made_at=AT).content
