"""Looks at a sign-up before it is taken: was our form seen, was it a program, was work done for it.

    the trap is filled in, or the form came back too fast    a program: answered like anybody, and nothing
                                                             is done
    the form is not ours, or was open for too long           our own page asks for one more click
    else                                                     taken

None of this looks at whose address it is, so no answer depends on it. A person is lost to none of
it: people see no trap, and on the page that asks for a click, being fast only brings it again.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from mailer.core import puzzle
from mailer.core.newsroom import Newsroom
from mailer.core.puzzle import Puzzle
from mailer.core.token import keyed_hash
from mailer.services import gate
from mailer.services.office import Office
from mailer.web.form_token import FIELD, TRAP, Freshness, freshness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AGAIN = "again"
"""Says that a form comes from the page that asks for one more click."""
PROOF = "proof"
SCRIPT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For the pages that let a browser do its work, and for no other."""


class Verdict(StrEnum):
    """What becomes of what was sent."""

    TAKEN = "taken"
    PROGRAM = "program"
    ONE_MORE_CLICK = "one_more_click"
    TOO_OLD = "too_old"


def judge(office: Office, newsroom: Newsroom, fields: Mapping[str, str]) -> Verdict:
    """What becomes of a form, whoever's address is in it."""
    if fields.get(TRAP):
        return Verdict.PROGRAM
    found = freshness(office, newsroom, fields.get(FIELD, ""))
    if found is Freshness.TOO_FAST:
        return Verdict.ONE_MORE_CLICK if fields.get(AGAIN) else Verdict.PROGRAM
    if found is Freshness.TOO_OLD:
        return Verdict.TOO_OLD
    return Verdict.TAKEN if found is Freshness.GOOD else Verdict.ONE_MORE_CLICK


async def proof_wanted(office: Office) -> bool:
    """Whether browsers are asked for work just now."""
    mode = office.limits.signups.proof
    if mode != "under_attack":
        return mode == "always"
    return await run_in_threadpool(gate.under_attack, office)


def puzzle_for(office: Office) -> Puzzle:
    """Work for one browser."""
    effort = office.limits.signups.effort
    number = secrets.randbelow(effort + 1)
    salt = secrets.token_hex(12)
    return puzzle.make(_key(office), number=number, salt=salt, effort=effort, now=office.clock())


async def proved(office: Office, payload: str) -> bool:
    """Whether a form shows work that was done for it and for no other."""
    if office.limits.signups.proof == "off":
        return False
    found = puzzle.solved(_key(office), payload, office.clock())
    if found is None:
        return False
    return await run_in_threadpool(gate.spend, office, found.name, found.expires_at)


@asynccontextmanager
async def evenly(office: Office) -> "AsyncIterator[None]":
    """Let an answer take as long as any other: `answer_after`, or on a busy machine a multiple of it."""
    began = time.perf_counter()
    yield
    step = office.limits.signups.answer_after.total_seconds()
    if step:
        await asyncio.sleep(-(time.perf_counter() - began) % step)


def _key(office: Office) -> str:
    return keyed_hash(office.keys.suppression, "puzzle")
