"""A message ready for a relay: an envelope and its content."""

from typing import NamedTuple

from mailer.mail.segments import Segments, Values


class Message(NamedTuple):
    """One message to one reader.

    Attributes:
        sender: the envelope sender (MAIL FROM), a VERP address.
        recipient: the envelope recipient (RCPT TO).
        shared: what of the content all messages of a mailing share: the same object in all of them.
        values: what of it is this reader's own.
    """

    sender: str
    recipient: str
    shared: Segments
    values: Values = ()

    @property
    def content(self) -> bytes:
        """Header and body with CRLF line ends, not dot-stuffed, ending in CRLF."""
        return self.shared.filled(self.values)

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.shared.size(self.values)
