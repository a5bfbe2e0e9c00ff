"""Digests as they leave: what each tells of, how it is left, and that none is too long."""

from dataclasses import replace

import pytest
from support.digest_mails import CLIMATE, digest, told
from support.mails import MARKS, NEWSROOM, TOKENS, composed, due, read

from mailer.core.digest import Occasion
from mailer.core.errors import MailerError
from mailer.core.token import LinkPurpose
from mailer.mail.compose import Composer
from mailer.mail.digests import MOST_TEXTS, shortened
from mailer.mail.prepare import HTML_LIMIT


def test_both_parts_tell_each_release_with_its_date_and_link() -> None:
    english = told(3, title="Talks in Copenhagen", language="en", kind="News", lead="")
    elsewhere = told(4, canonical_url="https://um.example/nyheder/4")
    wire = read(composed(digest((NEWSROOM, (told(1), english, elsewhere)))))
    assert wire.headers["Subject"] == f"{told(1).title} – og 2 pressemeddelelser mere"
    for part in (wire.text, wire.html):
        assert "Dagens pressemeddelelser" in part
        assert "21. november 2025 kl. 12.47" in part.replace("\n", " ")
        assert "https://nyheder.example/um/releases/1-moede" in part
        assert "https://um.example/nyheder/4" in part
        assert "News" in part
        assert "https://nyheder.example/um/manage" in part
    assert '<bdi lang="en">Talks in Copenhagen</bdi>' in wire.html, "the table of contents"
    assert wire.text.index("– Talks in Copenhagen") < wire.text.index("-----"), "a table first"
    assert wire.headers["List-Id"].endswith("<um.um.example>")
    assert wire.headers["Content-Language"] == "da"
    assert "Archived-At" not in wire.headers


def test_one_alone_is_its_own_subject_and_needs_no_table() -> None:
    wire = read(composed(digest((NEWSROOM, (told(1),)))))
    assert wire.headers["Subject"] == told(1).title
    assert "– Møde" not in wire.text
    assert "<li" not in wire.html


@pytest.mark.parametrize(
    ("occasion", "words"),
    [
        (Occasion.DAILY, "én gang om dagen"),
        (Occasion.WEEKLY, "én gang om ugen"),
        (Occasion.LATEST, "De seneste pressemeddelelser"),
    ],
)
def test_it_says_why_it_comes(occasion: Occasion, words: str) -> None:
    wire = read(composed(digest(occasion=occasion)))
    assert words in wire.text.replace("\n", " ")
    assert words in wire.html


def test_one_of_several_newsrooms_is_left_as_a_whole() -> None:
    """RFC 8058: one click ends what the mail is: to its reader one list."""
    climate = told(5, title="Nyt om klimaet", page="/kefm/releases/5-klima")
    both = ((NEWSROOM, (told(1),)), (CLIMATE, (climate,)))
    prepared = digest(*both, merged=True)
    wire = read(Composer(TOKENS, MARKS).compose(prepared, due(prepared.purpose)))
    token = TOKENS.sign(LinkPurpose.LEAVE_ALL, 98765, due().made_at)
    link = f"https://nyheder.example/leave-all/{token}"
    assert wire.headers["List-Unsubscribe"] == f"<{link}>"
    assert wire.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert wire.headers["List-Id"].endswith("<digests.um.example>")
    assert link in wire.text
    assert link in wire.html
    assert "Udenrigsministeriet og Klimaministeriet" in wire.html
    assert wire.html.count("Nyt om klimaet") == 2
    alone = read(composed(digest(merged=True)))
    assert "/leave-all/" in alone.headers["List-Unsubscribe"], "whichever has something to tell"


def test_very_many_long_leads_are_shortened_alike() -> None:
    many = tuple(
        told(number, lead="Et langt afsnit om sagen. " * 60) for number in range(MOST_TEXTS)
    )
    wire = read(composed(digest((NEWSROOM, many))))
    assert len(wire.html.encode()) <= HTML_LIMIT
    assert all(one.title in wire.html for one in many)
    assert wire.html.count(" …</p>") == MOST_TEXTS


def test_titles_without_end_are_refused() -> None:
    many = tuple(told(number, title=f"{number} " + "Titel " * 300) for number in range(MOST_TEXTS))
    with pytest.raises(MailerError, match="even without its leads"):
        digest((NEWSROOM, many))


@pytest.mark.parametrize(
    ("text", "longest", "cut"),
    [
        ("Kort.", 10, "Kort."),
        ("En sætning, der er lang", 16, "En sætning …"),
        ("Ubrydeligtlangtord", 8, "Ubrydel …"),
        ("Hvad som helst", 0, ""),
    ],
)
def test_a_lead_is_cut_at_a_word(text: str, longest: int, cut: str) -> None:
    assert shortened(text, longest) == cut


def test_nothing_in_a_release_can_break_the_mail() -> None:
    bad = told(
        1, title="Titel\u0000\n\n-- \n<b>", lead="{{ slots.leave_url }} \ufdd0leave_token\ufdd1"
    )
    wire = read(composed(digest((NEWSROOM, (bad, told(2))))))
    assert wire.headers["Subject"].startswith("Titel")
    assert "{{ slots.leave_url }}" in wire.text
    assert "&lt;b&gt;" in wire.html


def test_several_languages_of_a_release_stand_under_one_heading() -> None:
    """Each marked with its language, for programs and for people; what is in one language is not."""
    english = told(
        1, title="Meeting", language="en", lead="In short.", page="/um/releases/1?lang=en"
    )
    arabic = told(1, title="بيان صحفي", language="ar", lead="", page="/um/releases/1?lang=ar")
    wire = read(composed(digest((NEWSROOM, (told(1, further=(english, arabic)), told(2))))))
    assert wire.headers["Subject"] == f"{told(1).title} – og 1 pressemeddelelse mere"
    contents, _, entries = wire.html.partition('class="entry"')
    assert contents.count("<li") == 2, "a release is one, whatever languages it has"
    assert entries.index("Dansk") < entries.index("English") < entries.index("العربية")
    assert 'class="also" dir="ltr" lang="en"' in entries
    assert 'class="also" dir="rtl" lang="ar"' in entries
    assert entries.count("Dansk") == 1, "the second is Danish, as the mail is"
    for part in (wire.text, wire.html):
        assert "In short." in part
        assert part.count("https://nyheder.example/um/releases/1?lang=") == 2
    lines = wire.text.splitlines()
    assert lines[lines.index("Meeting") + 1] == "-------"
    assert "English" in lines


def test_right_to_left() -> None:
    arabic = told(1, title="بيان صحفي", language="ar", lead="نص قصير.")
    room = replace(NEWSROOM, languages=("ar", "da"))
    wire = read(composed(digest((room, (arabic, told(2))), language="ar", newsroom=room)))
    assert (
        '<div class="entry" lang="ar" dir="rtl"' in wire.html or 'lang="ar" dir="rtl"' in wire.html
    )
    assert wire.headers["Content-Language"] == "ar"
