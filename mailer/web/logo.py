"""Reads a newsroom's logo once, at the start, and serves it so that it can do nothing but be looked at.

Pages show it as an image, where no browser runs scripts. Somebody who opens its address by itself gets
it in a sandbox. What could do harm or fetch from elsewhere is refused all the same, with its place:
a logo that needs a script or another site was not made for this.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from starlette.responses import Response

from mailer.core.errors import MailerError
from mailer.core.newsroom import Newsroom

SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For a picture opened by itself: its own colours, and nothing else."""

MAX_OCTETS = 256 * 1024
HEIGHT = 44  # pixels on the page, at most
WIDTH = 264

_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}"
_FORBIDDEN = frozenset(
    {"script", "foreignObject", "iframe", "object", "embed", "handler", "listener"}
)
_FOREIGN = re.compile(r"url\(\s*['\"]?(?!#|data:image/)|@import", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is served.

    Attributes:
        width, height: in pixels, as the page shows it.
    """

    name: str
    media_type: str
    content: bytes
    width: int
    height: int

    def answer(self, cache: str) -> Response:
        """The picture, for any site to show, and in a sandbox where it is opened by itself."""
        headers = {
            "Cache-Control": cache,
            "Content-Security-Policy": SANDBOX,
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return Response(self.content, media_type=self.media_type, headers=headers)


@dataclass(frozen=True, slots=True)
class Logo:
    """A newsroom's logo; without a `dark` one the `light` one needs a light plate on dark pages."""

    light: Picture
    dark: Picture | None

    def picture(self, name: str) -> Picture | None:
        """The one of that name."""
        return next((one for one in (self.light, self.dark) if one and one.name == name), None)


def read_logo(newsroom: Newsroom) -> Logo | None:
    """The logo that the settings name, if they do.

    Raises:
        MailerError: a file cannot be shown safely; names the setting and the cure.
    """
    if not newsroom.logo:
        return None
    place = f"newsroom.{newsroom.key}.logo"
    dark = read_picture(newsroom.logo_dark, f"{place}_dark") if newsroom.logo_dark else None
    return Logo(read_picture(newsroom.logo, place), dark)


def read_picture(file: str, place: str) -> Picture:
    """A PNG or SVG file.

    Args:
        place: the setting that names it.

    Raises:
        MailerError: it is not there, too large, not what its end says, or could do more than be seen.
    """
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise MailerError(
            f"{place}: {file} cannot be read ({(error.strerror or str(error)).lower()})",
            "check its path and mode",
        ) from error
    if len(content) > MAX_OCTETS:
        raise _refused(place, file, f"has {len(content):,} octets", f"keep below {MAX_OCTETS:,}")
    if content.startswith(_PNG):
        kind, media_type, size = "png", "image/png", _png_size(content, place, file)
    else:
        kind, media_type, size = "svg", "image/svg+xml", _svg_size(content, place, file)
    if Path(file).suffix.lower() != f".{kind}":
        raise _refused(place, file, f"holds a {kind.upper()} picture", f"name it .{kind}")
    scale = min(HEIGHT / size[1], WIDTH / size[0])
    width, height = (max(1, round(side * scale)) for side in size)
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
    return Picture(name, media_type, content, width, height)


def _png_size(content: bytes, place: str, file: str) -> tuple[float, float]:
    """Width and height as the header chunk says (PNG, third edition, section 11.2.1)."""
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if content[12:16] != b"IHDR" or not width or not height:
        raise _refused(place, file, "is a damaged PNG", "save it anew")
    return width, height


def _svg_size(content: bytes, place: str, file: str) -> tuple[float, float]:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _refused(
            place,
            file,
            "has a document type, where entities hide",
            "delete the line <!DOCTYPE ...>",
        )
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - bounded, without entities, the operator's own
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _refused(
            place, file, "is neither SVG nor PNG", "save the logo as one of the two"
        ) from error
    if root.tag != f"{_SVG}svg":
        raise _refused(place, file, "is XML, but no SVG", "save the logo as SVG")
    harm = next(_harms(root), None)
    if harm is not None:
        raise _refused(place, file, f"holds {harm}", "save it as plain shapes")
    return _svg_extent(root, place, file)


def _harms(root: ElementTree.Element) -> Iterator[str]:
    """What a logo has no need of: scripts, other documents, anything fetched."""
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name in _FORBIDDEN:
            yield f"a <{name}>"
        if name == "style" and _FOREIGN.search(element.text or ""):
            yield "a style that fetches from elsewhere"
        for attribute, value in element.attrib.items():
            bare = attribute.rpartition("}")[2].lower()
            if bare.startswith("on"):
                yield f"a script in {bare}="
            if bare == "href" and not value.strip().startswith(("#", "data:image/")):
                yield f"a link to {value[:60]}"
            if bare != "href" and _FOREIGN.search(value):
                yield f"a reference to elsewhere in {bare}="


def _svg_extent(root: ElementTree.Element, place: str, file: str) -> tuple[float, float]:
    box = re.findall(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?", root.get("viewBox", ""))
    sides = box[2:] if len(box) == 4 else [root.get("width", ""), root.get("height", "")]
    try:
        width, height = (float(side.removesuffix("px")) for side in sides)
    except ValueError:
        width = height = 0.0
    if not (0 < width < float("inf") and 0 < height < float("inf")):
        raise _refused(
            place, file, "has no size", 'give its <svg> a viewBox, as in viewBox="0 0 300 100"'
        )
    return width, height


def _refused(place: str, file: str, what: str, cure: str) -> MailerError:
    return MailerError(f"{place}: {file} {what}", cure)
