"""The site on a real socket: beside others in one loop, stopped when told, signals left alone."""

import asyncio
import contextlib
import os
import re
import signal
import socket

import psutil
import pytest
from support.offices import UM
from support.serving import exchange, serving
from support.visitors import token_of

from mailer.core.errors import ServiceMissing
from mailer.services.office import Office
from mailer.web.app import create_app
from mailer.web.server import serve


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: news.example", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_pages_are_served_and_serving_stops_when_told(office: Office) -> None:
    async def story() -> int:
        async with serving(create_app(office)) as port:
            answer = await exchange(port, get("/um"))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nserver:" not in answer.lower()
        return port

    port = asyncio.run(story())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_no_page_waits_until_its_head_was_acknowledged(office: Office) -> None:
    """Nagle's algorithm would hold back its second write (RFC 896), by 40 ms where that is delayed."""

    async def story() -> list[int]:
        async with serving(create_app(office)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(get("/healthz").replace(b"close", b"keep-alive"))
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            found = [
                one.fd
                for one in psutil.Process().net_connections("tcp4")
                if one.laddr.port == port and one.raddr
            ]
            options = []
            for number in found:
                with socket.socket(fileno=os.dup(number)) as accepted:
                    options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
        return options

    assert asyncio.run(story()) == [1]


def test_two_sites_share_a_loop_and_no_signal_is_taken(office: Office) -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    async def story() -> None:
        before = handlers()
        app = create_app(office)
        async with serving(app) as one, serving(app) as other:
            assert handlers() == before
            answers = await asyncio.gather(
                *(exchange(port, get("/healthz")) for port in (one, other) * 5)
            )
            assert all(answer.endswith(b"ok\n") for answer in answers)

    asyncio.run(story())


def test_a_cancelled_server_lets_go_of_its_port(office: Office) -> None:
    async def story() -> None:
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            serve(create_app(office), host="127.0.0.1", port=0, started=port.set_result)
        )
        taken = await port
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", taken)

    asyncio.run(story())


def test_a_port_that_is_taken_is_named_with_the_cure(office: Office) -> None:
    async def story() -> None:
        async with serving(create_app(office)) as port:
            with pytest.raises(ServiceMissing, match=f"port {port}.*in use") as fault:
                await serve(create_app(office), host="127.0.0.1", port=port)
            assert "--port" in fault.value.cure

    asyncio.run(story())


def test_a_host_that_is_none_is_named(office: Office) -> None:
    with pytest.raises(ServiceMissing, match=r"on not-a-host\.invalid port 0"):
        asyncio.run(serve(create_app(office), host="not-a-host.invalid", port=0))


def test_what_a_proxy_claims_is_not_believed(office: Office) -> None:
    body = b"email=a%%40b.example&form=%s" % token_of(office, UM).encode()
    request = (
        b"POST /um/subscribe HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
        b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: gopher\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )

    async def story() -> bytes:
        async with serving(create_app(office)) as port:
            return await exchange(port, request)

    answer = asyncio.run(story())
    assert answer.startswith(b"HTTP/1.1 303 See Other\r\n")
    assert re.search(rb"\r\nlocation: /um/check-mail/[\w.-]+\?lang=da\r\n", answer)
    assert b"evil" not in answer
    with office.database.read() as connection:
        found = connection.exec_driver_sql("SELECT ip FROM consent").scalar()
    assert found == "127.0.0.1"


def test_too_large_a_form_is_refused_before_it_is_sent(office: Office) -> None:
    request = (
        b"POST /um/subscribe HTTP/1.1\r\nHost: news.example\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1048576\r\n\r\n"
    )

    async def story() -> bytes:
        async with serving(create_app(office)) as port:
            return await exchange(port, request)

    assert asyncio.run(story()).startswith(b"HTTP/1.1 413 ")


def test_a_head_that_goes_on_and_on_is_refused(office: Office) -> None:
    async def story() -> bytes:
        async with serving(create_app(office)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: news.example\r\n")
            with contextlib.suppress(ConnectionError):
                for number in range(4000):
                    writer.write(b"X-%d: %b\r\n" % (number, b"a" * 1000))
                    await writer.drain()
                async with asyncio.timeout(60):  # a server that takes it all in waits for more
                    await reader.read()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            return await exchange(port, get("/healthz"))

    assert asyncio.run(story()).endswith(b"ok\n")


def test_a_visitor_who_hangs_up_leaves_no_trace(office: Office) -> None:
    async def story() -> None:
        async with serving(create_app(office)) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"POST /um/subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=a%40b.example"
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            answer = await exchange(port, get("/healthz"))
            assert answer.endswith(b"ok\n")

    asyncio.run(story())
    with office.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM request").scalar() == 0
