"""Brings a prepared message into the form that DKIM signs: once for all readers, slots left open.

    header field   name in lower case, unfolded, runs of blanks made one, none at either end of the
                   value or around the colon (relaxed, RFC 6376 section 3.4.2)
    body           runs of blanks made one, none at a line's end, no empty lines at the end; ends in
                   CRLF unless empty (relaxed, section 3.4.4)
    order          a name that occurs more than once is taken from the bottom up (section 5.4.2);
                   fields with slots come after the others, an order that is the signer's to choose

Blanks around a slot belong to one run with those in its value. So a field or a line that holds a slot
is brought into form when the value is known, as a whole, and every other once for all. Of what
comes before the first of them even the hash is kept. There is no bare CR or LF in a message
(RFC 5322 section 2.3).
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from mailer.mail.slots import HOLE

Values = Mapping[str, bytes]
"""What one reader's slots hold, by the slots' names."""

_BLANKS = re.compile(rb"[ \t]+")
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_LINE = re.compile(rb"[^\n]*\n")


class Canonical:
    """A prepared message in the form that is signed.

    Args:
        content: the whole message; every slot stands as NUL + name + NUL.
        protected: the names of the fields to sign, whether they occur or not.

    Attributes:
        names: what `h=` lists: each protected name once more than it occurs, so that nobody can add
            another (RFC 6376 section 8.15), in the order in which the fields are hashed.
    """

    def __init__(self, content: bytes, protected: Sequence[str]) -> None:
        head, _, body = content.partition(b"\r\n\r\n")
        fields = _by_name(head)
        found = {name: fields.get(name.lower().encode(), []) for name in protected}
        settled = [name for name in protected if not any(map(HOLE.search, found[name]))]
        waiting = [name for name in protected if name not in settled]
        self.names = tuple(
            name for name in (*settled, *waiting) for _ in range(len(found[name]) + 1)
        )
        self._head = hashlib.sha256(
            b"".join(relaxed_field(field) for name in settled for field in found[name])
        )
        self._fields = [_Open(field) for name in waiting for field in found[name]]
        begun, self._rest = _body(body + b"\r\n")
        self._body = hashlib.sha256(begun)
        self._begun = bool(begun)

    def head(self, values: Values) -> "hashlib._Hash":
        """SHA-256 over the signed fields, to which the signature's own field is yet to be added."""
        hashed = self._head.copy()
        hashed.update(b"".join([relaxed_field(field.filled(values)) for field in self._fields]))
        return hashed

    def body(self, values: Values) -> bytes:
        """The digest that `bh=` tells."""
        pieces = [
            piece if isinstance(piece, bytes) else relaxed_lines(piece.filled(values))
            for piece in self._rest
        ]
        hashed = self._body.copy()
        hashed.update(_ended(b"".join(pieces), begun=self._begun))
        return hashed.digest()


class _Open:
    """A text whose slots are filled again and again."""

    def __init__(self, text: bytes) -> None:
        names = [name.decode() for name in HOLE.findall(text)]
        self._text = HOLE.sub(b"%b", text.replace(b"%", b"%%"))
        self._pick: Callable[[Values], object] = itemgetter(*names) if names else _nothing

    def filled(self, values: Values) -> bytes:
        return self._text % self._pick(values)


def _nothing(_: Values) -> object:
    return ()


def relaxed_field(field: bytes) -> bytes:
    """A header field in its relaxed form, ending in CRLF.

    Args:
        field: its name, the colon and its value, folded or not, without its last CRLF.
    """
    name, _, value = field.partition(b":")
    value = _single(value.replace(b"\r\n", b"")).strip(b" ")
    return b"%s:%s\r\n" % (name.strip(b" \t").lower(), value)


def relaxed_lines(lines: bytes) -> bytes:
    """Whole lines of a body in their relaxed form, whatever follows them."""
    if b" " not in lines and b"\t" not in lines:  # as most lines with a slot
        return lines
    return _single(lines).replace(b" \r\n", b"\r\n")


def relaxed_body(body: bytes) -> bytes:
    """A body in its relaxed form."""
    return _ended(relaxed_lines(body + b"\r\n"), begun=False)


def _single(text: bytes) -> bytes:
    """The text with its runs of blanks made one."""
    if b"\t" in text or b"  " in text:  # most have none
        return _BLANKS.sub(b" ", text)
    return text


def _ended(lines: bytes, *, begun: bool) -> bytes:
    """The end of a body without empty lines; `begun` says that a line that is not precedes it."""
    filled = lines.rstrip(b"\r\n")
    return filled + b"\r\n" if filled or begun else b""


def _by_name(head: bytes) -> dict[bytes, list[bytes]]:
    """The fields of each name in lower case, from the bottom up."""
    fields: dict[bytes, list[bytes]] = {}
    for field in reversed(_FIELD_END.split(head)):
        fields.setdefault(field.partition(b":")[0].strip(b" \t").lower(), []).append(field)
    return fields


def _body(body: bytes) -> tuple[bytes, list[bytes | _Open]]:
    """What comes before the first slot's line, up to its last line end that might be the body's; the rest."""
    pieces: list[bytes | _Open] = []
    for is_open, lines in groupby(_LINE.findall(body), lambda line: bool(HOLE.search(line))):
        text = b"".join(lines)
        pieces.append(_Open(text) if is_open else relaxed_lines(text))
    first = pieces[0] if isinstance(pieces[0], bytes) else b""
    begun = first.rstrip(b"\r\n")
    if first:
        pieces[0] = first[len(begun) :]
    return begun, pieces
