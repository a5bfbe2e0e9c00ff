"""The inbox shows every mail and obeys none of them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from mailer.demo.inbox import create_inbox
from mailer.demo.stay import served

NEWSROOM = "http://127.0.0.1:8080/um"
HOSTILE = (
    "<!DOCTYPE html><html lang=da><head><title>mail</title>"
    "<base href='https://evil.example/' target='_top'>"
    "<meta http-equiv=refresh content='0;url=https://evil.example/'></head><body>"
    "<script>document.title='ran'; top.location='/ran'</script>"
    "<img src='/ran' onerror=\"top.document.title='ran'\">"
    "<form action='/ran'><button autofocus>Go</button></form>"
    "<iframe src='/ran'></iframe><a href='/source' target=_top>out</a></body></html>"
)
FORM = "<form method=post><button>Confirm</button></form>"

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Puts a mail into a mailbox."""

    def put(mailbox: str, html: str, *, subject: str = "Hej", number: int = 1) -> None:
        folder = tmp_path / mailbox
        folder.mkdir(exist_ok=True)
        head = f"Subject: {subject}\r\nFrom: UM <presse@um.example>\r\nTo: {mailbox}\r\n"
        text = f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n{html}"
        path = folder / f"{number:03d}.eml"
        path.write_bytes(text.encode())
        os.utime(path, (number, number))

    return put


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """A browser that does not follow redirects."""
    app = create_inbox(tmp_path, newsroom=NEWSROOM)
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


def test_an_empty_post_office_says_so_and_leads_to_the_newsroom(client: TestClient) -> None:
    page = client.get("/").text
    assert "No mail has come yet." in page
    assert f'href="{NEWSROOM}"' in page


def test_lists_every_mailbox_the_latest_arrival_first(client: TestClient, put: Put) -> None:
    put("anna@avisen.example", "<p>et</p>", subject="First", number=1)
    put("jens@radioen.example", "<p>to</p>", subject="Second", number=2)
    put("anna@avisen.example", "<p>tre</p>", subject="Third", number=3)
    page = client.get("/").text
    places = [page.index(word) for word in ("anna@", "Third", "First", "jens@", "Second")]
    assert places == sorted(places)
    assert "2 mails" in page
    assert "1 mail<" in page


def test_a_subject_is_shown_and_not_obeyed(client: TestClient, put: Put) -> None:
    put("anna@avisen.example", "<p>x</p>", subject="<script>alert(1)</script>")
    for page in (client.get("/"), client.get("/anna@avisen.example/1")):
        assert "<script" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


def test_html_stands_in_a_frame_that_may_do_nothing(client: TestClient, put: Put) -> None:
    put("anna@avisen.example", HOSTILE)
    page = client.get("/anna@avisen.example/1").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "evil.example" not in page
    framed = client.get("/anna@avisen.example/1/html")
    policy = framed.headers["content-security-policy"]
    assert policy.startswith(
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'"
    )
    assert "allow-scripts" not in policy
    assert "base-uri 'none'" in policy
    assert framed.text.startswith('<!DOCTYPE html><base target="_blank">')


def test_text_has_links_and_nothing_else_of_html(client: TestClient, tmp_path: Path) -> None:
    folder = tmp_path / "anna@avisen.example"
    folder.mkdir()
    text = 'Subject: Hej\r\n\r\n<b>"fed"</b> http://127.0.0.1/confirm/a.b?x=1&y=2\r\n'
    (folder / "001.eml").write_bytes(text.encode())
    page = client.get("/anna@avisen.example/1").text
    assert "<iframe" not in page
    assert "&lt;b&gt;&#34;fed&#34;&lt;/b&gt;" in page
    assert '<a href="http://127.0.0.1/confirm/a.b?x=1&amp;y=2"' in page


def test_source_is_the_whole_mail(client: TestClient, put: Put) -> None:
    put("anna@avisen.example", HOSTILE)
    page = client.get("/anna@avisen.example/1?view=source").text
    assert "From: UM &lt;presse@um.example&gt;" in page
    assert "&lt;script&gt;" in page


def test_neighbours_are_a_click_away(client: TestClient, put: Put) -> None:
    for number in (1, 2, 5):
        put("anna@avisen.example", "<p>x</p>", number=number)
    page = client.get("/anna@avisen.example/2").text
    assert 'rel="prev" href="/anna@avisen.example/1"' in page
    assert 'rel="next" href="/anna@avisen.example/5"' in page


@pytest.mark.parametrize(
    "path",
    [
        "/nobody@x.example/1",
        "/anna@avisen.example/2",
        "/anna@avisen.example/2/html",
        "/anna@avisen.example/1?view=text",
        "/anna@avisen.example/1?view=../../etc/passwd",
        "/../1",
        "/%2e%2e/1",
        "/..%2f..%2fetc/1",
        "/anna@avisen.example/001.eml",
    ],
)
def test_what_is_not_in_the_post_office_is_not_there(
    client: TestClient, put: Put, path: str
) -> None:
    put("anna@avisen.example", "<p>x</p>")
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Nothing here" in answer.text


def test_every_answer_is_guarded(client: TestClient, put: Put) -> None:
    put("anna@avisen.example", HOSTILE)
    paths = ["/", "/style.css", "/nothing", "/anna@avisen.example/1", "/anna@avisen.example/1/html"]
    for path in paths:
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_answers_to_this_machines_name_alone(client: TestClient) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.chromium
def test_a_hostile_mail_gets_nowhere_in_a_real_browser(tmp_path: Path, put: Put) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - for this test alone

    put("anna@avisen.example", HOSTILE, subject="Quiet")
    asked: list[str] = []
    inbox_app = create_inbox(tmp_path, newsroom=NEWSROOM)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await inbox_app(scope, receive, send)

    with served(watched) as inbox, sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.goto(f"{inbox}anna@avisen.example/1", wait_until="networkidle")
            frame = page.frame_locator("iframe").first
            assert frame.locator("a").inner_text() == "out"
            frame.locator("button").click()
            frame.locator("a").click()
            page.wait_for_load_state("networkidle")
            assert page.title() == "Quiet – anna@avisen.example"
            assert page.url == f"{inbox}anna@avisen.example/1"
        finally:
            browser.close()
    mail = "/anna@avisen.example/1"
    assert set(asked) - {"/favicon.ico"} == {mail, f"{mail}/html", "/style.css"}


@pytest.mark.chromium
def test_a_link_in_a_mail_opens_a_page_that_works(tmp_path: Path, put: Put) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - for this test alone

    async def page_with_button(request: Request) -> Response:
        done = "<h1>Done</h1>"
        return HTMLResponse(done if request.method == "POST" else FORM)

    office = Starlette(routes=[Route("/confirm", page_with_button, methods=["GET", "POST"])])
    with (
        served(office) as site,
        served(create_inbox(tmp_path, newsroom=NEWSROOM)) as inbox,
        sync_playwright() as play,
    ):
        put("anna@avisen.example", f"<!doctype html><p><a href='{site}confirm'>Confirm</a></p>")
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.goto(f"{inbox}anna@avisen.example/1")
            with page.expect_popup() as opened:
                page.frame_locator("iframe").get_by_role("link", name="Confirm").click()
            opened.value.get_by_role("button").click()
            assert opened.value.get_by_role("heading").inner_text() == "Done"
        finally:
            browser.close()
