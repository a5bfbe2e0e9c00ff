"""The press desk: the right newsroom, one release for the same words, and nothing mailed before its word."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from support.desk import import_readers, race, text
from support.offices import KEFM, START, UM, Clock, make_office

from mailer.core.errors import NotAllowed, NotFound
from mailer.core.release import ReleaseDocument
from mailer.services import press, publish
from mailer.services.office import Office
from mailer.services.press import Added
from mailer.store import mailings
from mailer.store.tables import audit

SIGNED = ReleaseDocument(text(), issuer="Udenrigsministeriet")


def add(office: Office, document: ReleaseDocument = SIGNED, newsroom: str | None = None) -> Added:
    return press.add_document(office, document, newsroom=newsroom, who="desk")


def notes(office: Office) -> list[tuple[str, str, str]]:
    with office.database.read() as connection:
        rows = connection.execute(
            select(audit.c.who, audit.c.act, audit.c.subject).order_by(audit.c.id)
        )
        return [(row.who, row.act, row.subject) for row in rows]


def test_a_document_becomes_a_release_that_waits(office: Office) -> None:
    later = START + timedelta(hours=2)
    added = add(office, replace(SIGNED, publish_at=later, warnings=("look here",)))
    assert added == Added(
        added.id, "um", "new", "held", later, "Møde i Nævnet", warnings=("look here",)
    )
    row = press.shown(office, added.id)
    assert row.hold_reason == press.AWAITS_WORD
    assert publish.publish_due(office) == []
    assert notes(office) == [("desk", "release new", f"release:{added.id}")]


def test_the_same_words_again_are_the_same_release(office: Office) -> None:
    first, again = add(office), add(office, replace(SIGNED, warnings=("other",)))
    assert (again.id, again.news) == (first.id, "known")
    assert [row.id for row in press.listed(office)] == [first.id]
    assert len(notes(office)) == 1


def test_many_at_once_add_one_release(office: Office) -> None:
    added = race(*[lambda: add(office)] * 3)
    assert len({one.id for one in added}) == 1
    assert sorted(one.news for one in added) == ["known", "known", "new"]


def test_other_words_under_one_identity_are_an_edition(office: Office) -> None:
    named = replace(SIGNED, identity="um-1", canonical_url="https://um.example/1")
    first = add(office, named)
    second = add(office, replace(named, edition=text("Rettet")))
    assert (second.id, second.news, second.title) == (first.id, "edition", "Rettet")
    by_address = replace(SIGNED, canonical_url="https://um.example/1", edition=text("Igen"))
    assert add(office, by_address).id == first.id
    assert add(office, replace(SIGNED, edition=text("Et andet"))).id != first.id


@pytest.mark.parametrize("issuer", ["Udenrigsministeriet", " udenrigs  ministeriet ", "UM"])
def test_who_signs_decides_the_newsroom(office: Office, issuer: str) -> None:
    known = {"um": replace(UM, issuers=("UM", "Udenrigs Ministeriet")), "kefm": KEFM}
    assert add(replace(office, newsrooms=known), replace(SIGNED, issuer=issuer)).newsroom == "um"


@pytest.mark.parametrize(
    ("document", "newsroom", "words"),
    [
        (SIGNED, "nowhere", "kefm, um"),
        (replace(SIGNED, issuer="Somebody else"), None, "issuers"),
        (replace(SIGNED, issuer=None), None, "--newsroom"),
    ],
)
def test_a_newsroom_that_cannot_be_told_is_asked_for(
    office: Office, document: ReleaseDocument, newsroom: str | None, words: str
) -> None:
    with pytest.raises(NotFound, match=words):
        add(office, document, newsroom)
    assert press.listed(office) == []


def test_nobody_is_mailed_what_another_signed(office: Office) -> None:
    with pytest.raises(NotAllowed, match="signed by “Udenrigsministeriet”"):
        add(office, SIGNED, "kefm")
    assert add(office, replace(SIGNED, issuer=None), "kefm").newsroom == "kefm"
    with pytest.raises(NotAllowed, match="signed by"):
        add(office, replace(SIGNED, newsroom="kefm"))


def test_the_only_newsroom_needs_no_name(office: Office) -> None:
    alone = replace(office, newsrooms={"um": UM})
    assert add(alone, replace(SIGNED, issuer=None)).newsroom == "um"


def test_a_kind_that_a_newsroom_does_not_mail_is_refused(office: Office) -> None:
    strict = replace(office, newsrooms={"um": replace(UM, kinds=("Pressemeddelelse",))})
    with pytest.raises(NotAllowed, match="“Tale” is not a kind"):
        add(strict, replace(SIGNED, kind="Tale"))
    assert add(strict, replace(SIGNED, kind="Pressemeddelelse")).news == "new"


def test_the_word_lets_it_go_once(office: Office, clock: Clock) -> None:
    added = add(office)
    before = clock.woken
    assert press.send(office, added.id, who="chief").state == "approved"
    assert clock.woken == before + 1
    publish.publish_due(office)
    assert press.send(office, added.id, who="chief").state == "published"
    approvals = [note for note in notes(office) if note[1] == "release approved"]
    assert approvals == [("chief", "release approved", f"release:{added.id}")]


def test_urgent_is_remembered_and_reaches_a_mailing_under_way(office: Office) -> None:
    import_readers(office, 1)
    urgent, late = add(office), add(office, replace(SIGNED, edition=text("Et andet")))
    assert press.send(office, urgent.id, who="chief", urgent=True).urgent
    assert not press.send(office, late.id, who="chief").urgent
    publish.publish_due(office)
    with office.database.read() as connection:
        assert [row.urgent for row in mailings.mailings(connection)] == [True, False]
    for _ in range(2):
        press.send(office, late.id, who="chief", urgent=True)
    with office.database.read() as connection:
        assert [row.urgent for row in mailings.mailings(connection)] == [True, True]
    assert [note for note in notes(office) if note[1] == "release urgent"] == [
        ("chief", "release urgent", f"release:{urgent.id}"),
        ("chief", "release urgent", f"release:{late.id}"),
    ]


def test_what_is_not_there_cannot_be_sent_or_shown(office: Office) -> None:
    with pytest.raises(NotFound, match="release 7"):
        press.send(office, 7, who="desk")
    with pytest.raises(NotFound, match="release 7"):
        press.shown(office, 7)
    with pytest.raises(NotFound, match="nowhere"):
        press.listed(office, "nowhere")


def test_who_is_told_first_is_who_asked(sqlite_database: object) -> None:
    """A release that is published without readers is published all the same."""
    office = make_office(sqlite_database)  # type: ignore[arg-type] # the fixture's own type
    import_readers(office, 0)
    press.send(office, add(office).id, who="desk")
    (done,) = publish.publish_due(office)
    assert isinstance(done, publish.Published)
    assert done.audience == 0
