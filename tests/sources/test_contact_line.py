"""Press contacts: the line stays as it stood; only what is sure is read from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.sources.contact_line import MAX_LENGTH, read_contact


@pytest.mark.parametrize(
    ("line", "role", "name", "phone", "email"),
    [
        ("Presserådgiver Kristian Frey Jensen, tlf.: 41532639",
         "Presserådgiver", "Kristian Frey Jensen", "41532639", ""),
        ("For yderligere kontakt: pressevagten@um.dk", "", "", "", "pressevagten@um.dk"),
        ("For yderligere presse:", "", "", "", ""),
        ("Kristian Frey Jensen, presserådgiver, tlf. 41 53 26 39, mail: kfj@um.dk.",
         "presserådgiver", "Kristian Frey Jensen", "41 53 26 39", "kfj@um.dk"),
        ("Kontakt: Pressechef Anne-Marie von der Leyen på telefon +45 33 92 00 00",
         "Pressechef", "Anne-Marie von der Leyen", "+45 33 92 00 00", ""),
        ("Head of Press Ada Lund, phone +44 (0)20 7946 0000, ada.lund@example.org",
         "Head of Press", "Ada Lund", "+44 (0)20 7946 0000", "ada.lund@example.org"),
        ("Pressevagten, tlf. 61979779", "", "", "61979779", ""),
        ("Tlf: 33 92 00 00", "", "", "33 92 00 00", ""),
        ("41532639", "", "", "41532639", ""),
        ("Asiatisk Plads 2, 1448 København K", "", "", "", ""),
        ("Mødet er den 12.9.2025 kl. 10.00", "", "", "", ""),
        ("Sagsnummer 2025-12345678", "", "", "", ""),
        ("CVR 123456789", "", "", "", ""),
        ("", "", "", "", ""),
    ],
)  # fmt: skip
def test_reads(line: str, role: str, name: str, phone: str, email: str) -> None:
    contact = read_contact(line)
    assert contact.text == line
    assert (contact.role, contact.name, contact.phone, contact.email) == (role, name, phone, email)


@given(st.text("abAB 0123456789+-().,:@tlf\u00a0æ", max_size=MAX_LENGTH))
def test_whatever_is_read_stood_in_the_line(line: str) -> None:
    contact = read_contact(line)
    assert contact.text == line
    for part in (contact.phone, contact.email):
        assert part in line
    for word in f"{contact.name} {contact.role}".split():
        assert word in line
