"""Files of a release: carried where small and asked for, else linked; public when their release is."""

import asyncio
import email
import email.policy
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from support.desk import ACCEPTED, import_readers, text
from support.desk_hand import DeskHand, corrected
from support.offices import UM, Clock, make_office
from support.web_source import WebSource, page
from support.workers import take

from mailer.core.address import parse_address
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.files import MOST, place_of
from mailer.core.release import Edition, File, ReleaseDocument
from mailer.services import (
    accreditation,
    attachments,
    corrections,
    early,
    embargo,
    enclosing,
    material,
    press,
    publish,
    translations,
)
from mailer.services.accreditation import Grant
from mailer.services.office import Office
from mailer.services.press import Added, Beside
from mailer.services.preview import preview
from mailer.store.database import Database

TABLE = b"a;b\r\n1;2\r\n" * 40


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """Bytes go in and out the same way on both databases (tests/store); here one is enough."""
    office = make_office(sqlite_database, clock)
    office = replace(office, limits=replace(office.limits, attachments=1000))
    import_readers(office, 1)
    return office


def add(
    office: Office,
    edition: Edition,
    beside: Beside = press.NOTHING,
    *,
    identity: str | None = None,
) -> Added:
    document = ReleaseDocument(edition, identity=identity)
    return press.add_document(office, document, newsroom=UM.key, who="desk", beside=beside)


def mail(office: Office, number: int) -> EmailMessage:
    """What the one reader is sent."""
    shown = preview(office, number, parse_address("reader0@example.org"))
    message = email.message_from_bytes(shown.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def carried(message: EmailMessage) -> dict[str | None, object]:
    return {
        part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()
    }


def test_a_file_from_the_desk_travels_and_is_public_with_its_release(office: Office) -> None:
    files = enclosing.from_disk([("Tål.csv", TABLE)])
    added = add(office, text(), Beside(files=files))
    place = add(office, text(), Beside(files=files))
    assert (place.id, place.news) == (added.id, "known")
    assert carried(mail(office, added.id)) == {"Tål.csv": TABLE}
    assert attachments.linked_instead(office, added.id) == []
    (file,) = press.shown(office, added.id).edition.files
    word = place_of(file.url)
    with pytest.raises(NotFound):
        material.file(office, UM, added.id, word)
    press.send(office, added.id, who="desk")
    publish.publish_due(office)
    assert material.file(office, UM, added.id, word).content == TABLE
    (due,) = take(office)
    assert due.mailing_id is not None
    assert carried(mail(office, added.id)) == {"Tål.csv": TABLE}
    with pytest.raises(NotFound):
        material.file(office, UM, added.id + 1, word)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("stor.csv", b"x" * 1001, "0 KB at most"),
        ("program.exe", b"MZ", "distrust"),
    ],
)
def test_what_may_not_travel_is_linked_and_the_desk_is_told(
    office: Office, name: str, content: bytes, words: str
) -> None:
    added = add(office, text(), Beside(files=enclosing.from_disk([(name, content)])))
    message = mail(office, added.id)
    assert message.get_content_type() == "multipart/alternative"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert f"/files/{place_of(press.shown(office, added.id).edition.files[0].url)}/" in (
        plain.get_content()
    )
    (told,) = attachments.linked_instead(office, added.id)
    assert name in told
    assert words in told


@pytest.mark.parametrize(("name", "content"), [("tom.csv", b""), ("stor.pdf", b"x" * (MOST + 1))])
def test_what_cannot_be_kept_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(NotAllowed, match=name):
        enclosing.from_disk([(name, content)])


def test_what_lies_elsewhere_is_fetched_once_and_never_while_a_mail_is_made(office: Office) -> None:
    with WebSource() as server:
        server.pages["/a.csv"] = page(TABLE, content_type="text/csv")
        server.pages["/b.csv"] = page(b"x" * 2000, content_type="text/csv")
        urls = [server.url(f"/{name}") for name in ("a.csv", "b.csv", "gone.csv")]
        files = tuple(File(url, url[-5:], "text/csv", attach=True) for url in urls)
        added = add(office, replace(text(), files=files))
        assert carried(mail(office, added.id)) == {}
        assert server.requests == []
        for _ in range(2):
            asyncio.run(attachments.fetch(office, added.id, allow_private=True))
        assert [asked.path for asked in server.requests].count("/a.csv") == 1
    assert carried(mail(office, added.id)) == {"a.csv": TABLE}
    told = attachments.linked_instead(office, added.id)
    assert len(told) == 2
    assert all("could not be had" in words for words in told)


def under_way(office: Office, tmp_path: Path) -> tuple[Added, DeskHand]:
    """A release with a table, which one of two readers has."""
    import_readers(office, 1, prefix="other")
    added = add(office, text("Nyt"), Beside(files=enclosing.from_disk([("tal.csv", TABLE)])))
    press.send(office, added.id, who="desk")
    publish.publish_due(office)
    hand = DeskHand(office, tmp_path)
    hand.send(ACCEPTED)
    hand.let_go_of_stopped()
    return added, hand


