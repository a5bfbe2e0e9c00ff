"""Files and pictures on a release's page: linked, loaded only from us, and harmless to open."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from support.desk import text
from support.offices import UM

from mailer.core.files import place_of
from mailer.core.release import File, Picture, ReleaseDocument
from mailer.services import enclosing, press, publish
from mailer.services.office import Office
from mailer.services.press import Beside

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
HTML = b"<script>alert(1)</script>"


@pytest.fixture
def page(office: Office) -> str:
    """The path of a published release with all that may come with one."""
    kept = enclosing.from_disk([("Tål.html", HTML), ("hus.png", PNG)])
    edition = replace(
        text("En sag"),
        files=(File("https://um.example/a.pdf", "A & B.pdf", "application/pdf", 2048),),
        pictures=(
            Picture("https://um.example/p.jpg", "Et hus", "Huset <ved> havet", "Ole"),
            Picture(kept[1].url, "Vores hus", width=4, height=3),
        ),
    )
    document = ReleaseDocument(edition)
    added = press.add_document(
        office, document, newsroom=UM.key, who="desk", beside=Beside(files=kept)
    )
    press.send(office, added.id, who="desk")
    publish.publish_due(office)
    return f"/um/releases/{added.id}-en-sag"


def test_the_page_links_what_lies_elsewhere_and_shows_what_is_ours(
    site: TestClient, page: str
) -> None:
    answer = site.get(f"{page}?lang=en")
    for words in (
        '<a href="https://um.example/a.pdf"><bdi>A &amp; B.pdf</bdi></a>',
        "(PDF, 2\N{NO-BREAK SPACE}KB)",
        '<a href="https://um.example/p.jpg" dir="auto">Et hus</a>',
        "Huset &lt;ved&gt; havet",
        "Photo: Ole",
        'alt="Vores hus" width="4" height="3"',
    ):
        assert words in answer.text
    assert 'src="https://um.example' not in answer.text
    assert "img-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("position", "media_type", "disposition", "content"),
    [
        (0, "application/octet-stream", "attachment; filename*=utf-8''T%C3%A5l.html", HTML),
        (1, "image/png", "inline; filename*=utf-8''hus.png", PNG),
    ],
)
def test_a_file_of_ours_can_only_be_looked_at(
    site: TestClient, page: str, position: int, media_type: str, disposition: str, content: bytes
) -> None:
    kept = enclosing.from_disk([("Tål.html", HTML), ("hus.png", PNG)])[position]
    answer = site.get(f"{page}/files/{place_of(kept.url)}/name")
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == disposition
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/um/releases/1-en-sag/files/0000000000000000/a",
        "/kefm/releases/1/files/0000000000000000/a",
        "/um/releases/x/files/0/a",
        "/um/releases/99999999999999999999/files/0/a",
    ],
)
@pytest.mark.usefixtures("page")
def test_what_is_not_there_is_not_found(site: TestClient, path: str) -> None:
    assert site.get(path).status_code == 404
