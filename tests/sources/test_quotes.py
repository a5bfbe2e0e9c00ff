"""Attributions and quotes, over one paragraph or several, in the marks of several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.release import Block, Run
from mailer.sources.quotes import MAX_PARAGRAPHS, mark_quotes

SHORT = {"paragraph": "p", "attribution": "a", "quote": "q", "heading": "h", "bullet": "b"}


def marked(*texts: str) -> str:
    blocks, _ = mark_quotes([Block("paragraph", (Run(text),)) for text in texts])
    return "".join(SHORT[block.kind] for block in blocks)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("Hun udtaler:", "”Ja.”", "Slut."), "aqp"),
        (("Hun udtaler:", "”Ja.", "Nej.”", "Slut."), "aqqp"),
        (("Hun udtaler:", "”Ja.", "Måske.", "Nej.”", "Slut."), "aqqqp"),
        (("Hun udtaler:", "”Ja.", "”Nej.”", "Slut."), "aqqp"),
        (("Hun har været i Kyiv. Hun siger:\u00a0", "”Ja.”"), "aq"),
        (("Hun udtaler:", "”Ja.”", "Han udtaler:", "”Nej.”"), "aqaq"),
        (("Hun udtaler:", "”Ja.”", "”Også ja.”"), "aqq"),
        (("Hun udtaler:", "”Vi har ”frihed” her.", "Nej til ”frihed” der.”", "p"), "aqqp"),
        (("Hun udtaler:", "”Ja”.", "Slut."), "aqp"),
        (("She says:", "“One.", "“Two.", "“Three.”", "End."), "aqqqp"),
        (("She says:", "“One.”", "End."), "aqp"),
        (("She says:", '"One."', "End."), "aqp"),
        (("Sie sagt:", "„Ja.“", "Ende."), "aqp"),
        (("Hun sier:", "«Ja.", "Nei.»", "Slutt."), "aqqp"),
        (("Hun siger:", "»Ja.«", "Slut."), "aqp"),
        # no quote follows
        (("Hun udtaler:", "Vi er glade.", "Slut."), "ppp"),
        (("Tre ting tæller:", "”Tillid” er den første.", "Slut."), "ppp"),
        (("Hun udtaler:",), "p"),
        # quotes without an attribution
        (("Først.", "”Hele afsnittet er citat.”", "Slut."), "pqp"),
        (("”Først her.", "Og til slut her.”", "Slut."), "qqp"),
        (("”Ja,” siger hun.", "Slut."), "pp"),
        (("”Ja,” siger hun. ”Nej.”", "Slut."), "pp"),
        (("”Ja,” siger hun. ”Vi gør det.", "Slut.”"), "pp"),
        (("",), "p"),
    ],
)
def test_quotes(texts: tuple[str, ...], expected: str) -> None:
    assert marked(*texts) == expected


def test_a_quote_that_never_ends_is_reported_and_takes_nothing_with_it() -> None:
    texts = ("Hun udtaler:", "”Vi er glade.", "Mødet er slut.", "Han udtaler:", "”Nej.”")
    blocks, unclosed = mark_quotes([Block("paragraph", (Run(text),)) for text in texts])
    assert [SHORT[block.kind] for block in blocks] == ["a", "q", "p", "a", "q"]
    assert unclosed == (1,)


def test_a_quote_ends_before_anything_but_paragraphs() -> None:
    blocks, unclosed = mark_quotes(
        [
            Block("paragraph", (Run("She says:"),)),
            Block("paragraph", (Run("“Open."),)),
            Block("heading", (Run("What changes"),), level=2),
            Block("paragraph", (Run("Closed.”"),)),
        ]
    )
    assert [SHORT[block.kind] for block in blocks] == ["a", "q", "h", "p"]
    assert unclosed == (1,)


def test_what_is_marked_as_a_quote_already_is_attributed_too() -> None:
    blocks, _ = mark_quotes(
        [Block("paragraph", (Run("She says:"),)), Block("quote", (Run("Yes."),))]
    )
    assert [block.kind for block in blocks] == ["attribution", "quote"]


def test_a_forgotten_mark_does_not_swallow_the_text() -> None:
    texts = ["Hun udtaler:", "”Vi er glade.", *["Afsnit."] * MAX_PARAGRAPHS, "Slut.”"]
    assert marked(*texts).count("q") == 1


@given(st.lists(st.text('”“»«„"a :.\n', max_size=12), max_size=12))
def test_words_and_their_order_never_change(texts: list[str]) -> None:
    before = [Block("paragraph", (Run(text),)) for text in texts]
    after, unclosed = mark_quotes(before)
    assert [block.runs for block in after] == [block.runs for block in before]
    for at, block in enumerate(after):
        if block.kind == "attribution":
            assert after[at + 1].kind == "quote"
    assert all(after[at].kind == "quote" for at in unclosed)
