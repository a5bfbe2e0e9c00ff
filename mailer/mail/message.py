"""A message ready for a relay: an envelope and its content."""

from typing import NamedTuple


class Message(NamedTuple):
    """One message to one reader.

    Attributes:
        sender: the envelope sender (MAIL FROM), a VERP address.
        recipient: the envelope recipient (RCPT TO).
        pieces: the content in pieces: in turn one that many messages share, and one that is this
            reader's own. The shared ones are the same objects in all of them, so that what is true
            of them need be found out only once.
    """

    sender: str
    recipient: str
    pieces: tuple[bytes, ...]

    @property
    def content(self) -> bytes:
        """Header and body with CRLF line ends, not dot-stuffed, ending in CRLF."""
        return b"".join(self.pieces)

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return sum(map(len, self.pieces))
