"""A message ready for a relay: an envelope and its content."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one reader.

    Attributes:
        sender: the envelope sender (MAIL FROM), a VERP address.
        recipient: the envelope recipient (RCPT TO).
        content: header and body with CRLF line ends, not dot-stuffed, ending in CRLF.
    """

    sender: str
    recipient: str
    content: bytes
