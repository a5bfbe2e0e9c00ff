"""A word in front of a title or behind it signals a correction; a title that only begins with it does not."""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.core.correction import Earlier, probable_original, signalled

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("title", "language", "signal", "rest"),
    [
        ("Rettelse: Ny aftale om havet", "da", "correction", "Ny aftale om havet"),
        ("RETTELSE - Ny aftale", "da", "correction", "Ny aftale"),
        ("Ny aftale (rettet)", "da", "correction", "Ny aftale"),
        ("Ny aftale – rettelse", "da", "correction", "Ny aftale"),
        ("TILBAGETRUKKET: Ny aftale", "da", "withdrawn", "Ny aftale"),
        ("[Corrected] A deal", "en", "correction", "A deal"),
        ("Correction to: A deal", "en", "correction", "A deal"),
        ("Erratum: A deal", "en", "correction", "A deal"),
        ("Withdrawn | A deal", "en", "withdrawn", "A deal"),
        ("KILL: A deal", "en", "withdrawn", "A deal"),
        ("Korrektur: Neue Regeln", "de", "correction", "Neue Regeln"),
        ("*** Berichtigung *** Neue Regeln", "de", "correction", "Neue Regeln"),
        ("Zurückgezogen: Neue Regeln", "de", "withdrawn", "Neue Regeln"),
        ("Rättelse 2: Ny lag", "sv", "correction", "Ny lag"),
        ("Återkallad – Ny lag", "sv", "withdrawn", "Ny lag"),
        ("Oikaisu: Uusi laki", "fi", "correction", "Uusi laki"),
        ("Korjaus – Uusi laki", "fi", "correction", "Uusi laki"),
        ("Retting: Ny lov", "nb", "correction", "Ny lov"),
        ("Rectificatif — Nouvelle loi", "fr", "correction", "Nouvelle loi"),
        ("Re\u0301tractation", "fr", None, ""),
        ("تصحيح: بيان صحفي", "ar", "correction", "بيان صحفي"),
        ("更正：公告", "zh", "correction", "公告"),
        ("Rettelse af valglister begynder", "da", None, ""),
        ("Correction officers strike for pay", "en", None, ""),
        ("Kill: en film om vold", "da", None, ""),
        ("Withdrawal from Afghanistan: a plan", "en", None, ""),
        ("Rettelse:", "da", None, ""),
        ("Rettelser", "da", None, ""),
        ("", "da", None, ""),
    ],
)  # fmt: skip
def test_what_a_title_signals(title: str, language: str, signal: str | None, rest: str) -> None:
    found = signalled(title, language)
    assert (found.signal if found else None, found.title if found else "") == (signal, rest)


def earlier(number: int, title: str, hours: float, **changes: object) -> Earlier:
    told = {"newsroom": "um", "language": "da", "names": (), **changes}
    return Earlier(number, title=title, at=AT - timedelta(hours=hours), **told)  # type: ignore[arg-type] # of a test


def likely(title: str, *among: Earlier, links: tuple[str, ...] = ()) -> list[int]:
    found = probable_original(title, newsroom="um", at=AT, links=links, earlier=among)
    return [one.id for one in found]


def test_the_same_title_lately_comes_first() -> None:
    old, new = earlier(1, "Ny aftale om havet", 24 * 20), earlier(2, "Ny aftale om havet", 2)
    other = earlier(3, "Ministeren rejser til Norge", 1)
    assert likely("Ny aftale om havet", old, new, other) == [2, 1]


def test_a_link_outweighs_a_title() -> None:
    named = earlier(1, "Noget helt andet", 50, names=("https://um.example/r/1", "um:77"))
    alike = earlier(2, "Ny aftale om hav og fisk", 2)
    assert likely("Ny aftale om havet", alike, named, links=("http://www.UM.example/r/1/",)) == [
        1,
        2,
    ]


def test_neither_another_newsroom_nor_the_future_is_proposed() -> None:
    foreign = earlier(1, "Ny aftale", 2, newsroom="kefm")
    later = earlier(2, "Ny aftale", -1)
    assert likely("Ny aftale", foreign, later) == []


def test_nothing_alike_is_no_proposal() -> None:
    assert likely("Ny aftale om havet", earlier(1, "Statsbesøg fra Japan", 2)) == []
    assert likely("", earlier(1, "", 2)) == []


def test_an_earlier_correction_is_compared_by_its_own_title() -> None:
    found = probable_original(
        "Ny aftale", newsroom="um", at=AT, earlier=[earlier(1, "Rettelse: Ny aftale", 1)]
    )
    assert found[0].reasons == ("the same title", "hours before")
    assert 0 < found[0].score <= 1
