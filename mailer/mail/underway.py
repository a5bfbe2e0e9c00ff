"""A message on its way over a line, and what the relay has said to its envelope.

When the link ends, for whatever reason (lost, silent, garbled, 421, out of step, words that answer nothing),
what was on its way is

    content and dot have left, the dot is not answered       unknown
    the transport still holds the dot                        deferred, at DATA
    its MAIL, RCPT or DATA is the reply awaited              deferred, at that command
    a dot or RSET before its MAIL is not answered            given back: never begun

When we break off ourselves, all but the first are given back.
"""

from dataclasses import dataclass

from mailer.mail.transport import Parcel
from mailer.mail.wire import Ready


@dataclass(slots=True, eq=False)
class UnderWay:
    """A message on its way.

    Attributes:
        begun: everything written before its envelope has been answered.
        opened: MAIL was taken.
        addressed: RCPT was taken.
        refused: it has its outcome; what is still to be answered is of no account to it.
    """

    parcel: Parcel
    message: Ready
    begun: bool = False
    opened: bool = False
    addressed: bool = False
    refused: bool = False
