"""Files that lie with us: kept once, whole, and anybody's only while their release is public."""

from sqlalchemy import update
from support.desk import approve, publish_one
from support.offices import KEFM, START, UM

from mailer.core.files import place_of
from mailer.services.office import Office
from mailer.store import kept_files
from mailer.store.kept_files import KeptFile
from mailer.store.tables import release

CONTENT = bytes(range(256)) * 20
FILE = KeptFile("https://um.example/a.pdf", "a.pdf", "application/pdf", CONTENT)


def test_a_file_is_kept_once_and_read_back_whole(office: Office) -> None:
    number = publish_one(office).release_id
    held = approve(office)
    with office.database.write() as connection:
        for file in (FILE, KeptFile(FILE.url, "other", "", b"later")):
            kept_files.keep(connection, number, file, START)
        kept_files.keep(connection, held, FILE, START)
    place = place_of(FILE.url)
    with office.database.read() as connection:
        assert kept_files.sizes(connection, number) == {place: len(CONTENT)}
        assert kept_files.content(connection, number, FILE.url) == CONTENT
        assert kept_files.content(connection, number, "https://um.example/b.pdf") is None
        found = kept_files.public(connection, UM.key, number, place)
        assert found == ("a.pdf", "application/pdf", CONTENT)
        for elsewhere in ((KEFM.key, number), (UM.key, held), (UM.key, 99)):
            assert kept_files.public(connection, *elsewhere, place) is None
    with office.database.write() as connection:
        connection.execute(update(release).values(state="withdrawn"))
        assert kept_files.public(connection, UM.key, number, place) is None
