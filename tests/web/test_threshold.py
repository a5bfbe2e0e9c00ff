"""Who sends a sign-up is looked at before whose address it is: programs, stale forms, other sites' forms."""

import base64
import html
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from support.offices import KEFM, UM, Clock
from support.visitors import Visitor, token_of

from mailer.core.limits import SignupTerms
from mailer.core.newsroom import Site
from mailer.core.token import LinkPurpose
from mailer.services import gate
from mailer.services.office import Limits, Office
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent, request

Rows = dict[str, list[tuple[Any, ...]]]
ANNA = {"email": "anna@example.org"}


def shown_fields(page: str) -> dict[str, str]:
    """What the one sign-up form of a page would send as it stands."""
    (form,) = re.findall(
        r'<form method="post" action="[^"]*/subscribe[^"]*".*?</form>', page, re.DOTALL
    )
    fields = [
        dict(re.findall(r'([a-z]+)="([^"]*)"', tag)) for tag in re.findall("<input [^>]*>", form)
    ]
    return {one["name"]: html.unescape(one.get("value", "")) for one in fields}


def limited(office: Office, **terms: Any) -> Office:
    return replace(office, limits=Limits(signups=SignupTerms(**terms)))


def asked(office: Office) -> int:
    with office.database.read() as connection:
        return len(connection.scalars(select(request.c.id)).all())


def alike(answer: Any) -> tuple[Any, ...]:
    """What of an answer anybody could compare: all but the token of its page."""
    masked = re.sub(r"check-mail/[^?]+", "check-mail/*", answer.headers["location"])
    kept = [pair for pair in answer.headers.raw if pair[0] != b"location"]
    token = re.search(r"check-mail/([^?]+)", answer.headers["location"])
    assert token is not None
    return answer.status_code, masked, len(token[1]), tuple(kept), answer.content


def test_the_form_of_the_page_is_taken_as_it_stands(
    site: TestClient, office: Office, clock: Clock
) -> None:
    fields = shown_fields(site.get("/um?lang=da").text)
    assert set(fields) == {"email", "form", "homepage"}
    clock.move(seconds=3)
    assert site.post("/um/subscribe?lang=da", data={**fields, **ANNA}).status_code == 303
    assert asked(office) == 1


def test_the_trap_is_hidden_from_people_in_every_way(site: TestClient) -> None:
    page = site.get("/um").text
    trap = re.search(r'<div class="trap" aria-hidden="true">.*?</div>', page, re.DOTALL)
    assert trap is not None
    assert 'autocomplete="off"' in trap[0]
    assert 'tabindex="-1"' in trap[0]
    assert re.search(r"\.trap \{\s*display: none;", site.get("/static/site.css").text)


@pytest.mark.parametrize(
    "sent", [{"homepage": "http://spam.example"}, {"age": timedelta(seconds=1)}]
)
def test_a_program_is_answered_like_anybody_and_nothing_is_done(
    site: TestClient, office: Office, rows: Callable[[], Rows], sent: dict[str, Any]
) -> None:
    fields = {key: value for key, value in sent.items() if key != "age"}
    if "age" in sent:
        fields["form"] = token_of(office, UM, sent["age"])
    before = rows()
    program = site.post("/um/subscribe?lang=da", data={**ANNA, **fields})
    assert rows() == before
    person = site.post("/um/subscribe?lang=da", data=ANNA)
    assert alike(program) == alike(person)
    assert rows() != before
    page = site.get(program.headers["location"])
    assert (page.status_code, page.text.count("<form")) == (
        200,
        site.get(person.headers["location"]).text.count("<form"),
    )


def test_over_a_limit_the_answer_is_the_same_to_the_byte(
    office: Office, visit: Callable[[Office], TestClient], rows: Callable[[], Rows]
) -> None:
    site = visit(limited(office, overall_an_hour=1, form_min_age=timedelta(0)))
    first = site.post("/um/subscribe", data=ANNA)
    before = rows()
    over = site.post("/um/subscribe", data={"email": "other@example.org"})
    assert alike(over) == alike(first)
    assert rows() == before


def test_a_page_that_was_left_open_comes_again_filled_in(
    site: TestClient, office: Office, rows: Callable[[], Rows], clock: Clock
) -> None:
    fields = shown_fields(site.get("/um?lang=en").text)
    clock.move(hours=25)
    before = rows()
    page = site.post("/um/subscribe?lang=en", data={**fields, "email": "anna@example.org"})
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "had been open for a long time" in page.text
    assert rows() == before
    again = shown_fields(page.text)
    assert again["email"] == "anna@example.org"
    clock.move(seconds=5)
    assert site.post("/um/subscribe?lang=en", data=again).status_code == 303
    assert asked(office) == 1


