"""Glued timestamps: a title that ends in a whole year wins, then the longer valid day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.sources.lines import split_lines
from mailer.sources.related import cut_stamp, read_related


@pytest.mark.parametrize(
    ("glued", "title", "stamp"),
    [
        ("besøgt Ukraine12.9.2025", "besøgt Ukraine", "12.9.2025"),
        ("var 8,1 pct.8.9.2025", "var 8,1 pct.", "8.9.2025"),
        ("rejser til USA4.7.2025", "rejser til USA", "4.7.2025"),
        # a whole year wins, whichever day is left
        ("Agenda 20304.7.2025", "Agenda 2030", "4.7.2025"),
        ("Finanslov 202512.9.2025", "Finanslov 2025", "12.9.2025"),
        ("Finanslov 20251.9.2025", "Finanslov 2025", "1.9.2025"),
        ("Finanslov 202531.8.2025", "Finanslov 2025", "31.8.2025"),
        ("Krisen i 199911.9.2025", "Krisen i 1999", "11.9.2025"),
        ("uge 37.202512.9.2025", "uge 37.2025", "12.9.2025"),
        ("Nr. 20311.9.2025", "Nr. 2031", "1.9.2025"),
        # no whole year: the longer valid day
        ("Artikel 1512.9.2025", "Artikel 15", "12.9.2025"),
        ("Artikel 512.9.2025", "Artikel 5", "12.9.2025"),
        ("Artikel 202512.9.2025"[8:], "2025", "12.9.2025"),
        ("i 2025.9.2025", "i 20", "25.9.2025"),
        ("Nr. 120251.9.2025", "Nr. 12025", "1.9.2025"),
        ("Nr. 1120.9.2025", "Nr. 11", "20.9.2025"),
        # the longer day is not valid
        ("Nr. 731.9.2025", "Nr. 73", "1.9.2025"),
        ("Nr. 432.9.2025", "Nr. 43", "2.9.2025"),
        ("Nr. 104.7.2025", "Nr. 10", "4.7.2025"),
        ("Nr. 330.2.2025", None, None),
        ("Nr. 329.2.2024", "Nr. 3", "29.2.2024"),
        ("Nr. 329.2.2025", "Nr. 32", "9.2.2025"),
        # apart already, full stops, numbers with points
        ("Ukraine 12.9.2025", "Ukraine", "12.9.2025"),
        ("Aftalen fra 2025 2.9.2025", "Aftalen fra 2025", "2.9.2025"),
        ("den 1. og 2.8.9.2025", "den 1. og 2.", "8.9.2025"),
        ("To sætninger. Den anden.8.9.2025", "To sætninger. Den anden.", "8.9.2025"),
        ("Stigning på 3,312.9.2025", "Stigning på 3,3", "12.9.2025"),
        ("12.9.2025", None, None),
        ("Ukraine12.13.2025", None, None),
        ("Ukraine0.9.2025", None, None),
        ("Ukraine", None, None),
    ],
)
def test_cuts(glued: str, title: str | None, stamp: str | None) -> None:
    found = cut_stamp(f"{glued} 20:49:28 CEST | Pressemeddelelse")
    if title is None:
        assert found is None
    else:
        assert found == (title, f"{stamp} 20:49:28 CEST", "Pressemeddelelse")


@pytest.mark.parametrize(
    "line",
    [
        "Ukraine12.9.2025 25:49:28 CEST | Pressemeddelelse",
        "Ukraine12.9.2025 20:49:28 CEST",
        "Ukraine12.9.2025 20:49:28 CEST | ",
        "Mødet er den 12.9.2025 | se mere",
        "",
        " | ",
    ],
)
def test_other_lines_are_not_cut(line: str) -> None:
    assert cut_stamp(line) is None


def test_kinds_and_odd_blanks() -> None:
    found = cut_stamp("A | B12.9.2025\u00a020:49:28  CEST\u00a0|\u00a0Press release")
    assert found == ("A | B", "12.9.2025 20:49:28 CEST", "Press release")


@given(
    st.text(st.characters(categories=["L", "P"], exclude_characters="|"), min_size=1, max_size=30),
    st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1)),
)
def test_a_title_that_ends_in_no_digit_is_always_cut_right(title: str, day: date) -> None:
    stamp = f"{day.day}.{day.month}.{day.year} 07:00:00 CET"
    found = cut_stamp(f"{title}{stamp} | Pressemeddelelse")
    assert found == (" ".join(title.split()), stamp, "Pressemeddelelse")


@given(st.integers(1900, 2099), st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1)))
def test_a_title_that_ends_in_a_year_is_always_cut_right(year: int, day: date) -> None:
    stamp = f"{day.day}.{day.month}.{day.year} 07:00:00 CET"
    found = cut_stamp(f"Finanslov for {year}{stamp} | Pressemeddelelse")
    assert found is not None
    assert (found.title, found.stamp) == (f"Finanslov for {year}", stamp)


def test_leads_may_be_missing_or_cut() -> None:
    lines = split_lines(
        "not an entry\n"
        "A1.9.2025 07:00:00 CEST | Pressemeddelelse\n"
        "B2.9.2025 07:00:00 CEST | Nyhed\n" + "x" * 1000 + "\n"
        "C3.9.2025 07:00:00 CEST | Pressemeddelelse\nLead of C."
    )
    entries, warnings = read_related(lines)
    assert [(entry.title, entry.kind, len(entry.lead)) for entry in entries] == [
        ("A", "Pressemeddelelse", 0), ("B", "Nyhed", 1000), ("C", "Pressemeddelelse", 10)
    ]  # fmt: skip
    assert len(warnings) == 1
    assert warnings[0].startswith("line 4: ")
    assert "“B”" in warnings[0]


def test_no_list_is_no_list() -> None:
    assert read_related([]) == ((), ())
