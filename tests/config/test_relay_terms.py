"""A relay's terms: what goes together, and what nobody may set by accident."""

from pathlib import Path

import pytest

from mailer.config.agreement import relay_agrees


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"host": "mail.example.org", "security": "none"}, "security"),
        ({"host": "mail.example.org", "security": "tls", "ca_file": Path("/nowhere")}, "ca_file"),
        ({"host": "127.0.0.1", "security": "none", "ca_file": Path(__file__)}, "ca_file"),
    ],
)
def test_a_relay_on_unsafe_terms_is_a_fault(values: dict[str, object], key: str) -> None:
    assert [place for place, _ in relay_agrees(values)] == [key]


@pytest.mark.parametrize(
    "values",
    [
        {"host": "postfix", "security": "none", "insecure": True},
        {"host": "mail.example.org", "security": "tls", "ca_file": Path(__file__)},
    ],
)
def test_what_an_operator_says_in_as_many_words_is_allowed(values: dict[str, object]) -> None:
    assert list(relay_agrees(values)) == []