@pytest.mark.parametrize("token", ["", "x", "1.2.3", "øøø", "\x00", "1." * 3000, "a.b." + "c" * 43])
def test_a_form_without_our_token_asks_for_one_more_click(
    site: TestClient, rows: Callable[[], Rows], token: str
) -> None:
    before = rows()
    page = site.post("/um/subscribe?lang=en", data={**ANNA, "form": token})
    assert page.status_code == 200
    assert rows() == before
    assert "One more click" in page.text
    assert shown_fields(page.text)["email"] == "anna@example.org"


def test_every_letter_of_the_token_counts(site: TestClient, office: Office) -> None:
    token = token_of(office, UM)
    for place, letter in enumerate(token):
        for other in {"A", "0", ".", "_"} - {letter}:
            bent = token[:place] + other + token[place + 1 :]
            page = site.post("/um/subscribe", data={**ANNA, "form": bent})
            assert page.status_code == 200, bent
    assert asked(office) == 0


def test_tokens_of_other_purposes_and_newsrooms_are_none(site: TestClient, office: Office) -> None:
    tokens = office.keys.tokens
    foreign = [tokens.sign(purpose, 1, office.clock()) for purpose in LinkPurpose]
    for token in [*foreign, token_of(office, KEFM)]:
        assert site.post("/um/subscribe", data={**ANNA, "form": token}).status_code == 200
    assert asked(office) == 0


def test_clocks_that_differ_ask_at_most_for_a_click(
    site: TestClient, office: Office, clock: Clock
) -> None:
    ahead = token_of(office, UM, timedelta(minutes=-3))
    page = site.post("/um/subscribe", data={**ANNA, "form": ahead})
    fields = shown_fields(page.text)
    clock.move(seconds=4)
    assert site.post("/um/subscribe", data=fields).status_code == 303


def test_being_quick_on_the_page_with_one_click_only_brings_it_again(
    site: TestClient, office: Office, clock: Clock
) -> None:
    fields = shown_fields(site.post("/um/subscribe", data={**ANNA, "form": ""}).text)
    clock.move(seconds=1)
    again = shown_fields(site.post("/um/subscribe", data=fields).text)
    assert again == fields
    assert asked(office) == 0
    clock.move(seconds=1)
    assert site.post("/um/subscribe", data=again).status_code == 303
    bent = shown_fields(site.post("/um/subscribe", data={**fields, "form": "bent"}).text)
    assert bent["form"] not in {"bent", fields["form"]}


def test_the_one_more_click_is_the_same_for_every_address(
    site: TestClient, confirm_link: Callable[[str], str]
) -> None:
    assert site.post(confirm_link("known@example.org")).status_code == 303
    pages = [
        site.post("/um/subscribe?lang=da", data={"email": f"{who}@example.org", "form": ""})
        for who in ("known", "other")
    ]
    assert pages[0].text.replace("known@", "other@") == pages[1].text


@pytest.mark.parametrize("field", ["email", "form", "homepage", "proof", "again"])
@pytest.mark.parametrize("line", ["\r\n", "\n", "\r", "\u2028", "%0d%0a"])
def test_no_field_reaches_a_header(site: TestClient, field: str, line: str) -> None:
    answer = site.post(
        "/um/subscribe?lang=da", data={**ANNA, field: f"a@b.example{line}Set-Cookie: x=y"}
    )
    assert answer.status_code in {200, 303, 422}
    assert "set-cookie" not in answer.headers
    assert line not in answer.headers.get("location", "")


# Proxies


def address_kept(office: Office) -> str | None:
    with office.database.read() as connection:
        return connection.scalar(select(consent.c.ip).order_by(consent.c.id.desc()).limit(1))


@pytest.mark.parametrize(
    ("peer", "sent", "kept"),
    [
        ("127.0.0.1", {"X-Forwarded-For": "6.6.6.6, 203.0.113.5"}, "203.0.113.5"),
        ("198.51.100.9", {"X-Forwarded-For": "203.0.113.5"}, "198.51.100.9"),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.5"}, "127.0.0.1"),
        ("127.0.0.1", {"X-Forwarded-For": "nonsense\u00ff"}, "127.0.0.1"),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.5", "Host": "evil.example"}, "203.0.113.5"),
    ],
)
def test_the_evidence_has_the_clients_own_address(
    office: Office, peer: str, sent: dict[str, str], kept: str
) -> None:
    office = replace(office, site=Site("https://news.example", trusted_proxies=("127.0.0.1",)))
    visitor = Visitor(office, client=(peer, 4711))
    headers = {name: value.encode("latin-1") for name, value in sent.items()}
    answer = visitor.post("/um/subscribe", data=ANNA, headers=headers)
    assert answer.status_code == 303
    assert "evil" not in answer.headers["location"]
    assert address_kept(office) == kept


