"""A release is known under all its names, and two texts of one are told from two releases'."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.desk import text

from mailer.core.identity import announced_name, likeness, names_of, text_name, unlike
from mailer.core.release import Block, Edition, ReleaseDocument, Run

HERE = ReleaseDocument(text())
LONG = (
    "Udenrigsministeren rejser i morgen til Kasakhstan og Usbekistan med en stor dansk delegation af "
    "virksomheder, der skal åbne nye markeder for grøn energi og vandteknologi."
)


@pytest.mark.parametrize(
    ("document", "source", "names"),
    [
        (HERE, "feed", (text_name(HERE.edition),)),
        (replace(HERE, identity="17"), "feed", ("feed/17",)),
        (replace(HERE, identity="17"), None, ("17",)),
        (replace(HERE, identity="um:17"), "feed", ("um:17",)),
        (replace(HERE, identity="tag:um.dk,2026:1"), "feed", ("tag:um.dk,2026:1",)),
        (replace(HERE, identity="http://www.um.dk/a/?utm_source=x#top"), "feed", ("web:um.dk/a",)),
        (replace(HERE, canonical_url="https://um.dk/a", names=("web:um.dk/a", "um:1")), "f",
         ("web:um.dk/a", "um:1")),
        (replace(HERE, identity="https://um.dk/"), "feed", (text_name(HERE.edition),)),
        (replace(HERE, identity="  ", canonical_url="https://um.dk/a"), "f", ("web:um.dk/a",)),
        (replace(HERE, identity="17", canonical_url="https://um.dk/Skabelon-til-nyheder-pm/"), "f",
         ("f/17",)),
        (replace(HERE, canonical_url="https://um.dk/ny-side-3"), "f", ("web:um.dk/ny-side-3",)),
    ],
)  # fmt: skip
def test_the_names_of_a_release(
    document: ReleaseDocument, source: str | None, names: tuple[str, ...]
) -> None:
    assert names_of(document, source=source) == names


@given(st.text(min_size=1, max_size=900), st.text(max_size=900))
def test_names_fit_the_store_and_are_never_none(identity: str, other: str) -> None:
    names = names_of(replace(HERE, identity=identity, names=(other,)), source="feed")
    assert names
    assert all(0 < len(name) <= 500 for name in names)
    assert len(set(names)) == len(names)


def edition(title: str, body: str, language: str = "da") -> Edition:
    return Edition(language, title, "", (Block("paragraph", (Run(body),)),))


def test_a_text_that_was_edited_is_the_same_releases() -> None:
    first = edition("Ministeren rejser til Kasakhstan", LONG)
    assert not unlike(first, edition("Ministeren rejser til Usbekistan", LONG))
    assert not unlike(
        first, edition("Noget helt andet", LONG + " Delegationen vender hjem fredag.")
    )
    assert not unlike(first, edition("Ministeren rejser til Kasakhstan", "Kort."))
    assert likeness(first, first) == 1


def test_a_text_of_quite_other_words_is_anothers() -> None:
    other = edition(
        "Møde i Det Udenrigspolitiske Nævn",
        "Nævnet samles tirsdag klokken 15 på Christiansborg. Dagsordenen offentliggøres ikke.",
    )
    assert unlike(edition("Ministeren rejser til Kasakhstan", LONG), other)
    assert not unlike(edition("The minister travels", "Words", "en"), other), "a translation"


def test_an_announcement_is_the_same_while_it_says_the_same() -> None:
    first = replace(HERE, detail_url="https://um.dk/1", dated_as="today")
    assert announced_name(first) == announced_name(replace(first, warnings=("x",)))
    for other in ({"dated_as": "yesterday"}, {"edition": text("Rettet")}, {"detail_url": "x"}):
        assert announced_name(replace(first, **other)) != announced_name(first)
