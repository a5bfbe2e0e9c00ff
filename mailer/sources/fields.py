"""Checks a release's single values (titles, language tags, keys, links): a fault names the line."""

import re
from urllib.parse import unquote, urlsplit

from mailer.core.address import parse_address
from mailer.core.errors import AddressRefused
from mailer.sources.characters import described, display, find_deceptive, find_refused
from mailer.sources.lines import Place

MAX_TITLE = 500

_TAG = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?")
_KEY = re.compile(r"[a-z][a-z0-9-]*")
_PHONE = re.compile(r"\+?[0-9][0-9().-]{2,29}(?:;[a-z0-9=.-]+)*")
_UNSAFE = re.compile(r"[\s<>\"\\^`{|}]")


def shown(text: str, place: Place, what: str) -> str:
    """`text` as a display string, at most 500 characters.

    Args:
        what: its name in a fault, as in "the title".

    Raises:
        DocumentFault: empty, too long, or holding a character that could disguise it.
    """
    clean = display(text)
    if not clean:
        raise place.fault(f"{what} is empty", "write it, in words")
    if len(clean) > MAX_TITLE:
        raise place.fault(
            f"{what} has {len(clean):,} characters; {MAX_TITLE} is the most",
            "shorten it, and check that it is not a paragraph of the text",
        )
    found = find_refused(clean) or find_deceptive(clean)
    if found is not None:
        raise place.fault(f"{what} holds {found.name}", found.cure)
    return clean


def language_tag(text: str, place: Place) -> str:
    """A language tag in its usual spelling: `da`, `en-GB`, `zh-Hant-TW` (BCP 47: language, script, region).

    Raises:
        DocumentFault: not well formed.
    """
    found = _TAG.fullmatch(text.strip())
    if found is None:
        likely = text.strip().replace("_", "-")
        hint = likely if _TAG.fullmatch(likely) else "da or en-GB"
        raise place.fault(f"“{text[:40]}” is not a language tag", f"write a tag such as {hint}")
    language, script, region = found.groups()
    parts = (language.lower(), script and script.title(), region and region.upper())
    return "-".join(part for part in parts if part)


def newsroom_key(text: str, place: Place) -> str:
    """A newsroom's key: a small letter, then small letters, digits and hyphens.

    Raises:
        DocumentFault: not such a word.
    """
    if not _KEY.fullmatch(text):
        raise place.fault(
            f"“{text[:60]}” is not the key of a newsroom",
            "write the key that the settings give it: small letters, digits and hyphens",
        )
    return text


def web_address(text: str, place: Place) -> str:
    """An absolute http or https address.

    Raises:
        DocumentFault: anything else.
    """
    problem = _web_problem(text)
    if problem:
        raise place.fault(
            f"“{text[:120]}” {problem}", "write a whole address, as in https://example.org/page"
        )
    return text


def link(href: str, place: Place) -> str:
    """A link that may stand in a mail: an absolute http, https, mailto or tel address.

    Raises:
        DocumentFault: anything else; a reader of mail has no page that a relative link could start from.
    """
    scheme, colon, rest = href.partition(":")
    if scheme.lower() in {"mailto", "tel"} and colon:
        problem = (
            _mailto_problem(rest) if scheme.lower() == "mailto" else _phone_problem(unquote(rest))
        )
    else:
        problem = _web_problem(href)
    if problem:
        raise place.fault(
            f"the link to “{href[:120]}” {problem}",
            "write a whole https://, mailto: or tel: address",
        )
    return href


def mailbox(text: str, place: Place) -> str:
    """An e-mail address as it was written.

    Raises:
        DocumentFault: not an address that can be mailed.
    """
    try:
        return parse_address(text).typed
    except AddressRefused as error:
        raise place.fault(error.what, error.cure) from error


def _web_problem(text: str) -> str:
    meant = unquote(text, errors="ignore")
    if _UNSAFE.search(text) or find_deceptive(meant) or find_refused(meant):
        return "holds a character that an address cannot have"
    if not text.isascii():
        return "holds a letter that an address must write encoded, as in %C3%A6"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is not an address: {error}"
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return "is not a whole web address"
    if "@" in parts.netloc:
        return "has a user name before its host, which disguises where it leads"
    return ""


def _mailto_problem(rest: str) -> str:
    to = unquote(rest.partition("?")[0])
    if _UNSAFE.search(rest) or find_deceptive(unquote(rest)):
        return "holds a character that an address cannot have"
    try:
        parse_address(to)
    except AddressRefused as error:
        return f"names no mailbox ({error.reason})"
    return ""


def _phone_problem(rest: str) -> str:
    digits = rest.replace(" ", "")
    return "" if _PHONE.fullmatch(digits) else f"is not a phone number{_odd_letter(digits)}"


def _odd_letter(text: str) -> str:
    odd = next((character for character in text if not character.isascii()), "")
    return f" ({described(odd)})" if odd else ""
