"""A newsroom's logo: shown under a name of its own, in a sandbox, and refused where it could do harm."""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from support.full_day import LOGO
from support.offices import UM

from mailer.core.errors import MailerError
from mailer.services.office import Office
from mailer.web.logo import MAX_OCTETS, read_picture

Visit = Callable[[Office], TestClient]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 100">{}</svg>'


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., str]:
    """A file of that content; gives its path."""

    def make(content: str | bytes, name: str = "logo.svg") -> str:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    return make


def with_logo(office: Office, logo: str, dark: str = "") -> Office:
    return replace(office, newsrooms={"um": replace(UM, logo=logo, logo_dark=dark)})


def test_a_logo_stands_on_top_and_is_served_in_a_sandbox(office: Office, visit: Visit) -> None:
    site = visit(with_logo(office, str(LOGO)))
    page = site.get("/um").text
    (image,) = re.findall("<img [^>]*>", page)
    assert 'class="logo plate"' in image
    assert 'width="206" height="44" alt="Udenrigsministeriet"' in image
    (source,) = re.findall('src="([^"]+)"', image)
    assert re.fullmatch(r"/um/logo/[0-9a-f]{16}\.svg", source)
    answer = site.get(source)
    assert (answer.content, answer.headers["content-type"]) == (LOGO.read_bytes(), "image/svg+xml")
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].endswith("immutable")
    assert site.get("/um/logo/0000000000000000.svg").status_code == 404
    assert site.get("/kefm/logo/x").status_code == 404


def test_a_dark_logo_takes_its_place_on_dark_pages(
    office: Office, visit: Visit, picture: Callable[..., str]
) -> None:
    site = visit(with_logo(office, picture(SVG.format("")), picture(png(30, 10), "dark.png")))
    page = site.get("/um").text
    assert 'class="logo"' in page
    (source,) = re.findall(r'<source srcset="([^"]+)" media="\(prefers-color-scheme: dark\)"', page)
    assert site.get(source).headers["content-type"] == "image/png"
    assert source.endswith(".png")
    assert 'property="og:image"' not in page


def test_only_a_picture_that_others_can_show_is_named_to_them(
    office: Office, visit: Visit, picture: Callable[..., str]
) -> None:
    site = visit(with_logo(office, picture(png(600, 100), "logo.png")))
    page = site.get("/um").text
    (address,) = re.findall(r'<meta property="og:image" content="([^"]+)">', page)
    assert address.startswith("https://news.example/um/logo/")
    assert 'width="264" height="44"' in page
    assert site.get("/um/feed.json").json()["icon"] == address


def test_without_a_logo_there_is_none(site: TestClient) -> None:
    assert "<img" not in site.get("/um").text
    assert site.get("/um/logo/x.svg").status_code == 404


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (SVG.format("<script>x</script>"), "a.svg", "holds a <script>"),
        (SVG.format('<g onload="x"/>'), "a.svg", "a script in onload="),
        (SVG.format('<a href="javascript:x">.</a>'), "a.svg", "a link to javascript:x"),
        (SVG.format('<image href="https://e.example/x.png"/>'), "a.svg", "a link to https://e"),
        (SVG.format("<foreignObject/>"), "a.svg", "holds a <foreignObject>"),
        (SVG.format("<style>@import 'x'</style>"), "a.svg", "a style that fetches"),
        (SVG.format('<g style="fill:url(https://e.example/)"/>'), "a.svg", "elsewhere in style="),
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG, "a.svg", "has a document type"),
        ("<svg/>", "a.svg", "is XML, but no SVG"),
        (SVG.replace("viewBox", "box"), "a.svg", "has no size"),
        (SVG.replace("300", "0"), "a.svg", "has no size"),
        (SVG.replace("300", "1e999"), "a.svg", "has no size"),
        ("not a picture", "a.svg", "is neither SVG nor PNG"),
        (b"\xff\xfe\x00", "a.svg", "is neither SVG nor PNG"),
        ("", "a.png", "is neither SVG nor PNG"),
        (SVG, "a.png", "holds a SVG picture"),
        (png(1, 1), "a.svg", "holds a PNG picture"),
        (png(1, 1)[:14], "a.png", "is a damaged PNG"),
        (png(0, 1), "a.png", "is a damaged PNG"),
        (b"x" * (MAX_OCTETS + 1), "a.png", "octets"),
    ],
)
def test_what_is_no_safe_picture_is_refused_with_its_place(
    picture: Callable[..., str], content: str | bytes, name: str, words: str
) -> None:
    file = picture(content, name)
    with pytest.raises(MailerError) as refused:
        read_picture(file, "newsroom.um.logo")
    assert refused.value.what.startswith(f"newsroom.um.logo: {file} ")
    assert words in refused.value.what
    assert refused.value.cure


def test_a_logo_that_is_gone_stops_the_pages_at_their_start(
    office: Office, visit: Visit, tmp_path: Path
) -> None:
    with pytest.raises(MailerError, match=r"newsroom\.um\.logo_dark: .*cannot be read"):
        visit(with_logo(office, str(LOGO), str(tmp_path / "gone.svg")))


@pytest.mark.parametrize(
    "content",
    [
        SVG.format('<path fill="url(#g)" d="M0 0h9"/><use href="#g"/>'),
        SVG.format('<image href="data:image/png;base64,AAAA"/>'),
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="90px" height="30"/>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1,-1 9e1 30.0"/>',
    ],
)
def test_plain_shapes_are_fine(picture: Callable[..., str], content: str) -> None:
    found = read_picture(picture(content), "newsroom.um.logo")
    assert (found.width, found.height) == (132, 44)
