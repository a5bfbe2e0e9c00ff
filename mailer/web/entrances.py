"""The addresses by which sign-ups come that are not our own form: boxes on other sites, and scripts."""

from mailer.web.api import AREA, SignupEndpoints
from mailer.web.box import ProofPages
from mailer.web.door import Door
from mailer.web.embed import EmbedPages
from mailer.web.pages import Pages


def entrances(pages: Pages, endpoints: SignupEndpoints) -> list[Door]:
    """Their routes, which stand before those of the newsrooms' pages."""
    proof = ProofPages(pages)
    return [
        Door("/static/proof.js", proof.script, methods=["GET"]),
        Door(f"{AREA}{{newsroom}}/form", endpoints.form, methods=["GET", "OPTIONS"]),
        Door(f"{AREA}{{newsroom}}/subscribe", endpoints.subscribe, methods=["POST", "OPTIONS"]),
        Door("/{newsroom}/embed", EmbedPages(pages).embed, methods=["GET"]),
        Door("/{newsroom}/puzzle", proof.puzzle, methods=["GET"]),
    ]
