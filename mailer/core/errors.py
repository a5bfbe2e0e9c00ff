"""Every error an operator or a visitor may meet, each with what happened and what to do about it.

MailerError                 exit code
|-- ConfigFault             2   the settings, all faults at once
|-- DocumentFault           2   a release we cannot read: file, line, cure
|-- SourceFault             2   what a source gave us is no release, and no list of them
|-- NotFound                2   an id or key that names nothing
|-- NotAllowed              2   the act is refused in this state
|-- AddressRefused          2   not an address we can mail
|-- SchemaOutdated          2   the database needs `mailer db upgrade`
|-- ServiceMissing          69  a relay or database is not there
|-- TryLater                75  work remains that a later run will finish
`-- TokenRefused            2   a link we did not sign for this purpose
    |-- TokenExpired        2   a link whose time has passed
    `-- LinkOver            2   a link that is good for nothing any more
"""

from collections.abc import Sequence


class MailerError(Exception):
    """What happened, and the cure.

    Args:
        what: one sentence, without a full stop at the end.
        cure: what the reader can do now; may be empty.
    """

    exit_code = 2

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(f"{what}\n  -> {cure}" if cure else what)
        self.what = what
        self.cure = cure


class ConfigFault(MailerError):
    """All that is wrong with the settings, one line a fault.

    Args:
        faults: each "key.path: what is wrong; cure".
        where: the file that was read.
    """

    def __init__(self, faults: Sequence[str], where: str) -> None:
        listed = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{where}: {len(faults)} fault(s) in the settings\n{listed}")
        self.faults = tuple(faults)


class DocumentFault(MailerError):
    """A document that cannot become a release: names file, line and cure; nothing was stored."""

    def __init__(self, what: str, cure: str, *, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}: {what}", cure)
        self.file = file
        self.line = line


class SourceFault(MailerError):
    """What a source gave us is nothing that releases could be read from; nothing of it was taken."""


class NotFound(MailerError):
    """An id or key that names nothing here."""


class NotAllowed(MailerError):
    """The act is refused in the present state."""


class AddressRefused(MailerError):
    """Not an address that can be mailed; `reason` is a short machine word for it."""

    def __init__(self, what: str, cure: str = "", *, reason: str) -> None:
        super().__init__(what, cure)
        self.reason = reason


class SchemaOutdated(MailerError):
    """The database and this program do not fit each other."""


class ServiceMissing(MailerError):
    """A service we need (a relay, the database) is not there."""

    exit_code = 69


class TryLater(MailerError):
    """Work remains that a later run will finish."""

    exit_code = 75


class Crossed(TryLater):
    """Two transactions waited for each other, and this one was undone; done anew it goes through."""


class TokenRefused(MailerError):
    """A token that we did not sign for this purpose, or that somebody bent."""


class TokenExpired(TokenRefused):
    """A genuine token whose lifetime has passed; `subject` is what it named."""

    def __init__(self, what: str, *, subject: int) -> None:
        super().__init__(what)
        self.subject = subject


class LinkOver(TokenRefused):
    """A genuine link whose time has passed, or that a later change made void.

    Args:
        newsroom_key: whose page mails a fresh one.
    """

    def __init__(self, what: str, *, newsroom_key: str) -> None:
        super().__init__(what, "have a fresh link mailed")
        self.newsroom_key = newsroom_key
