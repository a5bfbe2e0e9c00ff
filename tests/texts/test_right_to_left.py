"""Arabic: the page and the mail run from right to left, and what is put into a sentence stays whole."""

import re
from pathlib import Path

import pytest
from support.every_mail import mail
from support.mails import composed, notice, read, release, tags

from mailer import resources
from mailer.core.delivery import Purpose
from mailer.core.release import Block, Edition, Run
from mailer.texts.isolation import FSI, PDI
from mailer.texts.templates import Templates

_PAGES = resources.templates() / "web"
_ISOLATES = {FSI, PDI}
_SAID = "{% trans %}Questions? Write to {{ desk }}.{% endtrans %}"


def _rendered(folder: Path, language: str, name: str = "a.html", **values: object) -> str:
    (folder / name).write_text(_SAID)
    return Templates(folder).render(name, language, **values)


def test_a_value_in_a_sentence_is_isolated_and_escaped(tmp_path: Path) -> None:
    assert f"{FSI}1&lt;b&gt;@um.example{PDI}" in _rendered(tmp_path, "ar", desk="1<b>@um.example")
    assert f"{FSI}1<b>@um.example{PDI}" in _rendered(
        tmp_path, "ar", "a.txt", desk="1<b>@um.example"
    )


@pytest.mark.parametrize("language", ["da", "en", "kl"])
def test_other_languages_are_free_of_marks(tmp_path: Path, language: str) -> None:
    assert not _ISOLATES & set(_rendered(tmp_path, language, desk="x@um.example"))


def test_a_count_is_isolated_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('{{ ngettext("%(num)s a", "%(num)s b", 3) }}')
    assert Templates(tmp_path).render("a.txt", "ar") == f"{FSI}3{PDI} b"


def test_a_subject_has_no_marks() -> None:
    prepared = notice(Purpose.CONFIRM, "ar")
    assert "Udenrigsministeriet" in prepared.subject
    assert not _ISOLATES & set(prepared.subject)


@pytest.mark.parametrize(
    "purpose", [purpose for purpose in Purpose if purpose is not Purpose.RELEASE]
)
def test_a_notice_in_arabic(purpose: Purpose) -> None:
    wire = read(composed(mail(purpose, "ar")))
    (page,) = [attributes for tag, attributes in tags(wire.html) if tag == "html"]
    assert (page["lang"], page["dir"]) == ("ar", "rtl")
    for part in (wire.text, wire.html):
        assert part.count(FSI) == part.count(PDI)
    assert all(line.count(FSI) == line.count(PDI) for line in wire.html.splitlines()), (
        "an isolate ends where its paragraph ends"
    )


def test_a_release_in_arabic() -> None:
    arabic = Edition("ar", "عنوان", "", (Block("quote", (Run("«اقتباس»"),)),))
    wire = read(composed(release(arabic)))
    found = tags(wire.html)
    assert ("ar", "rtl") in [(a.get("lang"), a.get("dir")) for tag, a in found if tag == "div"]
    (quote,) = [attributes for tag, attributes in found if tag == "blockquote"]
    assert quote["dir"] == "rtl"
    assert "border-right" in (quote["style"] or "")
    assert re.search(r"border-left:\s*0", quote["style"] or "")


def test_every_side_in_a_mail_has_its_mirror() -> None:
    """Word's engine in Outlook knows no logical properties, so a mail's left has a right for `rtl`."""
    sheet = (resources.templates() / "mail" / "_base" / "layout.html").read_text()
    rules = dict(re.findall(r"^([^{}@\n]+) \{ ([^}]*) \}", sheet.partition("<style>")[2], re.M))
    sided = {name for name, body in rules.items() if "[dir=" not in name and _sided(body)}
    assert sided
    for name in sided:
        mirrors = ", ".join(f"{part}[dir=rtl]" for part in name.split(", "))
        assert mirrors in rules, name


def test_the_pages_know_start_and_end_only() -> None:
    sheet = re.sub(r"/\*.*?\*/", "", (_PAGES / "site.css").read_text(), flags=re.S)
    for body in re.findall(r"\{([^{}]*)\}", sheet):
        assert not _sided(body), body


def test_every_field_for_an_address_runs_left_to_right() -> None:
    for path in _PAGES.glob("*.html"):
        for field in re.findall(r"<input\b[^>]*>", path.read_text()):
            if re.search(r'type="(?:email|url|tel)"|inputmode="(?:email|numeric)"', field):
                assert 'dir="ltr"' in field, f"{path.name}: {field}"


def test_what_has_a_language_of_its_own_has_its_direction() -> None:
    """`lang` alone does not turn the text: an element that sets it sets `dir`, or is isolated."""
    for path in [*_PAGES.glob("*.html"), *(_PAGES.parent / "mail").rglob("*.html")]:
        for tag, attributes in re.findall(r'<(\w+)\b([^>]*\blang="\{\{[^>]*)>', path.read_text()):
            assert "dir=" in attributes or tag in {"bdi", "a"}, f"{path.name}: <{tag}{attributes}>"


def _sided(body: str) -> bool:
    """Whether a rule says left or right, by name or by four values of which two differ."""
    if re.search(r"(?<![\w-])(?:left|right)\s*:|[\w]-(?:left|right)\b|:\s*(?:left|right)\b", body):
        return True
    shorthands = re.findall(
        r"(?<![\w-])(?:margin|padding|inset|border-(?:width|radius))\s*:\s*([^;]+)", body
    )
    return any(
        len(sides) == 4 and sides[1] != sides[3] for sides in (text.split() for text in shorthands)
    )