def test_limits_count_clients_not_proxies(office: Office) -> None:
    terms = SignupTerms(ipv4_an_hour=1)
    behind = replace(
        office,
        site=Site("https://news.example", trusted_proxies=("127.0.0.1",)),
        limits=Limits(signups=terms),
    )
    visitor = Visitor(behind, client=("127.0.0.1", 4711))
    for number in range(3):
        visitor.post(
            "/um/subscribe",
            data={"email": f"reader{number}@example.org"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
    assert asked(office) == 3


# Letters before the @


def test_letters_before_the_at_are_taken_where_relays_take_them(
    office: Office, visit: Callable[[Office], TestClient]
) -> None:
    address = {"email": "bjørn@blåbær.example"}
    assert "letters before the @" in visit(office).post("/um/subscribe?lang=en", data=address).text
    site = visit(limited(office, smtputf8=True))
    assert site.post("/um/subscribe?lang=en", data=address).status_code == 303
    assert asked(office) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [("-anna@example.org", "begins with a hyphen"), ("anna%0abcc@x.example", "encoded line break")],
)
def test_tricky_addresses_have_words_of_their_own(site: TestClient, typed: str, words: str) -> None:
    answer = site.post("/um/subscribe?lang=en", data={"email": typed})
    assert answer.status_code == 422
    assert words in answer.text


# Proof of work


def worked(puzzle: dict[str, Any]) -> str:
    number = next(
        number
        for number in range(puzzle["maxnumber"] + 1)
        if sha256(f"{puzzle['salt']}{number}".encode()).hexdigest() == puzzle["challenge"]
    )
    shown = {name: puzzle[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return base64.b64encode(json.dumps({**shown, "number": number}).encode()).decode()


def due(office: Office) -> list[bool]:
    with office.database.read() as connection:
        rows = connection.scalars(select(delivery.c.due_at).order_by(delivery.c.id)).all()
    return [moment is not None for moment in rows]


def test_without_work_no_page_has_a_script(site: TestClient) -> None:
    page = site.get("/um")
    assert "<script" not in page.text.replace('<script type="application/ld+json"', "")
    assert "script-src" not in page.headers["content-security-policy"]


def test_where_work_is_asked_for_our_own_script_may_run_and_no_other(
    office: Office, visit: Callable[[Office], TestClient]
) -> None:
    site = visit(limited(office, proof="always", effort=1000))
    for page in (site.get("/um"), site.post("/um/subscribe", data={**ANNA, "form": ""})):
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'; connect-src 'self';" in policy
        assert "unsafe" not in policy
        source = re.search(r'<script src="([^"]+)" defer></script>', page.text)
        assert source is not None
        script = site.get(source[1])
        assert (script.status_code, script.headers["content-type"]) == (
            200,
            "text/javascript; charset=utf-8",
        )
    assert "script-src" not in site.get("/").headers["content-security-policy"]
    puzzle = site.get("/um/puzzle")
    assert puzzle.headers["cache-control"] == "no-store"
    assert puzzle.json()["maxnumber"] == 1000


def test_work_counts_once_and_without_it_nobody_is_refused(
    office: Office, visit: Callable[[Office], TestClient], clock: Clock
) -> None:
    site = visit(limited(office, proof="always", effort=1000, surge=50, unproved=1))
    proof = worked(site.get("/um/puzzle").json())
    for number, sent in enumerate(["", "", proof, proof]):
        answer = site.post(
            "/um/subscribe", data={"email": f"reader{number}@example.org", "proof": sent}
        )
        assert answer.status_code == 303
    assert due(office) == [True, False, True, False]


def test_under_attack_alone_pages_ask_for_work(
    office: Office, visit: Callable[[Office], TestClient], clock: Clock
) -> None:
    office = limited(office, proof="under_attack", effort=1000, surge=1)
    site = visit(office)
    assert "proof.js" not in site.get("/um").text
    for number in range(2):
        site.post("/um/subscribe", data={"email": f"reader{number}@example.org"})
    assert gate.under_attack(office)
    assert "proof.js" in site.get("/um").text
    proof = worked(site.get("/um/puzzle").json())
    site.post("/um/subscribe", data={"email": "person@example.org", "proof": proof})
    assert due(office) == [True, False, True]
    clock.move(minutes=30)
    assert "proof.js" not in site.get("/um").text


def test_no_answer_comes_sooner_than_the_others(office: Office) -> None:
    site = Visitor(limited(office, answer_after=timedelta(milliseconds=60), overall_an_hour=1))
    took = []
    for sent in ({}, {}, {"homepage": "x"}):
        began = time.perf_counter()
        assert site.post("/um/subscribe", data={**ANNA, **sent}).status_code == 303
        took.append(time.perf_counter() - began)
    assert min(took) >= 0.06
