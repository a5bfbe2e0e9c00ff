"""What the desk sends says what changed in words, and stands in the thread of the copy it is about."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.desk_mails import CORRECTED, UNTIL, desk_mail
from support.mails import DANISH, MARKS, TOKENS, composed, due, read, shown, tags

from mailer.core.errors import MailerError
from mailer.core.release import Block, Run
from mailer.core.token import Marks
from mailer.mail.compose import Composer, message_ids
from mailer.mail.desk import Act


def test_a_correction_says_what_changed_and_gives_the_whole_text() -> None:
    wire = read(composed(desk_mail("correction")))

    assert wire.headers["Subject"] == f"Rettelse: {CORRECTED.title}"
    words = " ".join(wire.text.split())
    assert "Et forkert tal." in words
    assert "cirka [slettet: 30] [tilføjet: 40] lande" in words
    assert "[tilføjet: i dag]" in words
    for part in (words, shown(wire.html)):
        assert "Mødet afholdes i Udenrigsministeriet." in part, "the whole corrected text"
        assert part.count("cirka 40 lande") == 1
    assert "[slettet: 30]" in shown(wire.html), "not by a line or a colour alone"
    assert {"ins", "del"} <= {name for name, _ in tags(wire.html)}
    assert wire.headers["Archived-At"] == "<https://nyheder.example/um/releases/17-naeste-skridt>"


@pytest.mark.parametrize("act", ["correction", "withdrawal", "moved", "lifted", "killed"])
def test_it_answers_the_copy_that_its_reader_holds(act: Act) -> None:
    prepared = desk_mail(act)
    (copy,) = message_ids(prepared.content, MARKS, 42)

    headers = read(composed(prepared, answers=42)).headers

    assert headers["In-Reply-To"] == headers["References"] == copy
    assert headers["Message-ID"] not in {"", copy}


def test_after_a_change_of_keys_it_names_what_the_copy_may_be_called() -> None:
    old, both = Marks(["the old key of marks"]), Marks(["the old key of marks", "the new one"])
    prepared = desk_mail("correction")

    message = Composer(TOKENS, both).compose(prepared, due(answers=42))

    named = re.findall(r"<[^>]+>", read(message).headers["References"])
    assert named == list(message_ids(prepared.content, both, 42))
    assert set(message_ids(prepared.content, old, 42)) < set(named)


def test_without_a_copy_nothing_can_be_answered() -> None:
    with pytest.raises(MailerError, match="names none"):
        composed(desk_mail("correction"), answers=None)


def test_an_early_copy_says_until_when_and_by_which_rules() -> None:
    wire = read(composed(desk_mail("early", embargo_until=datetime(2026, 7, 1, 22, tzinfo=UTC))))

    assert wire.headers["Subject"].startswith(
        "KLAUSULERET til 2. juli 2026 kl. 00.00 (22:00 UTC): "
    )
    for part in (" ".join(wire.text.split()), shown(wire.html)):
        assert "2. juli 2026 kl. 00.00 (Europe/Copenhagen)" in part
        assert "1. juli 2026 kl. 22.00 UTC" in part
        assert "akkrediteret" in part
        assert "cirka 40 lande" in part
    assert "In-Reply-To" not in wire.headers


@pytest.mark.parametrize("act", ["early", "moved", "killed", "withdrawal", "correction"])
def test_nothing_points_at_a_page_that_nobody_may_see(act: Act) -> None:
    prepared = desk_mail(
        act, embargo_until=UNTIL if act in {"early", "moved", "correction"} else None
    )
    wire = read(composed(prepared))

    assert "Archived-At" not in wire.headers
    assert "/releases/17" not in wire.text + wire.html


def test_a_correction_under_embargo_is_marked_as_such() -> None:
    wire = read(composed(desk_mail("correction", embargo_until=UNTIL)))
    assert re.match("KLAUSULERET til .*: Rettelse: ", wire.headers["Subject"])
    assert "akkrediteret" in wire.text


def test_what_was_taken_back_is_named_and_not_repeated() -> None:
    wire = read(composed(desk_mail("withdrawal", edition=DANISH)))
    assert wire.headers["Subject"] == f"Trukket tilbage: {DANISH.title}"
    assert "koalition" not in wire.text, "none of its words but the title"


def test_an_operators_note_is_text_and_no_markup() -> None:
    wire = read(composed(desk_mail("correction", note="<b>5 < 7</b> {{ x }}\nNæste linje")))
    assert "<b>5 < 7</b> {{ x }}\nNæste linje" in wire.text
    assert "&lt;b&gt;5" in wire.html


def test_a_text_that_is_too_long_for_a_mail_is_refused() -> None:
    long = replace(CORRECTED, body=(Block("paragraph", (Run("ord " * 25_000),)),))
    with pytest.raises(MailerError, match="too long for a mail"):
        desk_mail("correction", edition=long)


@pytest.mark.parametrize("language", ["ar", "en", "de"])
def test_words_of_the_house_and_of_the_text_each_say_their_language(language: str) -> None:
    wire = read(composed(desk_mail("correction", language)))
    assert f'lang="{language}"' in wire.html
    assert ('dir="rtl"' in wire.html) is (language == "ar")
