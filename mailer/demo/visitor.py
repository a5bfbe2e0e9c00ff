"""A visitor's browser, as plain as can be: gets pages, fills in the forms it finds there, follows 303.

It knows nothing of the site but what the pages say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urljoin, urlsplit

from mailer.demo.narrator import ExpectationFailed

_SECONDS = 20
_MOST_REDIRECTS = 5
_HEADERS = {
    "Accept": "text/html",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Visitor of the demonstration",
}


@dataclass(frozen=True, slots=True)
class Form:
    """A form on a page.

    Attributes:
        action: the address it is sent to.
        fields: what it would send as it stands, by name.
        button: what stands on its button.
    """

    method: str
    action: str
    fields: Mapping[str, str]
    button: str


@dataclass(frozen=True, slots=True)
class Page:
    """What came of a visit.

    Attributes:
        url: where the visit ended.
        statuses: of every answer on the way.
        heading: the page's first heading.
    """

    url: str
    statuses: tuple[int, ...]
    heading: str
    forms: tuple[Form, ...]

    @property
    def ok(self) -> bool:
        """Whether there is a page, not a fault."""
        return self.statuses[-1] == 200

    def form(self, ending: str = "") -> Form:
        """The one form whose address ends so.

        Raises:
            ExpectationFailed: there is none, or more than one.
        """
        found = [form for form in self.forms if urlsplit(form.action).path.endswith(ending)]
        if len(found) != 1:
            raise ExpectationFailed(f"{self.url} has {len(found)} forms for …{ending}, not one")
        return found[0]


class Visitor:
    """A browser without cookies.

    Args:
        language: what it asks for, such as "da".
    """

    def __init__(self, language: str) -> None:
        self._headers = {**_HEADERS, "Accept-Language": language}

    def open(self, url: str) -> Page:
        """Open an address, as by a click on a link.

        Raises:
            ExpectationFailed: nobody answers there.
        """
        return self._visit("GET", url, "")

    def submit(self, form: Form, **typed: str) -> Page:
        """Fill in a form, press its button, and go where the answer leads.

        Raises:
            ExpectationFailed: the form does not ask for what is typed, or nobody answers it.
        """
        if unknown := set(typed) - set(form.fields):
            missing = ", ".join(sorted(unknown))
            raise ExpectationFailed(f"The form to {form.action} does not ask for {missing}")
        return self._visit(form.method, form.action, urlencode({**form.fields, **typed}))

    def leave_by_one_click(self, url: str) -> int:
        """What a mail reader's own button to unsubscribe does (RFC 8058); the status of the answer."""
        status, _, _ = _ask("POST", url, "List-Unsubscribe=One-Click", {})
        return status

    def _visit(self, method: str, url: str, body: str) -> Page:
        statuses: list[int] = []
        for _ in range(_MOST_REDIRECTS):
            status, leads_to, text = _ask(method, url, body, self._headers)
            statuses.append(status)
            if not leads_to:
                return _read(text, url, tuple(statuses))
            method, body, url = "GET", "", urljoin(url, leads_to)
        raise ExpectationFailed(f"{url} leads on and on")


def _ask(method: str, url: str, body: str, headers: Mapping[str, str]) -> tuple[int, str, str]:
    """Status, where it leads to, and text of one answer."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise ExpectationFailed(f"{url} is not an address on this machine")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    sent = dict(headers)
    if method == "POST":
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    connection = HTTPConnection(parts.hostname, parts.port, timeout=_SECONDS)
    try:
        connection.request(method, path, body.encode() if method == "POST" else None, sent)
        answer = connection.getresponse()
        leads_to = answer.getheader("Location", "") if answer.status in {301, 302, 303} else ""
        return answer.status, leads_to, answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        raise ExpectationFailed(f"{url} does not answer: {error}") from error
    finally:
        connection.close()


def _read(text: str, url: str, statuses: tuple[int, ...]) -> Page:
    reader = _Reader(url)
    reader.feed(text)
    reader.close()
    return Page(url, statuses, " ".join(reader.heading.split()), tuple(reader.forms))


class _Reader(HTMLParser):
    """Finds forms and the first heading."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.heading = ""
        self.forms: list[Form] = []
        self._url = url
        self._inside = ""
        self._fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            address = urljoin(self._url, given.get("action", ""))
            self._fields = {}
            self.forms.append(Form(given.get("method", "get").upper(), address, self._fields, ""))
        elif tag == "input" and given.get("name"):
            self._fields[given["name"]] = given.get("value", "")
        elif tag == "button" or (tag == "h1" and not self.heading):
            self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "h1":
            self.heading += data
        elif self._inside == "button" and self.forms:
            self.forms[-1] = replace(self.forms[-1], button=self.forms[-1].button + data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
        if tag == "form":
            self._fields = {}
