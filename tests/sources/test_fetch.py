"""One address is fetched whatever its server does: in time, in size, from the net of everybody alone."""

import asyncio
import gzip
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Certificates
from support.web_source import Asked, WebSource, endless, page, silent

from mailer.sources.fetch import Bounds, Failed, Fetched, NotModified, Outcome, Wanted, fetch

BOUNDS = Bounds(size=100_000, seconds=5)


@pytest.fixture
def server() -> Iterator[WebSource]:
    with WebSource() as made:
        yield made


def get(url: str, bounds: Bounds = BOUNDS, *, private: bool = True, **wanted: object) -> Outcome:
    asked = replace(Wanted(url, allow_private=private), **wanted)  # type: ignore[arg-type] # by name
    return asyncio.run(fetch(asked, bounds=bounds))


def failure(outcome: Outcome) -> str:
    assert isinstance(outcome, Failed)
    assert outcome.cure
    return outcome.what


def test_a_page_is_fetched_with_what_is_said_of_it(server: WebSource) -> None:
    link = '<https://hub.example/>; rel="hub", </feed>; rel="self"'
    told: Any = {"content_type": "text/xml", "etag": '"1"', "last_modified": "then", "link": link}
    server.pages["/feed"] = page(b"hello", **told)

    found = get(server.url("/feed?a=1"))

    assert found == Fetched(
        b"hello", "text/xml", server.url("/feed?a=1"), '"1"', "then",
        {"hub": "https://hub.example/", "self": server.url("/feed")},
    )  # fmt: skip
    (asked,) = server.requests
    assert asked.path == "/feed?a=1"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["accept-encoding"] == "gzip, deflate"
    assert "authorization" not in asked.headers


def test_what_has_not_changed_is_not_fetched_again(server: WebSource) -> None:
    def answer(asked: Asked) -> bytes:
        same = asked.headers.get("if-none-match") == '"1"'
        return page(status=304) if same else page(b"new", etag='"2"')

    server.pages["/feed"] = answer
    assert get(server.url(), etag='"1"', last_modified="then") == NotModified()
    assert server.requests[0].headers["if-modified-since"] == "then"
    assert isinstance(get(server.url(), etag='"0"'), Fetched)
    server.pages["/feed"] = page(status=304)
    assert "304" in failure(get(server.url()))


@pytest.mark.parametrize(
    ("packing", "packed"),
    [
        ("gzip", gzip.compress(b"hello" * 100)),
        ("x-gzip", gzip.compress(b"hello" * 50) + gzip.compress(b"hello" * 50) + b"\0\0"),
        ("deflate", zlib.compress(b"hello" * 100)),
        ("deflate", zlib.compress(b"hello" * 100)[2:-4]),
        ("identity", b"hello" * 100),
    ],
    ids=["gzip", "gzip in two parts", "zlib", "deflate", "identity"],
)
def test_what_is_packed_is_unpacked(server: WebSource, packing: str, packed: bytes) -> None:
    server.pages["/feed"] = page(packed, content_encoding=packing)
    found = get(server.url())
    assert isinstance(found, Fetched)
    assert found.payload == b"hello" * 100


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(gzip.compress(b"\0" * 50_000_000), content_encoding="gzip"), "larger than"),
        (page(gzip.compress(b"hello" * 1000)[:40], content_encoding="gzip"), "breaks off"),
        (page(b"no gzip at all", content_encoding="gzip"), "not packed as it says"),
        (page(b"x", content_encoding="br"), "packed as “br”"),
        (page(b"x" * 100_001), "larger than"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), "larger than"),
        (page(b"short", content_length="500"), "broke off its answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broke off its answer"),
        (b"SSH-2.0-OpenSSH_9\r\n", "broke off its answer"),
        (page(b"gone", status=410), "410 Gone"),
        (page(b"no", status=401), "401"),
        (page(b"", status=302), "302"),
        (page(status=301, location="http://[half"), "no web address"),
        (page(status=301, location="file:///etc/passwd"), "not a web address"),
        (page(status=301, location="http://user:word@127.0.0.1/"), "name or password"),
    ],
    ids=map(str, range(15)),
)  # fmt: skip
def test_a_bad_answer_is_a_failure_in_words(server: WebSource, answer: bytes, words: str) -> None:
    server.pages["/feed"] = answer
    assert words in failure(get(server.url()))


def test_the_whole_has_one_deadline(server: WebSource) -> None:
    gate = threading.Event()
    server.pages["/feed"] = silent(gate)
    found = get(server.url(), replace(BOUNDS, seconds=0.2))
    gate.set()
    assert "no whole answer within 0.2 s" in failure(found)


