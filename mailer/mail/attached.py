"""Puts files beside a message's texts (RFC 2046 section 5.1.3), and gives them names (RFC 2183, RFC 2231).

multipart/mixed holds the multipart/alternative first and then each file in base64, as an attachment. A name
outside ASCII is written as RFC 2231 section 4 has it.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mailer.core.address import has_hidden
from mailer.mail import headers

_LINE = 57  # octets that make 76 characters of base64
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._ ()+-]{1,50}")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a message carries; `url` is its address, as the edition has it."""

    url: str
    name: str
    media_type: str
    content: bytes


def mixed(alternative: bytes, attachments: Sequence[Attachment]) -> bytes:
    """The MIME fields and body of a message with attachments.

    Args:
        alternative: MIME fields and body of its texts, from Content-Type on.
    """
    digest = hashlib.sha256(alternative)
    for one in attachments:
        digest.update(one.content)
    boundary = f"=_m{digest.hexdigest()[:32]}".encode()
    parts = [alternative, *(_part(one) for one in attachments)]
    inner = b"".join(b"\r\n--%s\r\n%s" % (boundary, part.removesuffix(b"\r\n")) for part in parts)
    start = headers.field("Content-Type", "multipart/mixed;", b'boundary="%s"' % boundary)
    return start + inner + b"\r\n--%s--\r\n" % boundary


def _part(one: Attachment) -> bytes:
    known = _MEDIA_TYPE.fullmatch(one.media_type.partition(";")[0].strip().lower())
    encoded = [
        base64.b64encode(one.content[start : start + _LINE]) + b"\r\n"
        for start in range(0, len(one.content), _LINE)
    ]
    return b"".join(
        [
            headers.field("Content-Type", known[0] if known else "application/octet-stream"),
            headers.field("Content-Transfer-Encoding", "base64"),
            headers.field("Content-Disposition", "attachment;", *_names(one.name)),
            b"\r\n",
            *encoded,
        ]
    )


def _names(name: str) -> list[str]:
    """The parameters that name a file; never a path, nor anything that dresses one name as another."""
    shown = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    shown = "".join(letter for letter in shown if not has_hidden(letter))
    shown = re.sub(r"^[\s.]+|[\s.]+$", "", shown) or "file"
    stem, dot, ending = shown.rpartition(".")
    if dot and len(ending) <= 10:
        shown = f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}"
    else:
        shown = shown[:_LONGEST_NAME]
    if _PLAIN_NAME.fullmatch(shown):
        return [f'filename="{shown}"']
    encoded = quote(shown, safe="!#$&+-.^_`|~")
    return [f"filename*=utf-8''{encoded}"]