def owed(hand: DeskHand) -> dict[str, EmailMessage]:
    """What each reader is sent now."""
    found = {}
    for letter in hand.take():
        message = email.message_from_bytes(hand.message(letter), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found[letter.due.mailbox.partition("@")[0]] = message
    return found


def changed(office: Office, number: int, edition: Edition) -> None:
    done = corrections.correct(office, number, edition, note="", who="desk", patience=0)
    assert done.settled


def test_a_corrected_release_carries_its_files_and_the_notice_links_them(
    office: Office, tmp_path: Path
) -> None:
    added, hand = under_way(office, tmp_path)
    changed(office, added.id, enclosing.go_along(office, added.id, corrected()))
    mails = owed(hand)
    assert carried(mails["other0"]) == {"tal.csv": TABLE}
    assert mails["other0"]["Subject"] == "Nyt, rettet"
    assert carried(mails["reader0"]) == {}
    plain = mails["reader0"].get_body(("plain",))
    assert plain is not None
    (file,) = press.shown(office, added.id).edition.files
    assert f"/files/{place_of(file.url)}/tal.csv" in plain.get_content()


def test_a_file_is_replaced_or_goes_with_a_correction(office: Office, tmp_path: Path) -> None:
    added, hand = under_way(office, tmp_path)
    better = enclosing.from_disk([("tal.csv", b"a;b\r\n"), ("mere.csv", TABLE)])
    changed(office, added.id, enclosing.go_along(office, added.id, text("Nyt"), files=better))
    assert carried(owed(hand)["other0"]) == {"tal.csv": b"a;b\r\n", "mere.csv": TABLE}
    with pytest.raises(NotAllowed, match=r"no attached file tab\.csv"):
        enclosing.go_along(office, added.id, text("Nyt"), without=["tab.csv"])
    gone = enclosing.go_along(office, added.id, text("Nyt"), without=["tal.csv", "mere.csv"])
    assert gone.files == ()
    hand.worker.feed.clear()


def test_what_a_corrected_text_carries_from_elsewhere_is_fetched_before(
    office: Office, tmp_path: Path
) -> None:
    added, hand = under_way(office, tmp_path)
    with WebSource() as server:
        server.pages["/b.csv"] = page(b"b", content_type="text/csv")
        file = File(server.url("/b.csv"), "b.csv", "text/csv", attach=True)
        edition = replace(corrected(), files=(file,))
        asyncio.run(attachments.fetch(office, added.id, also=edition, allow_private=True))
    changed(office, added.id, enclosing.go_along(office, added.id, edition))
    assert carried(owed(hand)["other0"]) == {"b.csv": b"b", "tal.csv": TABLE}


def test_an_early_copy_carries_them_before_and_after_a_correction(
    office: Office, clock: Clock, tmp_path: Path
) -> None:
    import_readers(office, 1, prefix="other")
    added = add(office, text("Nyt"), Beside(files=enclosing.from_disk([("tal.csv", TABLE)])))
    for mailbox in ("reader0@example.org", "other0@example.org"):
        grant = Grant("Avisen", clock() + timedelta(days=9))
        accreditation.accredit(office, parse_address(mailbox), newsroom=UM, grant=grant, who="desk")
    embargo.move(office, added.id, clock() + timedelta(days=1), who="desk")
    press.send(office, added.id, who="desk")
    early.send_early(office, added.id, who="desk")
    hand = DeskHand(office, tmp_path)
    first = hand.begin(1)
    assert b"tal.csv" in hand.message(first[0])
    hand.end(first, ACCEPTED)
    hand.let_go_of_stopped()
    changed(office, added.id, enclosing.go_along(office, added.id, corrected()))
    assert {reader: carried(mail) for reader, mail in owed(hand).items()} == {
        "reader0": {},
        "other0": {"tal.csv": TABLE},
    }


def test_a_translation_joins_its_release(office: Office) -> None:
    first = add(office, text("Dansk"), identity="um-1")
    english = replace(text("English"), language="en")
    joined = add(office, english, Beside(translates=first.id), identity="um-1-en")
    assert (joined.id, joined.news) == (first.id, "edition")
    assert add(office, english, identity="um-1-en").id == first.id, "known by its own name now"
    with pytest.raises(NotAllowed, match="language of release"):
        add(office, text("Andre ord"), Beside(translates=first.id))
    with pytest.raises(NotFound):
        add(office, english, Beside(translates=99))
    press.send(office, first.id, who="desk")
    publish.publish_due(office)
    late = add(office, replace(text("Svenska"), language="sv"), Beside(translates=first.id))
    assert late.news == "translation"
    press.send(office, first.id, who="desk")
    (done,) = translations.publish_due(office)
    assert isinstance(done, publish.Published)
