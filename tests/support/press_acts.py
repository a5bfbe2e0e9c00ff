"""What may happen at a press office, how often among all, and with what; and who is there as it begins.

The machine is to be read in this order: this module, `press_room` (the office, its clock and its model),
`press_dispatch` (time, dispatchers, the relay), `press_desk` (releases, and the source), `press_readers`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from support.desk import ACCEPTED, DEFERRED, REFUSED, UNKNOWN
from support.digesting import ALL
from support.offices import KEFM, UM

ROOMS = {
    room.key: replace(room, frequencies=ALL, languages=("da", "en"), catch_up=catch_up)
    for room, catch_up in ((UM, 2), (KEFM, 0))
}
MAILBOXES = [f"{name}@example.org" for name in ("anna", "bo", "carl", "dora", "else")]
READERS: dict[str, dict[str, Any]] = dict(
    zip(
        MAILBOXES,
        [
            {},
            {"frequency": "daily", "merged": True},
            {"frequency": "weekly", "weekday": 2, "languages": ("en", "da")},
            {"every_language": True, "languages": ("da", "en")},
            {"every_language": True, "languages": ("en", "da"), "frequency": "daily"},
        ],
        strict=False,
    )
)
"""Who is there as a story begins, and what they chose."""
STARTS = [
    datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 15, 0, tzinfo=UTC),  # the night before clocks skip an hour
    datetime(2026, 10, 24, 15, 0, tzinfo=UTC),  # and before one comes twice
]
ANSWERS = [ACCEPTED, ACCEPTED, ACCEPTED, DEFERRED, REFUSED, UNKNOWN]

picks = st.integers(0, 255)
rooms = st.sampled_from(sorted(ROOMS))
mailboxes = st.sampled_from(MAILBOXES)


ACTS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    "a_release_comes": (
        8,
        {
            "room": rooms,
            "languages": st.sampled_from(["da", "da", "en", "da en", "en da"]),
            "hours": st.sampled_from([0, 0, 0, 2, 26]),
            "embargo_hours": st.sampled_from([0, 0, 0, 3, 27]),
            "urgent": st.sampled_from([False, False, True]),
            "let_go": st.sampled_from([True, True, True, False]),
        },
    ),
    "the_desk_corrects": (
        10,
        {
            "pick": picks,
            "language": st.sampled_from(["da", "da", "en"]),
            "silent": st.sampled_from([False, False, True]),
            "looked": st.booleans(),
        },
    ),
    "the_desk_withdraws": (1, {"pick": picks, "looked": st.booleans()}),
    "the_desk_moves_a_moment": (
        3,
        {
            "pick": picks,
            "act": st.sampled_from(["embargo", "embargo", "lift", "schedule", "early", "early"]),
            "hours": st.sampled_from([1, 5, 26]),
        },
    ),
    "the_desk_lets_go": (2, {"pick": picks, "urgent": st.booleans()}),
    "the_desk_translates": (3, {"pick": picks, "let_go": st.booleans()}),
    "an_operator_acts": (2, {"pick": picks, "act": st.sampled_from(["pause", "resume", "cancel"])}),
    "an_operator_retries": (2, {"refused": st.booleans()}),
    "the_source_shows": (
        6,
        {
            "what": st.sampled_from(["new", "new", "edit", "edit", "rename", "the same"]),
            "pick": picks,
        },
    ),
    "a_reader_chooses": (
        8,
        {
            "mailbox": mailboxes,
            "room": rooms,
            "frequency": st.sampled_from([*ALL, "at_once"]),
            "hour": st.sampled_from([2, 8, 9]),
            "weekday": st.integers(0, 6),
            "languages": st.sampled_from([("da",), ("en",), ("da", "en"), ("en", "da")]),
            "pause": st.sampled_from([None, None, 20]),
            "urgent_at_once": st.booleans(),
            "merged": st.booleans(),
            "every_language": st.booleans(),
        },
    ),
    "a_reader_leaves": (2, {"mailbox": mailboxes, "room": rooms}),
    "a_reader_thinks_better_of_it": (2, {"mailbox": mailboxes, "room": rooms}),
    "a_reader_signs_up": (
        3,
        {
            "mailbox": mailboxes,
            "room": rooms,
            "language": st.sampled_from(["da", "en"]),
            "confirms": st.sampled_from([True, True, False]),
        },
    ),
    "a_reader_moves": (2, {"old": mailboxes, "new": mailboxes, "room": rooms}),
    "time_passes": (
        12,
        {"hours": st.sampled_from([0.05, 0.3, 1, 4, 11, 19, 30, 100]), "watched": st.booleans()},
    ),
    "chores_are_done": (4, {"deaths": st.sampled_from([0, 0, 1, 2])}),
    "releases_are_published": (2, {}),
    "another_dispatcher_starts": (1, {}),
    "it_takes": (3, {"pick": picks, "want": st.integers(1, 6)}),
    "it_sends": (
        9,
        {
            "pick": picks,
            "want": st.integers(1, 4),
            "answer": st.sampled_from(ANSWERS),
            "took": st.booleans(),
        },
    ),
    "it_sends_all": (6, {"pick": picks}),
    "it_begins": (3, {"pick": picks, "count": st.integers(1, 3)}),
    "it_hears": (3, {"pick": picks, "answer": st.sampled_from(ANSWERS), "took": st.booleans()}),
    "it_is_killed": (
        3,
        {
            "pick": picks,
            "took": st.booleans(),
            "journal": st.sampled_from(["kept", "kept", "gone", "cut"]),
        },
    ),
}
"""What may happen: how often among all, and with what."""


def acts() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Something that happens, by its weight."""
    names = [name for name, (weight, _) in ACTS.items() for _ in range(weight)]
    return st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), st.fixed_dictionaries(ACTS[name][1]))
    )
