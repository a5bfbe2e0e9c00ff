"""Answers machines: whether the process lives, and whether it can serve."""

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.core.errors import MailerError
from mailer.services.office import Office
from mailer.web.pages import FOR_A_MINUTE, NO_STORE

_log = logging.getLogger(__name__)


class Probes:
    """Plain answers for load balancers.

    Args:
        office: whose database is asked.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    async def alive(self, _request: Request) -> Response:
        """GET `/healthz`: the process answers."""
        return _plain("ok", 200)

    async def ready(self, _request: Request) -> Response:
        """GET `/readyz`: the database is there, with this program's schema. Why not is in the log."""
        try:
            await run_in_threadpool(self._office.database.require_head)
        except MailerError as error:
            _log.warning("not_ready reason=%r", error.what)
            return _plain("not ready", 503)
        return _plain("ready", 200)

    async def icon(self, _request: Request) -> Response:
        """GET `/favicon.ico`: browsers ask for it unasked; there is none."""
        return Response(status_code=204, headers={"Cache-Control": FOR_A_MINUTE})


def _plain(word: str, status: int) -> Response:
    return PlainTextResponse(f"{word}\n", status, {"Cache-Control": NO_STORE})
