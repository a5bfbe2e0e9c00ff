"""A difference says every word that changed, and nothing that did not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.difference import AROUND, Change, difference
from mailer.core.release import Block, Contact, Edition, Run


def edition(title: str = "Title", lead: str = "Lead.", *blocks: str) -> Edition:
    body = tuple(Block("paragraph", (Run(text),)) for text in blocks or ("A body.",))
    return Edition("en", title, lead, body)


def said(change: Change) -> str:
    marks = {"deleted": "-", "added": "+", "same": "=", "cut": "…"}
    return " ".join(f"{marks[span.mark]}{span.text}" for span in change.spans)


def changes(before: Edition, after: Edition) -> list[tuple[str, str]]:
    return [(change.part, said(change)) for change in difference(before, after)]


WORDS = "one two three four five six seven eight nine ten eleven twelve"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["Ten million."], ["Ten  million."], []),
        (["It is 10 million euro."], ["It is 12 million euro."], ["=It is -10 +12 =million euro."]),
        (["On Monday at 10."], ["On Tuesday at 11."], ["=On -Monday at 10. +Tuesday at 11."]),
        (["A.", "B."], ["B."], ["-A."]),
        (["A."], ["A.", "B."], ["+B."]),
        (["", "A."], ["A."], []),
        ([f"{WORDS} 10 {WORDS}"], [f"{WORDS} 12 {WORDS}"],
         ["… =seven eight nine ten eleven twelve -10 +12 =one two three four five six …"]),
        (["会议于星期一举行。"], ["会议于星期二举行。"], ["=会议于星期 -一 +二 =举行。"]),
        (["The first block stays whole.", "The second one goes."],
         ["The first block stays whole.", "A third one comes here instead today."],
         ["-The second one goes. +A third one comes here instead today."]),
    ],
)  # fmt: skip
def test_what_changed_in_a_body(before: list[str], after: list[str], found: list[str]) -> None:
    told = changes(edition("T", "L", *before), edition("T", "L", *after))
    assert [words for _, words in told] == found


def test_every_part_is_looked_at_in_reading_order() -> None:
    contact = Contact("Desk, 12345678")
    before = Edition("en", "A title", "A lead", edition().body, (contact,))
    after = Edition("en", "The title", "", edition("", "", "Another body.").body)
    assert [part for part, _ in changes(before, after)] == ["title", "lead", "body", "contacts"]


def test_a_block_that_moved_is_deleted_here_and_added_there() -> None:
    told = changes(
        edition("T", "L", "Alpha beta.", "Gamma delta."),
        edition("T", "L", "Gamma delta.", "Alpha beta."),
    )
    assert sorted(words[0] for _, words in told) == ["+", "-"]


texts = st.lists(st.text("abc ", max_size=30), min_size=1, max_size=5)


@settings(max_examples=60)
@given(before=texts, after=texts)
def test_taking_one_side_gives_that_text_where_nothing_was_cut(
    before: list[str], after: list[str]
) -> None:
    """What was deleted was there, what was added is there now, and equal texts have no difference."""
    old, new = edition("T", "L", *before), edition("T", "L", *after)
    words_before, words_after = " ".join(before).split(), " ".join(after).split()
    for change in difference(old, new):
        assert any(span.mark in {"deleted", "added"} for span in change.spans)
        for span in change.spans:
            words = span.text.split()
            assert span.mark == "added" or all(word in words_before for word in words)
            assert span.mark == "deleted" or all(word in words_after for word in words)
    assert (not difference(old, new)) == (
        [text.split() for text in before if text.split()]
        == [text.split() for text in after if text.split()]
    )


def test_a_very_long_text_is_told_without_comparing_every_word() -> None:
    """It ends soon, and says both sides."""
    before, after = ("x y " * 5000), ("y x " * 5000 + "z")
    (change,) = difference(edition("T", "L", before), edition("T", "L", after))
    assert {span.mark for span in change.spans} >= {"deleted", "added"}


def test_around_a_change_there_are_a_few_words() -> None:
    (change,) = difference(
        edition("T", "L", "w " * 50 + "old"), edition("T", "L", "w " * 50 + "new")
    )
    assert change.spans[1].text.split() == ["w"] * AROUND
