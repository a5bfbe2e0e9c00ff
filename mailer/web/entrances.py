"""The addresses by which sign-ups come that are not our own form: boxes on other sites, and scripts."""

from starlette.routing import Route

from mailer.web.api import AREA, SignupEndpoints
from mailer.web.box import ProofPages
from mailer.web.embed import EmbedPages
from mailer.web.pages import Pages


def entrances(pages: Pages, endpoints: SignupEndpoints) -> list[Route]:
    """Their routes, which stand before those of the newsrooms' pages."""
    proof = ProofPages(pages)
    return [
        Route("/static/proof.js", proof.script, methods=["GET"]),
        Route(f"{AREA}{{newsroom}}/form", endpoints.form, methods=["GET", "OPTIONS"]),
        Route(f"{AREA}{{newsroom}}/subscribe", endpoints.subscribe, methods=["POST", "OPTIONS"]),
        Route("/{newsroom}/embed", EmbedPages(pages).embed, methods=["GET"]),
        Route("/{newsroom}/puzzle", proof.puzzle, methods=["GET"]),
    ]