def test_an_answer_that_drips_is_broken_off_at_the_deadline(server: WebSource) -> None:
    gate = threading.Event()

    def drip(_asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while not gate.wait(0.02):
            yield b"."

    server.pages["/feed"] = drip
    found = get(server.url(), replace(BOUNDS, seconds=0.3))
    gate.set()
    assert "no whole answer" in failure(found)


def test_redirects_are_followed_three_times_and_never_for_ever(server: WebSource) -> None:
    for step in range(4):
        server.pages[f"/{step}"] = page(status=307, location=f"/{step + 1}")
    server.pages["/4"] = page(b"there")
    found = get(server.url("/1"))
    assert isinstance(found, Fetched)
    assert found.url == server.url("/4")
    assert "more than 3 times" in failure(get(server.url("/0")))
    server.pages["/loop"] = page(status=302, location="/loop")
    assert "more than 3 times" in failure(get(server.url("/loop")))


def test_a_secret_is_told_to_the_server_it_is_for_alone(server: WebSource) -> None:
    with WebSource() as other:
        server.pages["/feed"] = page(status=302, location="/here")
        server.pages["/here"] = page(status=302, location=other.url("/there"))
        other.pages["/there"] = page(b"x")
        assert isinstance(get(server.url(), authorization="Bearer s3cret"), Fetched)
        assert [one.headers.get("authorization") for one in server.requests] == [
            "Bearer s3cret"
        ] * 2
        assert "authorization" not in other.requests[0].headers
    assert "s3cret" not in repr(Wanted("https://a.example/", authorization="Bearer s3cret"))


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "this machine itself"),
        ("localhost", "this machine itself"),
        ("[::1]", "this machine itself"),
        ("[::ffff:127.0.0.1]", "this machine itself"),
        ("0x7f.1", "this machine itself"),
        ("169.254.169.254", "its secrets"),
        ("10.1.2.3", "private net"),
    ],
)
def test_what_only_we_can_reach_is_not_fetched(server: WebSource, host: str, words: str) -> None:
    assert words in failure(get(f"http://{host}:{server.port}/feed", private=False))
    assert server.requests == []


def test_a_redirect_to_a_metadata_address_is_refused_even_where_private_is_allowed(
    server: WebSource,
) -> None:
    server.pages["/feed"] = page(status=302, location="http://169.254.169.254/latest/meta-data/")
    assert "secrets" in failure(get(server.url()))


def test_a_name_is_resolved_once_and_the_number_that_was_checked_is_asked(
    server: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name service that says another number the second time (DNS rebinding) is not asked twice."""
    told: list[str] = []

    async def resolver(self: object, host: str, port: int, **_: object) -> list[object]:
        told.append(host)
        number = "127.0.0.1" if len(told) == 1 else "10.0.0.1"
        return [(2, 1, 6, "", (number, port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", resolver)
    server.pages["/feed"] = page(b"x")

    assert isinstance(get(f"http://press.example:{server.port}/feed"), Fetched)
    assert told == ["press.example"]
    assert server.requests[0].headers["host"] == f"press.example:{server.port}"


def test_what_answers_nowhere_is_told_apart(server: WebSource) -> None:
    port = server.port
    server.__exit__()
    assert f"takes no connection at port {port}" in failure(get(f"http://127.0.0.1:{port}/"))
    assert "not known to the name service" in failure(get("http://nowhere.invalid/"))
    assert "not a web address" in failure(get("http://half:port/"))
    server.__enter__()


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("an hour ahead", timedelta(hours=1)),
        ("an hour ago", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_how_long_a_server_asks_us_to_wait(
    server: WebSource, said: str, wait: timedelta | None
) -> None:
    hours = {"an hour ahead": 1, "an hour ago": -1}.get(said)
    if hours is not None:  # dates are told as of now, not of when the tests were collected
        said = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    server.pages["/feed"] = page(status=429, retry_after=said)
    found = get(server.url())
    assert isinstance(found, Failed)
    if wait is None or found.retry_after is None:
        assert found.retry_after is wait
    else:
        assert abs(found.retry_after - wait) < timedelta(minutes=1)


def test_a_certificate_is_asked_for_by_name(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    ca_file = str(certificates.ca_file)
    with WebSource(tls=certificates.server) as server:
        server.pages["/feed"] = page(b"safe")
        server.pages["/down"] = page(status=301, location="http://localhost/feed")
        assert isinstance(get(server.url(host="localhost"), ca_file=ca_file), Fetched)
        assert isinstance(get(server.url(), ca_file=ca_file), Fetched)
        assert "cannot prove who it is" in failure(get(server.url(host="localhost")))
        assert "not encrypted" in failure(
            get(server.url("/down", host="localhost"), ca_file=ca_file)
        )
    with WebSource(tls=certificates.stranger) as server:
        assert "cannot prove who it is" in failure(
            get(server.url(host="localhost"), ca_file=ca_file)
        )


def test_a_form_is_posted(server: WebSource) -> None:
    server.pages["/hub"] = page(status=202)
    assert isinstance(get(server.url("/hub"), form={"hub.mode": "subscribe"}), Fetched)
    (asked,) = server.requests
    assert (asked.method, asked.body) == ("POST", b"hub.mode=subscribe")
