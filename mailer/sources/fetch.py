"""Fetches one address of the web, whatever its server does: within a time, a size, and the net of everybody.

    resolve -> check each number -> connect to the checked number, Host and certificate by name
    3xx: the next address is looked at in the same way, three times at most, never from https to http
    the answer is unpacked as it comes and broken off at the bound; all of it has one deadline

What came of it is a value: `Fetched`, `NotModified`, or `Failed` with what to do about it.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit

import httpx2

from mailer import __version__
from mailer.sources.resolving import Target, Unreachable, joined, resolve
from mailer.sources.unpacking import Broken, TooLarge, UnknownPacking, Unpacker

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/json, "
    "text/html;q=0.8, */*;q=0.5"
)
_REDIRECTS = {301, 302, 303, 307, 308}
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one fetch may cost: octets after unpacking, seconds in all, hops."""

    size: int = 5 * 1024 * 1024
    seconds: float = 20.0
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch.

    Attributes:
        etag, last_modified: as the last answer had them; None to have it anew.
        authorization: the whole field, for the server that `url` names alone.
        ca_file: authorities in place of the system's; empty for these.
        form: what is posted instead, as a form.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    authorization: str | None = field(default=None, repr=False)
    allow_private: bool = False
    ca_file: str = ""
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer.

    Attributes:
        url: where it came from in the end.
        links: addresses by relation, of its Link fields (RFC 8288).
    """

    payload: bytes
    media_type: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotModified:
    """It is as it was."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing that could be used.

    Attributes:
        what, cure: for an operator, as errors have them.
        retry_after: how long its server asks us to wait.
    """

    what: str
    cure: str
    retry_after: timedelta | None = None


Outcome = Fetched | NotModified | Failed


async def fetch(wanted: Wanted, *, bounds: Bounds | None = None) -> Outcome:
    """Fetch, and never raise for what another did."""
    bounds = bounds or Bounds()
    try:
        async with asyncio.timeout(bounds.seconds):
            return await _follow(wanted, bounds)
    except TimeoutError:
        what = f"{wanted.url} gave no whole answer within {bounds.seconds:g} s"
        return Failed(what, "its server is slow or hangs; it is asked again later")
    except Unreachable as error:
        return Failed(error.what, error.cure)


async def _follow(wanted: Wanted, bounds: Bounds) -> Outcome:
    url, first = wanted.url, None
    for _ in range(bounds.redirects + 1):
        target = await resolve(url, allow_private=wanted.allow_private)
        first = first or target
        found = await _ask(wanted, url, target, bounds, trusted=target.origin == first.origin)
        if not isinstance(found, str):
            return found
        if urlsplit(url).scheme == "https" and urlsplit(found).scheme == "http":
            what = f"{wanted.url} leads from https to {found[:200]}, which is not encrypted"
            return Failed(what, "write the address that it leads to into url, if that is right")
        url = found
    what = f"{wanted.url} leads on more than {bounds.redirects} times, last to {url[:200]}"
    return Failed(what, "open it in a browser, and write where it ends into url")


async def _ask(
    wanted: Wanted, url: str, target: Target, bounds: Bounds, *, trusted: bool
) -> Outcome | str:
    """One question to the first machine that answers; a text is the address it sends us on to."""
    fault = Failed(f"{target.host} cannot be reached", "check the address and its server")
    async with _client(wanted.ca_file) as client:
        for number in target.addresses:
            request = _request(client, wanted, url, target, number, trusted=trusted)
            try:
                answer = await client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                fault = _unconnected(target, error)
                continue
            except httpx2.HTTPError as error:
                return _broken_off(target, error)
            try:
                return await _read(answer, wanted, url, bounds)
            except httpx2.HTTPError as error:
                return _broken_off(target, error)
            finally:
                await answer.aclose()
    return fault


def _client(ca_file: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=_authorities(ca_file),
        follow_redirects=False,
        trust_env=False,  # a proxy would resolve the name anew, unchecked
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
    )


@lru_cache(maxsize=8)
def _authorities(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


def _request(
    client: httpx2.AsyncClient,
    wanted: Wanted,
    url: str,
    target: Target,
    number: str,
    *,
    trusted: bool,
) -> httpx2.Request:
    parts = urlsplit(url)
    headers = {
        "Host": target.authority,
        "User-Agent": f"pressmailer/{__version__}",
        "Accept": _ACCEPT,
        "Accept-Encoding": "gzip, deflate",
    }
    if wanted.etag:
        headers["If-None-Match"] = wanted.etag
    if wanted.last_modified:
        headers["If-Modified-Since"] = wanted.last_modified
    if wanted.authorization and trusted:
        headers["Authorization"] = wanted.authorization
    host = f"[{number}]" if ":" in number else number
    query = f"?{parts.query}" if parts.query else ""
    return client.build_request(
        "GET" if wanted.form is None else "POST",
        f"{target.scheme}://{host}:{target.port}{parts.path or '/'}{query}",
        headers=headers,
        data=None if wanted.form is None else dict(wanted.form),
        extensions={"sni_hostname": target.host},
    )


async def _read(answer: httpx2.Response, wanted: Wanted, url: str, bounds: Bounds) -> Outcome | str:
    status = answer.status_code
    if status in _REDIRECTS and "location" in answer.headers:
        return joined(url, answer.headers["location"])
    if status == 304 and (wanted.etag or wanted.last_modified):
        return NotModified()
    if not 200 <= status < 300:
        return _refused(answer, url)
    return await _content(answer, url, bounds)


async def _content(answer: httpx2.Response, url: str, bounds: Bounds) -> Outcome:
    try:
        unpacker = Unpacker(answer.headers.get("content-encoding", ""), bounds.size)
        async for octets in answer.aiter_raw():
            unpacker.feed(octets)
        payload = unpacker.whole()
    except TooLarge:
        what = f"{url} is larger than {bounds.size // 1024 // 1024} MB, and was broken off there"
        return Failed(what, "a feed has its newest releases alone; ask for such a one")
    except Broken as error:
        return Failed(f"{url}: {error}", "its server has a fault; it is asked again later")
    except UnknownPacking as error:
        what = f"{url} is packed as “{str(error)[:50]}”, which was not asked for"
        return Failed(what, "its server has a fault; tell those who run it")
    return Fetched(
        payload,
        answer.headers.get("content-type", ""),
        url,
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        links=_links(answer, url),
    )


def _links(answer: httpx2.Response, url: str) -> dict[str, str]:
    return {
        relation: joined(url, link["url"])
        for link in answer.links.values()
        for relation in link.get("rel", "").split()
        if link.get("url")
    }


_CURES = {
    304: "its server has a fault: nobody asked it whether anything changed",
    401: "give the source its authorization",
    403: "give the source its authorization, or ask those who run it to let us in",
    404: "check the address; it may have moved",
    410: "it is gone for good; take the source out of the settings, or write its new address",
    429: "it is asked more rarely from now on; raise every_minutes",
}


def _refused(answer: httpx2.Response, url: str) -> Failed:
    status = answer.status_code
    cure = _CURES.get(status, "its server has a fault; it is asked again later")
    words = f"{url} answered {status} {answer.reason_phrase}".rstrip()
    return Failed(words, cure, _retry_after(answer.headers.get("retry-after", "")))


def _retry_after(text: str) -> timedelta | None:
    """How long we are asked to wait (RFC 9110 section 10.2.3): seconds, or until a date."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), 10**6))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(timedelta(0), moment - datetime.now(UTC))


def _unconnected(target: Target, error: httpx2.HTTPError) -> Failed:
    if isinstance(error, httpx2.ConnectTimeout):
        return Failed(f"{target.host} does not answer", "check the address and its server")
    reason = str(error)
    if "CERTIFICATE" in reason.upper() or "SSL" in reason.upper():
        what = f"{target.host} cannot prove who it is: {reason.partition('(_ssl')[0].strip()}"
        return Failed(what, "its certificate has to be renewed, or named by ca_file")
    what = f"{target.host} takes no connection at port {target.port}"
    return Failed(what, "check the address and its server")


def _broken_off(target: Target, error: httpx2.HTTPError) -> Failed:
    reason = str(error).partition("\n")[0] or type(error).__name__
    what = f"{target.host} broke off its answer: {reason[:200]}"
    return Failed(what, "its server or the line has a fault; it is asked again later")
