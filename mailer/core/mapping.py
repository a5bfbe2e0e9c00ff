"""Brings a source's words to what a newsroom offers its readers to choose by: topics, kinds, places.

A word means what bears it as its key, as its name in any language, or among its further words. Capitals,
spaces and the form of Unicode make no difference; a part of a word never counts.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailer.core.newsroom import Newsroom, Topic


@dataclass(frozen=True, slots=True)
class Matter:
    """What a release is about: keys of those that its newsroom offers, in the order they are offered."""

    topics: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def topics_of(
    categories: Iterable[str], keywords: Iterable[str], kind: str, mapping: Sequence[Topic]
) -> tuple[str, ...]:
    """The topics that a source's categories and keywords stand for, and its word for the kind.

    Args:
        mapping: what the newsroom offers.

    Returns:
        Keys, each once, in the order they are offered.
    """
    return _keys((*categories, *keywords, kind), mapping)


def matter_of(
    newsroom: Newsroom, *, topics: Iterable[str], kind: str, places: Iterable[str]
) -> Matter:
    """What a release is about, of what its newsroom offers.

    Args:
        topics: its categories and keywords, or keys; a place among them counts as one.
        kind: the source's word for it.
    """
    words = tuple(topics)
    return Matter(
        topics=topics_of(words, (), kind, newsroom.topics),
        kinds=_keys((kind,), newsroom.kind_choices),
        places=_keys((*places, *words), newsroom.places),
    )


def labels_of(newsroom: Newsroom, matter: Matter, language: str) -> tuple[str, ...]:
    """What a release is filed under, as readers know it: topics, then kinds, then places."""
    offers = (
        (newsroom.topics, matter.topics),
        (newsroom.kind_choices, matter.kinds),
        (newsroom.places, matter.places),
    )
    return tuple(one.label(language) for of, keys in offers for one in of if one.key in keys)


def _keys(words: Iterable[str], offered: Sequence[Topic]) -> tuple[str, ...]:
    said = {_canonical(word) for word in words} - {""}
    return tuple(one.key for one in offered if said & _names(one))


def _names(one: Topic) -> set[str]:
    labels = (label for _, label in one.labels)
    return {_canonical(word) for word in (one.key, *labels, *one.words)}


def _canonical(word: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", word).casefold().split())
