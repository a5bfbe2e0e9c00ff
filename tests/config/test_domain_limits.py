"""Limits by domain: read under their names and for every other domain, and each fault with its cure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.config import load
from mailer.core.errors import ConfigFault
from mailer.core.pace import DomainLimit

Write = Callable[..., Path]

TWO = """
[domain."*"]
connections = 4
[domain."example.org"]
connections = 2
messages_per_minute = 90.5
"""


def faults(path: Path, environ: dict[str, str] | None = None) -> dict[str, str]:
    """The faults by the place they name."""
    with pytest.raises(ConfigFault) as caught:
        load(path, environ or {})
    return dict(fault.split(": ", 1) for fault in caught.value.faults)


def test_limits_are_handed_on_by_domain(write: Write) -> None:
    assert load(write(more=TWO), {}).domain_limits() == {
        "*": DomainLimit(connections=4),
        "example.org": DomainLimit(connections=2, messages_per_minute=90.5),
    }


def test_without_a_section_nothing_is_limited(write: Write) -> None:
    settings = load(write(), {})
    assert settings.domain_limits() == {}
    assert settings.domain is not load(write(), {}).domain, "each has its own"


@pytest.mark.parametrize(
    ("variable", "domain"),
    [
        ("MAILER_DOMAIN__EXAMPLE_ORG__CONNECTIONS", "example.org"),
        ("MAILER_DOMAIN__ANY__CONNECTIONS", "*"),
        ("MAILER_DOMAIN__MAIL_OTHER_EXAMPLE__CONNECTIONS", "mail.other.example"),
    ],
)
def test_the_environment_names_a_domain_with_underscores(
    write: Write, variable: str, domain: str
) -> None:
    found = load(write(more=TWO), {variable: "7"}).domain_limits()

    assert found[domain].connections == 7
    assert found["example.org"].messages_per_minute == 90.5


def test_a_domain_with_a_hyphen_is_found_in_the_file(write: Write) -> None:
    path = write(more='[domain."my-mail.example"]\nconnections = 1')

    found = load(path, {"MAILER_DOMAIN__MY_MAIL_EXAMPLE__MESSAGES_PER_MINUTE": "6"})

    assert found.domain_limits() == {"my-mail.example": DomainLimit(1, 6)}


@pytest.mark.parametrize(
    ("more", "place", "cure"),
    [
        ("[domain.example]", "domain.example", 'write the section [domain."example.org"], with'),
        ('[domain."mail.EXAMPLE"]', "domain.mail.EXAMPLE", "write mail.example"),
        ('[domain."sm\u00f8r.example"]', "domain.sm\u00f8r.example", "with quotes"),
        ('[domain."*.example"]', "domain.*.example", "with quotes"),
        ("[domain]\nconnections = 3", "domain", 'write a section [domain."example.org"]'),
        ("[[domain]]\nconnections = 3", "domain", 'write a section [domain."example.org"]'),
        (
            '[domain."*"]\nconnections = -1',
            "domain.*.connections",
            "a whole number of at least 0; write connections = 0",
        ),
        (
            '[domain."*"]\nmessages_per_minute = nan',
            "domain.*.messages_per_minute",
            "a number of at least 0; write messages_per_minute = 0",
        ),
        ('[domain."*"]\nper_hour = 1', "domain.*.per_hour", "messages_per_minute"),
    ],
)
def test_each_fault_names_its_place_and_a_cure(
    write: Write, more: str, place: str, cure: str
) -> None:
    found = faults(write(more=more))

    assert list(found) == [place]
    assert cure in found[place]


def test_a_domain_without_quotes_is_told_about_them(write: Write) -> None:
    found = faults(write(more="[domain.example.org]\nconnections = 3"))

    assert "with quotes" in found["domain.example"]


def test_a_fault_from_the_environment_names_its_variable(write: Write) -> None:
    found = faults(write(), {"MAILER_DOMAIN__EXAMPLE_ORG__CONNECTIONS": "few"})

    assert list(found) == [
        "domain.example.org.connections (from MAILER_DOMAIN__EXAMPLE_ORG__CONNECTIONS)"
    ]
