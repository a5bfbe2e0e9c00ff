"""Reads why an operator did what takes something from somebody: kept as evidence, it has to be said."""

from mailer.core.address import has_hidden
from mailer.core.errors import NotAllowed


def stated(reason: str, *, act: str) -> str:
    """The reason without blanks around it.

    Args:
        act: what it is for, as "Ending a subscription".

    Raises:
        NotAllowed: there is none, or nobody could see all of it.
    """
    reason = reason.strip()
    if not reason or has_hidden(reason):
        raise NotAllowed(
            f"{act} needs a reason, in visible characters",
            "say why: --reason 'Asked by phone'",
        )
    return reason
