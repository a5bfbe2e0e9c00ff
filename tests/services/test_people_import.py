"""Imports of people who consented elsewhere: all or already there, refused with a reason, never twice."""

import gc
import itertools
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.offices import KEFM, UM, Clock, make_office
from support.readers import PAGE, acts, leave_token, make_active, notices, sign_up

from mailer.core.address import parse_address
from mailer.core.errors import NotAllowed
from mailer.services import imports, leaving, people
from mailer.services.imports import Batch, Tally, import_people
from mailer.services.office import Office
from mailer.sources.address_list import Listed
from mailer.store.database import Database

EVIDENCE = "Sign-up sheets, press day 2025"


def listed(*addresses: str) -> list[Listed]:
    return [Listed(number, address) for number, address in enumerate(addresses, start=2)]


def imported(office: Office, people: list[Listed], **changes: str) -> list[Batch]:
    wishes = {"evidence": EVIDENCE, **changes}
    return list(import_people(office, newsroom=UM, people=people, **wishes))


def active(office: Office) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (row.mailbox, row.languages)
        for row in people.list_people(office, newsroom=UM)
        if row.state == "active"
    ]


def test_who_is_imported_is_active_with_evidence_and_gets_no_mail(
    office: Office, clock: Clock
) -> None:
    (batch,) = imported(office, listed("Anna@Example.org", "bo@example.org"))

    assert batch == Batch((), Tally(read=2, imported=2))
    assert active(office) == [("Anna@example.org", ("da",)), ("bo@example.org", ("da",))]
    assert notices(office) == []
    person = people.show(office, address=parse_address("anna@example.org"))
    (entry,) = person.evidence
    assert (entry.act, entry.address, entry.form, entry.evidence, entry.at) == (
        "imported",
        "Anna@Example.org",
        "import",
        EVIDENCE,
        clock(),
    )
    assert person.subscriptions[0].generation == 1
    assert person.subscriptions[0].active_since == clock()


def test_a_second_run_imports_nobody(office: Office) -> None:
    lines = listed("anna@example.org", "bo@example.org", "ANNA@example.org")
    (first,) = imported(office, lines)

    (second,) = imported(office, lines)

    assert first.tally == Tally(read=3, imported=2, duplicates=1)
    assert second.tally == Tally(read=3, already=3)
    assert acts(office, "anna@example.org") == ["imported"]


def test_a_line_repeated_in_a_later_batch_is_counted_as_repeated(office: Office) -> None:
    make_active(office, "known@example.org")
    lines = listed(*(f"r{number}@example.org" for number in range(imports.BATCH)))
    lines += [Listed(5000, "R0@example.org"), Listed(5001, "known@example.org")]

    batches = imported(office, lines)

    assert [batch.tally.read for batch in batches] == [imports.BATCH, imports.BATCH + 2]
    assert batches[-1].tally == Tally(
        read=imports.BATCH + 2, imported=imports.BATCH, already=1, duplicates=1
    )


def test_every_refused_line_has_its_number_and_reason(office: Office) -> None:
    make_active(office, "left@example.org")
    leaving.leave(office, token=leave_token(office), origin=PAGE)
    people.suppress(office, address=parse_address("dead@example.org"), reason="dead")
    lines = [
        *listed("left@example.org", "ok@example.org", "dead@example.org", "nonsense", ""),
        Listed(8, "x@example.org", state="ended"),
        Listed(9, "y@example.org", fault="the quotes on this line do not close"),
    ]

    (batch,) = imported(office, lines)

    assert batch.tally == Tally(read=7, imported=1, refused=6)
    reasons = {one.line: one.reason for one in batch.refused}
    assert list(reasons) == [2, 4, 5, 6, 8, 9]
    assert "left" in reasons[2]
    assert "suppressed" in reasons[4]
    assert "@-sign" in reasons[5]
    assert "No address" in reasons[6]
    assert "ended, not active" in reasons[8]
    assert "quotes" in reasons[9]
    assert active(office) == [("ok@example.org", ("da",))]
    assert acts(office, "left@example.org")[-1] == "left"


def test_who_asked_but_never_confirmed_is_imported_on_evidence(office: Office) -> None:
    sign_up(office, "anna@example.org")

    (batch,) = imported(office, listed("anna@example.org"))

    assert batch.tally.imported == 1
    assert acts(office, "anna@example.org") == ["asked", "imported"]
    assert active(office) == [("anna@example.org", ("da",))]


def test_a_line_may_name_its_language(office: Office) -> None:
    lines = [
        Listed(2, "a@example.org", language="en-GB"),
        Listed(3, "b@example.org", language="fr"),
        Listed(4, "c@example.org"),
    ]

    imported(office, lines, language="en")

    assert [languages for _, languages in active(office)] == [("en",), ("en",), ("en",)]
    (batch,) = imported(office, [Listed(2, "d@example.org", language="fr")])
    assert batch.tally.imported == 1
    assert active(office)[-1] == ("d@example.org", ("da",))


@pytest.mark.parametrize("evidence", ["", "  ", "a\nb", "a\x1b[0m"])
def test_without_evidence_nobody_is_imported(office: Office, evidence: str) -> None:
    with pytest.raises(NotAllowed, match="evidence"):
        imported(office, listed("anna@example.org"), evidence=evidence)


def test_a_language_the_newsroom_does_not_offer_is_refused(office: Office) -> None:
    with pytest.raises(NotAllowed, match="does not write in “fr”"):
        imported(office, listed("anna@example.org"), language="fr")


def test_the_same_people_may_be_imported_to_another_newsroom(office: Office) -> None:
    imported(office, listed("anna@example.org"))

    (batch,) = import_people(
        office, newsroom=KEFM, people=listed("anna@example.org"), evidence=EVIDENCE
    )

    assert batch.tally == Tally(read=1, imported=1)


def test_what_was_committed_stands_when_an_import_stops(office: Office) -> None:
    everybody = [f"r{number}@example.org" for number in range(imports.BATCH + 10)]
    batches = import_people(office, newsroom=UM, people=listed(*everybody), evidence=EVIDENCE)
    next(batches)
    del batches
    assert len(active(office)) == imports.BATCH

    done = imported(office, listed(*everybody))

    assert done[-1].tally == Tally(read=len(everybody), imported=10, already=imports.BATCH)


def test_two_imports_of_one_list_at_once_import_everybody_once(office: Office) -> None:
    everybody = [f"r{number}@example.org" for number in range(300)]
    lists = [listed(*everybody), listed(*reversed(everybody))]

    with ThreadPoolExecutor(2) as pool:
        done = [batches[-1].tally for batches in pool.map(lambda one: imported(office, one), lists)]

    assert sum(tally.imported for tally in done) == len(everybody)
    assert sum(tally.read for tally in done) == 2 * len(everybody)
    assert len(active(office)) == len(everybody)
    assert {acts(office, name).count("imported") for name in everybody[::50]} == {1}


def test_memory_does_not_grow_with_the_list(sqlite_database: Database) -> None:
    def lines() -> Iterator[Listed]:
        for number in itertools.count(1):
            yield Listed(number, f"reader{number}@example.org")

    office = make_office(sqlite_database)
    batches = import_people(office, newsroom=UM, people=lines(), evidence=EVIDENCE)
    for _ in range(2):
        next(batches)
    tracemalloc.start()
    try:
        next(batches)
        gc.collect()  # how seldom circles are looked for is not what is asked
        settled = tracemalloc.get_traced_memory()[0]
        for _ in range(2):
            next(batches)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - settled
    finally:
        tracemalloc.stop()

    assert grown < 300_000
