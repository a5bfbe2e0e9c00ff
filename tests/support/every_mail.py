"""One mail of each purpose, whichever way it is prepared."""

from support.desk_mails import ACTS, desk_mail
from support.digest_mails import digest
from support.mails import notice, release

from mailer.core.delivery import Purpose
from mailer.mail.prepare import Prepared


def mail(purpose: Purpose, language: str = "da") -> Prepared:
    """A mail of a purpose; `language` is that of the house's own words, where it has any of its own."""
    match purpose:
        case Purpose.RELEASE:
            return release()
        case Purpose.DIGEST:
            return digest(language=language)
        case Purpose.CORRECTION | Purpose.WITHDRAWAL | Purpose.EARLY | Purpose.EMBARGO:
            return desk_mail(ACTS[purpose], language)
        case _:
            return notice(purpose, language)
