"""What hubs say to us (WebSub): a question whether we asked for it, and news, signed.

A GET here changes what is known of the hub's promise, for the standard has it so (section 5.3): the one
exception among our pages. It is harmless: only what we asked that hub for is noted, the address cannot be
guessed, and the same question again notes the same again. All else is answered like a page that is not there.
"""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.core.websub import read_verification
from mailer.services import pushed
from mailer.services.office import Office
from mailer.web.forms import read_raw
from mailer.web.pages import NO_STORE

_QUIET = {"Cache-Control": NO_STORE, "X-Robots-Tag": "noindex, nofollow"}


class HubDoor:
    """The addresses that hubs were given.

    Args:
        office: whose sources they tell of.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    async def verify(self, request: Request) -> Response:
        """GET `/websub/{source}/{token}`: say the challenge back, if we meant it."""
        said = read_verification(dict(request.query_params))
        if said is None:
            raise HTTPException(404)
        source, token = request.path_params["source"], request.path_params["token"]
        meant = await run_in_threadpool(pushed.verify, self._office, source, token, said)
        if said.mode == "denied":
            return PlainTextResponse("", 200, _QUIET)
        if not meant:
            raise HTTPException(404)
        return PlainTextResponse(said.challenge, 200, _QUIET)

    async def take(self, request: Request) -> Response:
        """POST `/websub/{source}/{token}`: news; what is not signed well is passed over without a word."""
        source, token = request.path_params["source"], request.path_params["token"]
        await run_in_threadpool(pushed.addressed, self._office, source, token)
        payload = await read_raw(request, pushed.MAX_PAYLOAD)
        await run_in_threadpool(
            pushed.take,
            self._office,
            source,
            token,
            payload,
            signature=request.headers.get("x-hub-signature", ""),
            media_type=request.headers.get("content-type", ""),
        )
        return PlainTextResponse("", 202, _QUIET)
