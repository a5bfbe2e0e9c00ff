"""What readers are offered: read from the settings, and refused where it could not be kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.config import load
from mailer.core.errors import ConfigFault

Write = Callable[..., Path]

TOPICS = """
[newsroom.um.topics]
climate = { da = "Klima", en = "Climate" }
trade = { en = "Trade" }
"""


def faults(path: Path) -> dict[str, str]:
    """The faults by the place they name."""
    with pytest.raises(ConfigFault) as caught:
        load(path, {})
    return dict(fault.split(": ", 1) for fault in caught.value.faults)


def test_topics_have_a_name_in_each_language_or_the_first_there_is(write: Write) -> None:
    room = load(write(more=TOPICS), {}).newsrooms()["um"]
    assert [(topic.key, topic.label("da"), topic.label("en")) for topic in room.topics] == [
        ("climate", "Klima", "Climate"),
        ("trade", "Trade", "Trade"),
    ]


def test_without_settings_there_is_nothing_to_choose_but_at_once(write: Write) -> None:
    room = load(write(), {}).newsrooms()["um"]
    assert (room.topics, room.frequencies, room.catch_up) == ((), ("at_once",), 0)


def test_digests_are_offered_where_settings_say_so(write: Write) -> None:
    room = load(write(more='frequencies = ["weekly", "at_once"]\ncatch_up = 5'), {}).newsrooms()[
        "um"
    ]
    assert (room.frequencies, room.catch_up) == (("weekly", "at_once"), 5)


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ('frequencies = ["at_once", "hourly"]', "newsroom.um.frequencies.1", "daily"),
        ("catch_up = -1", "newsroom.um.catch_up", "0"),
        ("catch_up = 61", "newsroom.um.catch_up", "60"),
        ("frequencies = []", "newsroom.um.frequencies", "empty"),
        ('frequencies = ["at_once", "at_once"]', "newsroom.um.frequencies", "twice"),
        ('topics = { "Klima!" = { da = "Klima" } }', "newsroom.um.topics.Klima!", "small letters"),
        ("topics = { climate = {} }", "newsroom.um.topics.climate", "no name"),
        ('topics = { climate = { fr = "Climat" } }', "newsroom.um.topics.climate.fr", "languages"),
        ('topics = { climate = "Klima" }', "newsroom.um.topics.climate", "language"),
        ('topics = { climate = { da = "" } }', "newsroom.um.topics.climate.da", "empty"),
    ],
)
def test_what_could_not_be_kept_is_refused(write: Write, more: str, place: str, words: str) -> None:
    found = faults(write(more=more))
    assert words in found[place], found
