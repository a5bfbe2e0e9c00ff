"""Signs messages with DKIM, so that a reader's server knows them for the sender's, whole and unchanged.

    c=  relaxed/relaxed: outlives servers that fold fields anew or touch blanks
    h=  every protected field once more than it occurs: none can be changed, removed or added
    t=  the delivery's own moment: a retry, another host or a later preview gives the same bytes
    l=  never: whatever was added behind the body would count as ours (RFC 6376 section 8.2)

Of several keys each signs by itself: RSA for those who know no other, Ed25519 for the rest (RFC 8463
section 5). What all readers share is brought into form once (see `canonical`); what remains for a
message is a few short fields and lines, a hash and the signature.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.core.dkim import DkimKey
from mailer.mail.canonical import Canonical, Values, relaxed_field

PROTECTED = (
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "List-Archive",
    "Archived-At",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Feedback-ID",
)
"""What readers see, follow or answer, and what their programs act upon. Not Sender and
Content-Transfer-Encoding, which we never write and a server on the way may add with good reason."""

_LINE = 76
_FIELD = "DKIM-Signature"


@dataclass(frozen=True, slots=True)
class Seal:
    """One key and the name it signs under.

    Attributes:
        domain: who answers for the message (`d=`), in lower case.
        selector: which of the domain's keys it is (`s=`).
    """

    domain: str
    selector: str
    key: DkimKey


class Signer:
    """Signs what is sent from one domain, with each of its keys; in any number of threads at once.

    Attributes:
        costly: one of the keys is RSA, which takes ten times as long as all else a message needs.
    """

    def __init__(self, seals: Sequence[Seal]) -> None:
        self._seals = tuple(seals)
        self.costly = any(seal.key.algorithm == "rsa" for seal in self._seals)

    def __repr__(self) -> str:
        return f"Signer({', '.join(f'{seal.selector}@{seal.domain}' for seal in self._seals)})"

    def signing(self, content: bytes) -> "Signing":
        """How one prepared message is signed for each of its readers.

        Args:
            content: the whole message; every slot stands as NUL + name + NUL.
        """
        return Signing(Canonical(content, PROTECTED), self._seals)


class Signing:
    """A prepared message about to be signed; made by `Signer.signing`."""

    def __init__(self, canonical: Canonical, seals: Sequence[Seal]) -> None:
        self._canonical = canonical
        self._stamps = [_Stamp.of(seal, canonical.names) for seal in seals]

    def fields(self, values: Values, at: datetime) -> bytes:
        """The signatures' fields, which go in front of one reader's message.

        Args:
            values: what the slots hold.
            at: when it was signed, aware; whole seconds count.
        """
        head = self._canonical.head(values)
        told = b" t=%d; bh=%s;" % (int(at.timestamp()), _base64(self._canonical.body(values)))
        signed = []
        for stamp in self._stamps:
            hashed = head.copy()
            hashed.update(b"%s%s b=" % (stamp.relaxed, told))
            signature = _wrapped(_base64(stamp.key.sign(hashed.digest())))
            signed.append(b"%s\r\n%s\r\n%s\r\n" % (stamp.folded, told, signature))
        return b"".join(signed)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """The part of a signature's field that is the same for all readers, as sent and as hashed."""

    key: DkimKey
    folded: bytes
    relaxed: bytes

    @classmethod
    def of(cls, seal: Seal, names: Sequence[str]) -> "_Stamp":
        tags = (
            "v=1;",
            f"a={seal.key.algorithm}-sha256;",
            "c=relaxed/relaxed;",
            f"d={seal.domain};",
            f"s={seal.selector};",
        )
        lines = [*_lines(f"{_FIELD}:", [f" {tag}" for tag in tags]), *_lines(" h=", _listed(names))]
        folded = "\r\n".join(lines).encode()
        return cls(seal.key, folded, relaxed_field(folded).removesuffix(b"\r\n"))


def _listed(names: Sequence[str]) -> list[str]:
    """The names as `h=` lists them (RFC 6376 section 3.5); a fold may stand beside each colon."""
    return [*(f"{name}:" for name in names[:-1]), f"{names[-1]};"]


def _lines(line: str, pieces: Sequence[str]) -> list[str]:
    """Pieces in lines of 76 characters; each line but the first begins with a blank."""
    lines = []
    for piece in pieces:
        if len(line) + len(piece) > _LINE:
            lines.append(line)
            line = piece if piece.startswith(" ") else f" {piece}"
        else:
            line += piece
    return [*lines, line]


def _base64(octets: bytes) -> bytes:
    return base64.b64encode(octets)


def _wrapped(signature: bytes) -> bytes:
    """The last tag, in lines; blanks in a value of base64 do not count (RFC 6376 section 3.5)."""
    tag = b"b=" + signature
    size = _LINE - 1
    return b"\r\n".join([b" " + tag[at : at + size] for at in range(0, len(tag), size)])
