"""The visitor's browser does what the pages say, and nothing else."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from mailer.demo.narrator import ExpectationFailed
from mailer.demo.pages import answers, free_port
from mailer.demo.stay import served
from mailer.demo.visitor import Visitor

PAGE = """<!doctype html><h1>Nyheder fra <em>ministeriet</em></h1><h1>Another</h1>
<input name="outside" value="1">
<form method="post" action="um/subscribe?lang=da"><label>E-mail</label>
<input name="email" value=""><input type=hidden name="kept" value="a &amp; b">
<button><span>Abon</span>ner</button></form>
<form action="/search"><input name="q"></form>"""


async def _page(_request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _subscribe(request: Request) -> Response:
    body = (await request.body()).decode()
    return RedirectResponse(f"/told?{body}", 303)


async def _told(request: Request) -> Response:
    language = request.headers["accept-language"]
    return HTMLResponse(f"<h1>{request.method} {request.query_params['email']} {language}</h1>")


async def _leave(request: Request) -> Response:
    asked = (request.headers["content-type"], await request.body())
    right = asked == ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click")
    return PlainTextResponse("", 200 if right else 400)


async def _round(_request: Request) -> Response:
    return RedirectResponse("/round", 303)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A small site, without a slash at its end."""
    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/um/subscribe", _subscribe, methods=["POST"]),
            Route("/told", _told),
            Route("/leave", _leave, methods=["POST"]),
            Route("/round", _round),
        ]
    )
    with served(app) as address:
        yield address.rstrip("/")


def test_reads_heading_and_forms(site: str) -> None:
    page = Visitor("da").open(site)
    assert (page.ok, page.heading) == (True, "Nyheder fra ministeriet")
    form = page.form("/subscribe")
    assert (form.method, form.action) == ("POST", f"{site}/um/subscribe?lang=da")
    assert form.fields == {"email": "", "kept": "a & b"}
    assert form.button == "Abonner"


def test_fills_in_a_form_and_follows_its_answer(site: str) -> None:
    browser = Visitor("da")
    page = browser.submit(browser.open(site).form("/subscribe"), email="anna@avisen.example")
    assert (page.statuses, page.heading) == ((303, 200), "GET anna@avisen.example da")
    assert page.url.startswith(f"{site}/told?")


def test_types_only_what_a_form_asks_for(site: str) -> None:
    browser = Visitor("da")
    form = browser.open(site).form("/subscribe")
    with pytest.raises(ExpectationFailed, match="does not ask for name"):
        browser.submit(form, name="Anna")


def test_misses_a_form_that_is_not_there(site: str) -> None:
    page = Visitor("da").open(site)
    with pytest.raises(ExpectationFailed, match="2 forms"):
        page.form()
    with pytest.raises(ExpectationFailed, match="0 forms"):
        page.form("/confirm")


def test_a_fault_is_not_a_page(site: str) -> None:
    assert not Visitor("da").open(f"{site}/nothing").ok


def test_does_not_go_round_for_ever(site: str) -> None:
    with pytest.raises(ExpectationFailed, match="on and on"):
        Visitor("da").open(f"{site}/round")


def test_leaves_by_one_click(site: str) -> None:
    assert Visitor("da").leave_by_one_click(f"{site}/leave") == 200


def test_stays_on_plain_web_addresses() -> None:
    with pytest.raises(ExpectationFailed, match="not an address"):
        Visitor("da").open("https://example.org/")


def test_says_when_nobody_answers() -> None:
    with pytest.raises(ExpectationFailed, match="does not answer"):
        Visitor("da").open(f"http://127.0.0.1:{free_port(0)}/")


def test_knows_whether_pages_answer(site: str) -> None:
    assert answers(f"{site}/")
    assert not answers(f"{site}/nothing")
    assert not answers(f"http://127.0.0.1:{free_port(0)}/")
