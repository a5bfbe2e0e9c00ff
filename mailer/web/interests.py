"""What a reader can choose by in a form: topics, kinds of release, places; as far as a newsroom offers them.

In the form of choices each is "all" or "only these". At the sign-up the boxes alone are there, and none
ticked is all: nobody signs up for nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mailer.core.choice import Choice, Interests
from mailer.core.newsroom import Newsroom, Topic

WORDS = {
    "topics": ("which", "topic"),
    "kinds": ("which-kinds", "kind"),
    "places": ("which-places", "place"),
}
"""By its name in a choice: the field of "all" or "some", and what the names of its boxes begin with."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box to tick: the field it is, and what it stands for."""

    field: str
    label: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What a newsroom offers of one sort.

    Attributes:
        name: as in a choice: topics, kinds or places.
        which: the field that says "all" or "some".
        every: all is wanted; the boxes are then what could be.
    """

    name: str
    which: str
    every: bool
    boxes: tuple[Box, ...]

    @property
    def ticked(self) -> bool:
        """Whether a box of it is."""
        return any(box.ticked for box in self.boxes)


class Unticked(Exception):
    """Only these, it said, and none was ticked; `name` is the group's."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def offered(
    newsroom: Newsroom, choice: Choice | None = None, *, language: str
) -> tuple[Group, ...]:
    """The groups of a newsroom, as a choice has them; all of everything where there is none.

    Args:
        language: of the page's words.
    """
    return tuple(
        Group(
            name,
            WORDS[name][0],
            every=choice is None or getattr(choice, name) is None,
            boxes=tuple(
                Box(
                    f"{WORDS[name][1]}-{one.key}",
                    one.label(language),
                    choice is not None and one.key in (getattr(choice, name) or ()),
                )
                for one in of
            ),
        )
        for name, of in _offers(newsroom)
    )


def as_keys(newsroom: Newsroom, language: str) -> dict[str, dict[str, str]]:
    """All that can be chosen, by its name in a choice: each key with what it is called."""
    return {name: {one.key: one.label(language) for one in of} for name, of in _offers(newsroom)}


def labels(newsroom: Newsroom | None, wanted: Interests, *, language: str) -> tuple[str, ...]:
    """What was chosen, in words; nothing where that is everything."""
    if newsroom is None:
        return ()
    groups = offered(newsroom, wanted.over(Choice((language,))), language=language)
    return tuple(box.label for group in groups for box in group.boxes if box.ticked)


def as_sent(groups: tuple[Group, ...], fields: Mapping[str, str]) -> tuple[Group, ...]:
    """The groups as a form sent them."""
    return tuple(
        replace(
            group,
            every=fields.get(group.which) != "some",
            boxes=tuple(replace(box, ticked=box.field in fields) for box in group.boxes),
        )
        for group in groups
    )


def signup_values(newsroom: Newsroom, language: str, sent: Mapping[str, str]) -> dict[str, object]:
    """What the sign-up's fields are filled in with: as they were sent, or as they stand on a fresh form.

    Args:
        language: of the page's words.
    """
    return {
        "typed": sent.get("email", "").strip(),
        "groups": as_sent(offered(newsroom, language=language), sent),
        "frequency": sent.get("frequency", ""),
    }


def read(newsroom: Newsroom, fields: Mapping[str, str]) -> Interests:
    """What a form of choices sent; what is not offered is all.

    Raises:
        Unticked: a group says "some", and no box of it is ticked.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, of in _offers(newsroom):
        if fields.get(WORDS[name][0], "all") == "all":
            continue
        found[name] = _ticked(name, of, fields)
        if not found[name]:
            raise Unticked(name)
    return Interests(found.get("topics"), found.get("kinds"), found.get("places"))


def read_signup(newsroom: Newsroom, fields: Mapping[str, str]) -> Interests:
    """What a form of the sign-up sent: none ticked is all."""
    ticked = {name: _ticked(name, of, fields) for name, of in _offers(newsroom)}
    topics, kinds, places = (ticked.get(name) or None for name in WORDS)
    return Interests(topics, kinds, places, fields.get("frequency") or None)


def _ticked(name: str, of: tuple[Topic, ...], fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(one.key for one in of if f"{WORDS[name][1]}-{one.key}" in fields)


def _offers(newsroom: Newsroom) -> Iterator[tuple[str, tuple[Topic, ...]]]:
    """What can be chosen, by the names in a choice; nothing of what is not offered."""
    every = {"topics": newsroom.topics, "kinds": newsroom.kind_choices, "places": newsroom.places}
    yield from ((name, of) for name, of in every.items() if of)
