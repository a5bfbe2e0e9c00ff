"""Fetches what somebody hands to the desk by its address: as carefully as a source is fetched.

An address at the server of a source of the settings is asked as that source is: with its authorization, its
authorities, and in our own net if it lies there. No other address may lead into it.
"""

import asyncio
from urllib.parse import urlsplit

from mailer.core.errors import SourceFault
from mailer.core.source import Source
from mailer.core.web_name import web_name
from mailer.services.handing_in import Given
from mailer.services.office import Office
from mailer.sources.fetch import Failed, Fetched, Wanted, fetch


def is_address(place: str) -> bool:
    """Whether a word of an operator is an address of the web, and no file."""
    return place[:8].lower().startswith(("http://", "https://"))


def fetch_given(office: Office, url: str, *, newsroom: str | None) -> Given:
    """What stands at an address now.

    Args:
        newsroom: whose language and zone texts and times are in that do not say theirs; None: the first's.

    Raises:
        NotFound: no such newsroom.
        SourceFault: it cannot be had.
    """
    room = office.newsroom(newsroom or next(iter(office.newsrooms)))
    near = _near(office, url)
    web = Source(
        key="release-add",
        newsroom=room.key,
        url=url,
        language=room.language if near is None else near.language,
        zone=room.time_zone if near is None else near.zone,
        allow_private=near is not None and near.allow_private,
        authorization=None if near is None else near.authorization,
        ca_file="" if near is None else near.ca_file,
    )
    found = asyncio.run(
        fetch(
            Wanted(
                url,
                authorization=None if web.authorization is None else web.authorization(),
                allow_private=web.allow_private,
                ca_file=web.ca_file,
            )
        )
    )
    if isinstance(found, Failed):
        raise SourceFault(found.what, _cure(found))
    assert isinstance(found, Fetched)  # nothing was asked conditionally
    same = near is not None and web_name(near.url) == web_name(url)
    return Given(
        found.payload,
        found.url,
        found.media_type,
        web=web,
        known_as=near.key if same and near is not None else None,
    )


def _near(office: Office, url: str) -> Source | None:
    """The source of the settings that lies there, or else at the same server."""
    there = [one for one in office.sources.values() if one.url and _server(one.url) == _server(url)]
    same = [one for one in there if web_name(one.url) == web_name(url)]
    return next(iter(same or there), None)


def _server(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme.lower(), parts.netloc.lower()


def _cure(failed: Failed) -> str:
    """What to do, for somebody who asks once: nothing is asked again by itself."""
    words = failed.cure.replace("it is asked again later", "try again later")
    return f"{words}; or save it in a browser, and add the file"
