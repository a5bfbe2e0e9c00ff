"""A source's words become what readers can choose by: whole words, whatever their capitals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.choice import Interests
from mailer.core.mapping import Matter, labels_of, matter_of, topics_of
from mailer.core.newsroom import Newsroom, Topic

CLIMATE = Topic("climate", (("da", "Klima"), ("en", "Climate")), ("CO2", "Grøn omstilling"))
TRADE = Topic("trade", (("da", "Handel"), ("en", "Trade")), ("Eksport",))
ROOM = Newsroom(
    "um",
    "Udenrigsministeriet",
    ("da", "en"),
    "Europe/Copenhagen",
    "presse@um.example",
    topics=(CLIMATE, TRADE),
    kind_choices=(Topic("speech", (("da", "Tale"),), ("Speech",)),),
    places=(Topic("greenland", (("da", "Grønland"),), ("Nuuk",)),),
)


@pytest.mark.parametrize(
    ("categories", "keywords", "kind", "found"),
    [
        ((), (), "", ()),
        (("climate",), (), "", ("climate",)),
        (("KLIMA",), (), "", ("climate",)),
        (("  grøn   omstilling ",), (), "", ("climate",)),
        ((), ("co2", "eksport"), "", ("climate", "trade")),
        (("Eksport", "Trade", "handel"), (), "", ("trade",)),
        ((), (), "Klima", ("climate",)),
        (("Klimaet", "Udenrigshandel"), ("Kli",), "", ()),
        (("Gro\u0308n omstilling",), (), "", ()),
        (("gr\u00f8n omstilling",), (), "", ("climate",)),
        (("Ｃｌｉｍａｔｅ",), (), "", ("climate",)),
    ],
)
def test_words_name_topics(
    categories: tuple[str, ...], keywords: tuple[str, ...], kind: str, found: tuple[str, ...]
) -> None:
    assert topics_of(categories, keywords, kind, ROOM.topics) == found


def test_what_a_release_is_about() -> None:
    matter = matter_of(ROOM, topics=["Nuuk", "CO2", "Andet"], kind="Tale", places=["Paris"])
    assert matter == Matter(("climate",), ("speech",), ("greenland",))
    assert labels_of(ROOM, matter, "en") == ("Climate", "Tale", "Grønland")
    assert labels_of(ROOM, Matter(), "en") == ()


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["climate", "trade", "Klima", "Eksport", "x", ""])))
def test_keys_name_themselves_and_order_is_the_newsrooms(words: list[str]) -> None:
    found = topics_of(words, (), "", ROOM.topics)
    assert topics_of(found, (), "", ROOM.topics) == found
    assert list(found) == [one.key for one in ROOM.topics if one.key in found]


def test_what_is_offered_no_more_is_everything() -> None:
    wanted = Interests(("climate", "gone"), ("gone",), None)
    assert ROOM.offered(wanted) == Interests(("climate",), None, None)
