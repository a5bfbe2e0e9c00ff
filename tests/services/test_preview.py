"""A preview is the message itself: before it is published but for its number, afterwards to the byte."""

import re

import pytest
from support.desk import ACCEPTED, approve, came_of, import_readers, lease, text
from support.dispatching import delivery_of
from support.offices import KEFM, Clock
from support.readers import PAGE, leave_token

from mailer.core.address import parse_address
from mailer.core.errors import MailerError, NotFound
from mailer.core.release import ReleaseDocument
from mailer.mail.compose import Composer
from mailer.services import leaving, press, publish
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.services.preview import preview
from mailer.store import ledger, mailings, messages, outcomes

READER = parse_address("reader0@example.org")


def without_number(content: bytes) -> bytes:
    return re.sub(rb"\r\nMessage-ID:[^\r]*(\r\n [^\r]*)*", b"", content)


def test_before_it_is_published_only_its_number_is_open(office: Office) -> None:
    import_readers(office, 1)
    release_id = approve(office)
    before = preview(office, release_id, READER)
    assert before.recipient == "reader0@example.org"
    assert delivery_of(before.content) == 0
    publish.publish_due(office)
    after = preview(office, release_id, READER)
    assert delivery_of(after.content) == 1
    assert without_number(before.content) == without_number(after.content)


def test_it_is_what_the_dispatcher_sends_now_and_years_later(office: Office, clock: Clock) -> None:
    import_readers(office, 2)
    document = ReleaseDocument(text(), identity="um-1")
    added = press.add_document(office, document, newsroom="um", who="desk")
    press.send(office, added.id, who="desk")
    publish.publish_due(office)
    composer = Composer(office.keys.tokens, office.keys.marks)
    with office.database.write() as connection:
        due, _ = ledger.take(connection, lease(office), 2)
        kept = as_prepared(messages.read_prepared(connection, due.prepared_id))
        outcomes.record(connection, lease(office), [came_of(due, ACCEPTED, office)])
    sent = composer.compose(kept, due)
    assert preview(office, added.id, READER) == sent
    clock.move(days=700)
    newer = ReleaseDocument(text("Rettet"), identity="um-1")
    assert press.add_document(office, newer, newsroom="um", who="desk").news == "edition"
    leaving.leave(office, token=leave_token(office), origin=PAGE)
    assert preview(office, added.id, READER) == sent, "whatever came after"


def test_who_does_not_subscribe_there_gets_no_preview(office: Office) -> None:
    import_readers(office, 1, newsroom=KEFM)
    release_id = approve(office)
    for address in (READER, parse_address("nobody@example.org")):
        with pytest.raises(NotFound, match="does not subscribe to um"):
            preview(office, release_id, address)
    with pytest.raises(NotFound, match="release 99"):
        preview(office, 99, READER)


def test_what_cannot_be_prepared_says_so(office: Office) -> None:
    import_readers(office, 1)
    release_id = approve(office, text("For lang", "Meget lang tekst. " * 8000))
    with pytest.raises(MailerError, match="too long"):
        preview(office, release_id, READER)


def test_a_preview_changes_nothing(office: Office) -> None:
    import_readers(office, 1)
    release_id = approve(office)
    preview(office, release_id, READER)
    assert press.shown(office, release_id).state == "approved"
    with office.database.read() as connection:
        assert mailings.mailings(connection) == []
