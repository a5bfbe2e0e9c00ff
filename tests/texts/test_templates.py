"""Templates: sandboxed, strict, escaped where it is HTML, and an operator's file wins."""

from pathlib import Path

import pytest

from mailer.core.errors import MailerError
from mailer.texts.templates import Templates


def _templates(folder: Path, **files: str) -> Templates:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return Templates(folder)


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    templates = _templates(tmp_path, a_html="{{ x }}", a_txt="{{ x }}")
    assert templates.render("a.html", "en", x="<&>") == "&lt;&amp;&gt;"
    assert templates.render("a.txt", "en", x="<&>") == "<&>"


def test_words_are_translated(tmp_path: Path) -> None:
    text = '{{ _("Press contact") }} {% trans desk=desk %}Questions? Write to {{ desk }}.{% endtrans %}'
    templates = _templates(tmp_path, a_txt=text)
    assert templates.render("a.txt", "en", desk="x") == "Press contact Questions? Write to x."
    assert templates.render("a.txt", "da", desk="x") == "Pressekontakt Spørgsmål? Skriv til x."
    assert templates.render("a.txt", "en-GB", desk="x") == "Press contact Questions? Write to x."


def test_a_translated_sentence_escapes_its_values(tmp_path: Path) -> None:
    text = "{% trans desk=desk %}Questions? Write to {{ desk }}.{% endtrans %}"
    templates = _templates(tmp_path, a_html=text)
    assert templates.render("a.html", "da", desk="<b>") == "Spørgsmål? Skriv til &lt;b&gt;."


def test_language_and_direction(tmp_path: Path) -> None:
    templates = _templates(tmp_path, a_txt="{{ language }} {{ direction(language) }}")
    assert templates.render("a.txt", "da") == "da ltr"
    assert templates.render("a.txt", "ar") == "ar rtl"
    assert templates.render("a.txt", "kl") == "en ltr", (
        "what is said in English is marked as English"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{{ x.nothing }}", "no attribute 'nothing'"),
        ("{% if %}", "Expected an expression"),
        ("{% include 'missing.txt' %}", "missing.txt"),
        ("{{ x.__class__.__mro__ }}", "unsafe"),
        ("{{ ''.__class__ }}", "unsafe"),
        ("{{ items.append(1) }}", "not safely callable|unsafe"),
    ],
)
def test_a_broken_template_names_itself_and_its_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    templates = _templates(tmp_path, a_txt=text)
    with pytest.raises(MailerError, match=complaint) as caught:
        templates.render("a.txt", "en", x=object(), items=[])
    assert "a.txt" in caught.value.what
    assert caught.value.cure == f"mend {tmp_path / 'a.txt'}"


def test_a_plural_that_counts_no_number_is_a_broken_template(tmp_path: Path) -> None:
    templates = _templates(tmp_path, a_txt='{{ ngettext("a", "b", nobody) }}')
    for language in ("en", "da"):
        with pytest.raises(MailerError, match=r"a\.txt cannot be used"):
            templates.render("a.txt", language)


def test_a_missing_template_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MailerError, match=r"none\.txt") as caught:
        Templates(tmp_path).render("none.txt", "en")
    assert str(tmp_path) in caught.value.cure
    with pytest.raises(MailerError):
        Templates(tmp_path).render("../secret.txt", "en")


def test_overrides_win_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "mail" / "_base"
    folder.mkdir(parents=True)
    (folder / "blocks.html").write_text("ours")
    templates = Templates(tmp_path)
    assert templates.render("mail/_base/blocks.html", "en") == "ours"
    assert "macro" not in Templates().render("mail/_base/blocks.html", "en")
