"""Files of a release: carried where small and asked for, else linked; public when their release is."""

import asyncio
import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest
from support.desk import import_readers, text
from support.offices import UM, Clock, make_office
from support.web_source import WebSource, page
from support.workers import take

from mailer.core.address import parse_address
from mailer.core.errors import NotAllowed, NotFound
from mailer.core.files import MOST, place_of
from mailer.core.release import Edition, File, ReleaseDocument
from mailer.services import attachments, enclosing, material, press, publish, translations
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
