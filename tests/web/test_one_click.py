"""One-click unsubscribe (RFC 8058) over a real socket, in the bytes that mail providers send."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select
from support.desk import import_readers
from support.readers import acts, leave_token
from support.serving import exchange, serving

from mailer.services.office import Office
from mailer.store.tables import subscription
from mailer.web.app import create_app

READER = "reader0@example.org"

# As each provider's own client writes it; {path} and {length} are filled in.
GMAIL = (
    (
        "POST {path} HTTP/1.1\r\n"
        "Host: news.example\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        "User-Agent: Gmail List-Unsubscribe\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n"
        "Content-Length: {length}\r\n"
        "Connection: close\r\n\r\n"
    ),
    b"List-Unsubscribe=One-Click",
)
APPLE = (
    (
        "POST {path} HTTP/1.1\r\n"
        "Host: news.example\r\n"
        "Content-Type: multipart/form-data; boundary=Boundary-7F2C64B1\r\n"
        "User-Agent: Mail/16.0 (Macintosh; OS X 14.5)\r\n"
        "Accept: */*\r\n"
        "Accept-Language: da-DK,da;q=0.9\r\n"
        "Content-Length: {length}\r\n"
        "Connection: close\r\n\r\n"
    ),
    (
        b"--Boundary-7F2C64B1\r\n"
        b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        b"One-Click\r\n--Boundary-7F2C64B1--\r\n"
    ),
)
OUTLOOK = (
    (
        "POST {path} HTTP/1.1\r\n"
        "Host: news.example\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        "Transfer-Encoding: chunked\r\n"
        "Origin: https://outlook.live.com\r\n"
        "Sec-Fetch-Site: cross-site\r\n"
        "Expect: 100-continue\r\n"
        "Connection: close\r\n\r\n"
    ),
    b"1a\r\nList-Unsubscribe=One-Click\r\n0\r\n\r\n",
)
NO_BODY = ("POST {path} HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\r\n", b"")
OLD_CLIENT = (
    (
        "POST {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: {length}\r\n\r\n"
    ),
    b"List-Unsubscribe=One-Click",
)
A_LOT = (
    (
        "POST {path} HTTP/1.1\r\nHost: news.example\r\nContent-Type: text/plain\r\n"
        "Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ),
    b"x" * 50_000,
)


def filled(request: tuple[str, bytes], path: str) -> bytes:
    head, body = request
    return head.format(path=path, length=len(body)).encode() + body


def over_http(office: Office, talk: Callable[[int], Awaitable[bytes]]) -> bytes:
    async def story() -> bytes:
        async with serving(create_app(office)) as port:
            return await talk(port)

    return asyncio.run(story())


@pytest.mark.parametrize(
    "request_bytes",
    [GMAIL, APPLE, OUTLOOK, NO_BODY, OLD_CLIENT, A_LOT],
    ids=["gmail", "apple", "outlook", "no-body", "http-1.0", "a-lot"],
)
def test_one_click_leaves_and_is_never_sent_elsewhere(
    office: Office, request_bytes: tuple[str, bytes]
) -> None:
    import_readers(office, 1)
    request = filled(request_bytes, f"/leave/{leave_token(office)}")

    async def twice(port: int) -> bytes:
        first = await exchange(port, request)
        assert acts(office, READER) == ["imported", "left"]
        assert (
            _final(await exchange(port, request)).partition(b"\r\n\r\n")[2]
            == (_final(first).partition(b"\r\n\r\n")[2])
        )
        return first

    answer = _final(over_http(office, twice))

    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nlocation:" not in head
    assert b"\r\nset-cookie:" not in head
    assert acts(office, READER) == ["imported", "left"]


def _final(answer: bytes) -> bytes:
    return answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_that_only_looks_ends_nothing(office: Office, method: str) -> None:
    import_readers(office, 1)
    request = (
        f"{method} /leave/{leave_token(office)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )

    answer = over_http(office, lambda port: exchange(port, request.encode()))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert acts(office, READER) == ["imported"]


def test_who_hangs_up_amid_the_body_has_left_all_the_same(office: Office) -> None:
    import_readers(office, 1)
    head = GMAIL[0].format(path=f"/leave/{leave_token(office)}", length=500).encode()

    async def hang_up(port: int) -> bytes:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b"List-Unsub")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        while acts(office, READER) == ["imported"]:
            await exchange(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b""

    over_http(office, hang_up)

    assert acts(office, READER) == ["imported", "left"]


def test_one_provider_may_leave_for_as_many_as_it_likes(office: Office) -> None:
    import_readers(office, 200)
    requests = [filled(GMAIL, f"/leave/{leave_token(office, number)}") for number in range(1, 201)]

    async def all_of_them(port: int) -> bytes:
        answers = [await exchange(port, request) for request in requests]
        assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
        return b""

    over_http(office, all_of_them)

    with office.database.read() as connection:
        states = connection.execute(
            select(subscription.c.state, func.count()).group_by(subscription.c.state)
        ).all()
    assert [tuple(row) for row in states] == [("ended", 200)]
