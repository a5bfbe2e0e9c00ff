"""Makes text of a payload's bytes, or says why not: what its label says counts less than what it is.

In this order: a byte order mark; UTF-8, if the bytes are UTF-8 and not plain ASCII, whatever the labels say;
the server's charset (RFC 7303, RFC 9110); the document's own (`encoding`, `<meta charset>`). Latin-1 means
Windows-1252, as in browsers. A label that the bytes contradict is a fault: a guess could spoil every name.
"""

import codecs
import re

from mailer.core.errors import SourceFault
from mailer.sources.lines import MAX_BYTES

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a word-processor file or an archive"),
    (b"\xd0\xcf\x11\xe0", "an old word-processor file"),
    (b"{\\rtf", "rich text (RTF)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_OWN = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)"
    rb"|<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)",
    re.IGNORECASE,
)
# Of the codecs that Python has some are no encodings of text, and none of those is a stranger's to choose.
_KNOWN = re.compile(
    r"(?:utf-?(?:8|16|32)|iso-?8859|latin|windows-?|cp|koi8|mac|euc|gb|big5|shift|sjis|iso-?2022|hz|tis)",
    re.IGNORECASE,
)
_WINDOWS = {"iso-8859-1", "iso8859-1", "latin-1", "latin1", "us-ascii", "ascii"}


def text_of(payload: bytes, media_type: str) -> str:
    """The text of a payload.

    Args:
        media_type: as the server said it, with its charset; may be empty.

    Raises:
        SourceFault: empty, too big, no text, or in another encoding than it says.
    """
    if len(payload) > MAX_BYTES:
        raise SourceFault(
            f"The source gave {len(payload):,} bytes; {MAX_BYTES:,} is the most",
            "ask it for fewer releases at once",
        )
    if not payload.strip():
        raise SourceFault("The source gave nothing", "try again; check that the address is right")
    for start, name in _OTHERS:
        if payload.startswith(start):
            raise SourceFault(f"This is {name}, not text", "check what the address gives")
    return _decoded(payload, media_type).removeprefix("\ufeff")


def _decoded(payload: bytes, media_type: str) -> str:
    for mark, encoding in _MARKS:
        if payload.startswith(mark):
            return _strictly(payload, encoding, "its first bytes say")
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        if error.end >= len(payload) - 1 and error.reason == "unexpected end of data":
            return payload[
                : error.start
            ].decode()  # cut off amid a letter: what reads it will see that
        at = error.start
    server, own = _CHARSET.search(media_type), _OWN.search(payload[:2000])
    if server is not None and not _is_utf8(server[1]):
        return _strictly(payload, server[1], "its server says")
    if own is not None:
        label = (own[1] or own[2]).decode()
        if label.lower().startswith(("utf-16", "utf-32")):  # in ASCII, which that would not be
            raise SourceFault(f"It says that it is {label}, which it is not", "have it say UTF-8")
        if not _is_utf8(label):
            return _strictly(payload, label, "it says of itself")
    raise SourceFault(
        f"Byte 0x{payload[at]:02x} at {at:,} is not UTF-8, and no label says what else it is",
        "have its encoding mended at the source; it may be Windows-1252 or Latin-1",
    )


def _strictly(payload: bytes, label: str, who: str) -> str:
    name = "cp1252" if label.lower() in _WINDOWS else label
    try:
        if _KNOWN.match(name):
            return payload.decode(name)
    except LookupError:
        pass
    except UnicodeDecodeError as error:
        raise SourceFault(
            f"Byte 0x{payload[error.start]:02x} at {error.start:,} is not {label}, which {who}",
            "have its encoding mended at the source",
        ) from error
    raise SourceFault(f"“{label[:40]}” is no encoding of text, but {who} so", "have it say UTF-8")


def _is_utf8(label: str) -> bool:
    return label.lower().replace("_", "-") in {"utf-8", "utf8"}
