"""The kinds of text that name others on the net: proxies before us, and sites beside us."""

from typing import Annotated
from urllib.parse import urlsplit

from mailer.config.kinds import Kind, shown, web_link_fault
from mailer.core.forwarded import network_fault

_USUAL_PORTS = {"http": 80, "https": 443}


def origin_fault(text: str) -> str | None:
    """Another site as browsers name it (RFC 6454 section 6.2), in that one spelling."""
    if not text or web_link_fault(text) is not None:
        return f"{shown(text)} is not a site; write it like https://www.example.org"
    parts = urlsplit(text)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    port = f":{parts.port}" if parts.port not in {None, _USUAL_PORTS[parts.scheme]} else ""
    right = f"{parts.scheme}://{host}{port}"
    return None if text == right else f"{shown(text)} is not how browsers say it; write {right}"


def trusted_network_fault(text: str) -> str | None:
    """A proxy's address, or a network of proxies."""
    words = network_fault(text)
    return None if words is None else f"{shown(text)} {words}"


Origin = Annotated[str, Kind(origin_fault, '"https://www.example.org"')]
TrustedNetwork = Annotated[str, Kind(trusted_network_fault, '"127.0.0.1"')]
