"""What cannot be answered gets a page in the reader's language, and a log line without a secret."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from support.offices import make_office

from mailer.services.office import Office
from mailer.store.database import Database
from mailer.texts.templates import Templates
from mailer.web.watch import shown

Visit = Callable[[Office], TestClient]


@pytest.mark.parametrize(
    ("path", "header", "words"),
    [
        ("/nothing", "en", "Page not found"),
        ("/nothing", "da", "Siden findes ikke"),
        ("/nothing", "de", "Siden findes ikke"),
        ("/um/nothing", "en", "Page not found"),
        ("/kefm/nothing", "da", "Page not found"),
        ("/um/nothing?lang=en", "da", "Page not found"),
        ("/confirm/x", "en", "it may have been cut in two"),
        ("/leave/x/y", "en", "Page not found"),
        ("//evil.example/%2e%2e", "en", "Page not found"),
    ],
)
def test_a_missing_page_says_so_in_the_readers_language(
    site: TestClient, path: str, header: str, words: str
) -> None:
    answer = site.get(path, headers={"Accept-Language": header})
    assert answer.status_code == 404
    assert words in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_missing_page_of_a_newsroom_leads_there(site: TestClient) -> None:
    assert '<p><a href="/um">Udenrigsministeriet</a></p>' in site.get("/um/nothing").text
    assert '<p><a href="/">' in site.get("/nothing").text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/um", {"GET", "HEAD"}),
        ("DELETE", "/confirm/x", {"GET", "HEAD", "POST"}),
        ("PUT", "/leave/x", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/um/subscribe", {"GET", "HEAD", "POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_names_the_right_ones(
    site: TestClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = site.request(method, path, headers={"Accept-Language": "en"})
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert "This page cannot be used that way" in answer.text


def test_a_fault_of_ours_shows_a_page_and_logs_the_cause(
    visit: Visit, sqlite_database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/check_mail.html").write_text("{{ nothing_of_that_name }}")
    site = visit(make_office(sqlite_database, templates=Templates(tmp_path)))
    answer = site.get("/um/check-mail?lang=en")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "nothing_of_that_name" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "nothing_of_that_name" in caplog.text
    assert "page_failed method=GET path=/um/check-mail" in caplog.text


def test_even_without_an_error_page_there_is_an_answer(
    visit: Visit, sqlite_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/_layout.html").write_text("{% broken")
    site = visit(make_office(sqlite_database, templates=Templates(tmp_path)))
    answer = site.get("/um/check-mail")
    assert answer.status_code == 500
    assert answer.text == "Something went wrong here. Try again in a minute.\n"
    assert "content-security-policy" in answer.headers


def test_a_request_is_one_line_and_its_token_is_not_in_it(
    site: TestClient,
    leave_link: Callable[[str], str],
    confirm_link: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    leaving, confirming = leave_link("a@example.org"), confirm_link("b@example.org")
    for link in (leaving, confirming):
        site.get(link)
        site.get(f"/um{link}?lang=en")
        site.get(f"/%{ord(link[1]):x}{link[2:]}")
        site.post(link)
        site.get(f"/um/{link.rpartition('/')[2]}")
    site.get("/um/a%0d%0apage forged")
    ours = [record for record in caplog.records if record.name.startswith("mailer")]
    lines = [record.getMessage() for record in ours]
    assert "page method=POST path=/leave/*** status=200 ms=" in "\n".join(lines)
    assert "path=/um/a%0D%0Apage%20forged status=404" in lines[-1]
    assert all(re.fullmatch(r"page method=\w+ path=\S+ status=\d+ ms=\d+", line) for line in lines)
    signatures = [link.rpartition(".")[2] for link in (leaving, confirming)]
    assert not any(secret in line for line in lines for secret in (*signatures, "example.org"))


@given(st.text())
def test_no_path_starts_a_line_of_its_own(text: str) -> None:
    assert re.fullmatch(r"[!-~]*", shown(f"/{text}".encode("utf-8", "replace").decode()))


def test_probes_tell_machines_what_they_need(site: TestClient) -> None:
    assert (site.get("/healthz").status_code, site.get("/healthz").text) == (200, "ok\n")
    assert (site.get("/readyz").status_code, site.get("/readyz").text) == (200, "ready\n")
    assert "Disallow: /confirm/" in site.get("/robots.txt").text
    assert site.get("/favicon.ico").status_code == 204


def test_a_database_without_tables_is_not_ready(visit: Visit, tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.sqlite")
    answer = visit(make_office(empty)).get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready\n")
    empty.close()
