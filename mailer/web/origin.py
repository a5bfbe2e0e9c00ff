"""Says where an answer came from, for the evidence: the form, the client's address and its software."""

from starlette.requests import Request

from mailer.core.consent import Origin

_MAX_AGENT = 500


def origin_of(request: Request, form: str) -> Origin:
    """Where an answer came from. A proxy's claims about the client are not believed here."""
    agent = "".join(
        letter for letter in request.headers.get("user-agent", "") if letter.isprintable()
    )
    return Origin(
        form=form,
        ip=request.client.host if request.client else None,
        user_agent=agent[:_MAX_AGENT] or None,
    )
