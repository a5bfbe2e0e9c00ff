"""The site on a real socket for tests: served in the test's own loop, spoken to in bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from mailer.web.server import serve


@asynccontextmanager
async def serving(app: ASGIApp, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """The app on a free port; stopped by its event at the end."""
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, host=host, port=0, stop=stop, started=port.set_result))
    yield await port
    stop.set()
    await task


async def exchange(port: int, request: bytes, host: str = "127.0.0.1") -> bytes:
    """All that is answered to a request, until the other side hangs up."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
