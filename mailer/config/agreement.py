"""What several keys must agree on: a check gets what could be read and names each fault.

A check yields (key, "what is wrong; cure"); an empty key means the section itself. A key that
failed by itself is absent from the values, and the check passes over what it cannot judge.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from mailer.config.kinds import MAX_RETURN_LOCAL, SOCKET_FILE, is_loopback, language_fault
from mailer.config.newsroom import DkimSection, NewsroomSection
from mailer.config.notice import notice_fault
from mailer.config.picture import logo_fault
from mailer.config.settings import (
    KeysSection,
    RelaySection,
    Settings,
    TemplatesSection,
)
from mailer.config.sources import SourceSection, source_agrees, sources_agree
from mailer.core.dkim import record_name

Values = Mapping[str, Any]
Faults = Iterator[tuple[str, str]]

BEARERS = ("xoauth2", "oauthbearer")
"""Ways to log in that take a token in place of a password."""

OFFERED = {"topics": "topic_words", "kind_choices": "kind_words", "places": "place_words"}
"""What readers can choose by, and the key of the further words that stand for each."""

MAX_DNS_NAME = 253
"""As text, without the last dot (RFC 1035 section 2.3.4)."""


def keys_agree(values: Values) -> Faults:
    """Every key is used for one thing alone: who learns one must not hold another."""
    seen: dict[str, str] = {}
    for name in ("tokens", "returns", "suppression"):
        given = values.get(name, ())
        for secret in (given,) if isinstance(given, str) else given:
            earlier = seen.setdefault(secret, name)
            if earlier != name:
                yield name, f"has a key that keys.{earlier} has too; give each its own random keys"
        if not isinstance(given, str) and len(set(given)) < len(given):
            yield name, "has a key twice; leave each once"


def relay_agrees(values: Values) -> Faults:
    """A relay is a server or a folder, and a password never travels in the clear."""
    host, folder = values.get("host"), values.get("folder")
    if "host" in values and "folder" in values and (host is None) == (folder is None):
        count = "neither" if host is None else "both"
        yield "", f"has {count} of host and folder; write exactly one of them"
    if folder is not None and host is None:
        for key in ("port", "username", "password", "token", "helo", "ca_file"):
            if values.get(key) is not None:
                yield key, "has no meaning for a folder; leave it out"
    plain = host is not None and values.get("security") == "none"
    if plain and not is_loopback(str(host)) and not values.get("insecure"):
        cure = "write starttls or tls, or insecure = true if everybody may read along"
        yield "security", f"none is for a relay on this machine alone; {cure}"
    ca_file = values.get("ca_file")
    if ca_file is not None and not ca_file.is_file():
        yield "ca_file", f"{ca_file} is not a file; name a PEM file of authorities"
    if ca_file is not None and plain:
        yield "ca_file", "has no meaning without encryption; leave it out"
    if (
        host is not None
        and host.startswith(SOCKET_FILE)
        and values.get("security", "none") != "none"
    ):
        yield "security", "a socket file needs no encryption; write none"
    yield from _login(values)


def _login(values: Values) -> Faults:
    """Who logs in does so with one secret, in a way that fits it and keeps it to the two of us."""
    username, auth = values.get("username"), values.get("auth", "auto")
    given = [key for key in ("password", "token") if values.get(key) is not None]
    if username is not None and not given and {"password", "token"} <= values.keys():
        yield "password", "is missing beside username; write both or neither, or a token"
    if given and values.get("username", "") is None:
        yield "username", f"is missing beside {given[0]}; write both or neither"
    if len(given) > 1:
        yield "token", "is one secret too many beside password; leave one of them out"
    elif given and auth != "auto" and (auth in BEARERS) != (given == ["token"]):
        fitting = "a token" if auth in BEARERS else "a password"
        yield "auth", f'{auth} takes {fitting}, not a {given[0]}; write that, or auth = "auto"'
    if auth != "auto" and not given and values.get("username", "") is None:
        yield "auth", "has no meaning without a login; leave it out"
    yield from _overheard(values, given, auth)


def _overheard(values: Values, given: Sequence[str], auth: str) -> Faults:
    host = values.get("host")
    plain = host is not None and values.get("security") == "none" and values.get("insecure")
    if not plain or is_loopback(str(host)):
        return
    if "token" in given or (given and auth not in {"auto", "cram-md5"}):
        cure = "write starttls or tls, or a password with cram-md5"
        yield "security", f"none would show the login to everybody on the way; {cure}"


def newsroom_agrees(values: Values) -> Faults:
    """Languages once each, a logo that can be shown, and room in the envelope sender for a mark."""
    languages = [tag.lower() for tag in values.get("languages", ())]
    for tag, count in Counter(languages).items():
        if count > 1:
            yield "languages", f"names {tag} {count} times; name each once"
    yield from _looks(values, languages)
    yield from _notices(values, languages)
    yield from _choices(values, languages)
    key = "return_path" if values.get("return_path") else "sender"
    local = (values.get(key) or "").rpartition("@")[0]
    if len(local) > MAX_RETURN_LOCAL and "return_path" in values:
        taken = f"has {len(local)} characters before the @, and bounces need room for a mark there"
        yield key, f"{taken}; write a return_path of at most {MAX_RETURN_LOCAL}"
    if "sender" in values:
        for number, section in enumerate(values.get("dkim", ())):
            yield from _signs_for(values["sender"], section, f"dkim.{number}")


def _looks(values: Values, languages: Sequence[str]) -> Faults:
    """Logos that pages can show, and words about the issuer that some page has a place for."""
    for logo in ("logo", "logo_dark"):
        words = logo_fault(values.get(logo))
        if words is not None:
            yield logo, words
    if values.get("logo_dark") and values.get("logo", "") is None:
        yield "logo_dark", "is there without logo; write both, or logo alone"
    for tag in values.get("boilerplate", ()):
        if languages and language_fault(tag) is None and tag.lower() not in languages:
            cure = f"write one of {', '.join(languages)}, or add it to languages"
            yield f"boilerplate.{tag}", f"is in no language of this newsroom; {cure}"


def _choices(values: Values, languages: Sequence[str]) -> Faults:
    """What readers are offered has a name to show, and is offered once."""
    for part, further in OFFERED.items():
        for key, labels in values.get(part, {}).items():
            if not labels:
                yield f"{part}.{key}", 'has no name; write it like { en = "Climate" }'
            for tag in labels:
                if languages and tag.lower() not in languages:
                    cure = f"write one of {', '.join(languages)}, or add it to languages"
                    yield f"{part}.{key}.{tag}", f"is in no language of this newsroom; {cure}"
        for key in values.get(further, {}).keys() - values.get(part, {}).keys():
            yield f"{further}.{key}", f"belongs to nothing that {part} offers; name it there too"
    frequencies = values.get("frequencies")
    if frequencies is not None and len(set(frequencies)) != max(1, len(frequencies)):
        yield "frequencies", 'is empty or names one twice; write frequencies = ["at_once"]'


def _notices(values: Values, languages: Sequence[str]) -> Faults:
    """A notice that cannot be read would be kept as evidence by nobody."""
    for tag, file in values.get("privacy_notice", {}).items():
        words = notice_fault(file)
        if words is None and languages and tag.lower() not in languages:
            words = (
                f"is in no language of this newsroom; write one of {', '.join(languages)}, or add"
                " it to languages"
            )
        if words is not None:
            yield f"privacy_notice.{tag}", words


def _signs_for(sender: str, section: DkimSection, place: str) -> Faults:
    """Only a signature of the sender's own domain speaks for it (RFC 7489 section 3.1.1)."""
    home, domain = section.domain_for(sender), sender.rpartition("@")[2].lower()
    if "." not in home:
        yield place, f"{home} has no place in the DNS; write the sender's domain, or leave dkim out"
    elif not f".{home}".endswith(f".{domain}") and not f".{domain}".endswith(f".{home}"):
        words = f"{home} is neither the sender's domain, {domain}, nor above or below it"
        yield f"{place}.domain", f"{words}; readers' servers would not count such a signature"
    elif len(record_name(section.selector, home)) > MAX_DNS_NAME:
        words = f"makes a name of more than {MAX_DNS_NAME} characters with {home}"
        yield f"{place}.selector", f"{words}; choose a shorter one"


def settings_agree(values: Values) -> Faults:
    """A name in the DNS holds one key, whoever signs with it; a source is a newsroom's that there is."""
    seen: dict[str, tuple[str, str]] = {}
    for newsroom, section in values.get("newsroom", {}).items():
        for number, dkim in enumerate(section.dkim):
            name = record_name(dkim.selector, dkim.domain_for(section.sender))
            key, place = seen.setdefault(name, (dkim.key, f"newsroom.{newsroom}.dkim.{number}"))
            if key != dkim.key:
                words = f"publishes another key than {place} under {name}"
                yield f"newsroom.{newsroom}.dkim.{number}.selector", f"{words}; choose another"
    yield from sources_agree(values)


def templates_agree(values: Values) -> Faults:
    """An override that is not found would silently be the shipped text."""
    folder = values.get("folder")
    if folder is not None and not folder.is_dir():
        yield "folder", f"{folder} is not a folder; make it, or leave the key out"


AGREEMENTS: dict[type[Struct], Callable[[Values], Faults]] = {
    KeysSection: keys_agree,
    RelaySection: relay_agrees,
    SourceSection: source_agrees,
    NewsroomSection: newsroom_agrees,
    TemplatesSection: templates_agree,
    Settings: settings_agree,
}
