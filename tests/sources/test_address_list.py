"""Lists of addresses as spreadsheets and colleagues write them."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.errors import DocumentFault
from mailer.sources.address_list import MAX_LINES, Listed, read_addresses


def read(text: bytes | str) -> list[Listed]:
    raw = text.encode() if isinstance(text, str) else text
    return list(read_addresses(io.BytesIO(raw), file="list.csv"))


def addresses(text: bytes | str) -> list[tuple[int, str]]:
    return [(one.line, one.address) for one in read(text)]


@pytest.mark.parametrize(
    "text",
    [
        "anna@example.org\nbo@example.org\n",
        "email\nanna@example.org\nbo@example.org",
        "\ufeffE-Mail\r\nanna@example.org\r\nbo@example.org\r\n",
        "\n\nName,E-mail address\n\nAnna,anna@example.org\n,,\nBo, bo@example.org \n",
        'Navn;E-mailadresse\n"Jensen; Anna";anna@example.org\nBo;"bo@example.org"\n',
        "sep=;\nmail;x,y,z\nanna@example.org;1,2,3\nbo@example.org;\n",
        "Name\tAddress\tMail\nAnna\tHovedgaden 1\tanna@example.org\nBo\t\tbo@example.org\n",
        'name,email\n"Anna\nJensen",anna@example.org\n"Bo ""the"" Ny",bo@example.org\n',
        "Anna,anna@example.org,x@y.example\nBo,bo@example.org,\n",
    ],
)
def test_every_usual_form_gives_its_addresses(text: str) -> None:
    assert [one.address for one in read(text)] == ["anna@example.org", "bo@example.org"]
    assert not any(one.fault for one in read(text))


def test_a_record_bears_the_number_of_the_line_it_begins_on() -> None:
    text = 'email,note\na@b.example,"one\ntwo\nthree"\n\nc@d.example,x\n'

    assert addresses(text) == [(2, "a@b.example"), (6, "c@d.example")]


def test_language_and_state_are_read_where_the_headings_name_them() -> None:
    found = read("email,newsroom,state,language,since\na@b.example,um,ended,da,\nc@d.example\n")

    assert found == [
        Listed(2, "a@b.example", language="da", state="ended"),
        Listed(3, "c@d.example"),
    ]


def test_an_open_quote_costs_its_own_line_and_no_other() -> None:
    lines = ["name,email", '"Anna,anna@example.org']
    lines += [f"R,r{number}@example.org" for number in range(2 * MAX_LINES)]

    found = read("\n".join(lines))

    assert found[0].line == 2
    assert found[0].address == "anna@example.org"
    assert "quotes" in found[0].fault
    assert [one.address for one in found[1:]] == [
        f"r{number}@example.org" for number in range(2 * MAX_LINES)
    ]


def test_an_open_quote_at_the_end_is_a_fault_too() -> None:
    found = read('email\nanna@example.org\n"bo@example.org\n')

    assert [(one.line, bool(one.fault)) for one in found] == [(2, False), (3, True)]


def test_two_open_quotes_do_not_swallow_what_is_between_them() -> None:
    found = read('name,email\n"A,a@x.example\nB,b@x.example\n"C,c@x.example\nD,d@x.example\n')

    assert {one.address for one in found} == {f"{letter}@x.example" for letter in "abcd"}


def test_addresses_that_quotes_swallow_are_not_lost_in_silence() -> None:
    found = read('name,email\n"A,a@x.example\nB,b@x.example\nC",c@x.example\nD,d@x.example\n')

    assert [(one.line, one.address) for one in found] == [(2, "c@x.example"), (5, "d@x.example")]
    assert "run on to line 4" in found[0].fault


def test_a_line_of_another_encoding_is_named_and_the_rest_is_read() -> None:
    found = read(b"name;email\nS\xf8ren;s@x.example\nAnna;a@x.example\n")

    assert [(one.line, one.address) for one in found] == [(2, "s@x.example"), (3, "a@x.example")]
    assert "UTF-8" in found[0].fault
    assert not found[1].fault


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b"", 1, "empty"),
        (b"\n\n", 1, "empty"),
        (b"\nName,Phone\nAnna,12\n", 2, "No column holds addresses"),
        ("email\na@b.example\n".encode("utf-16"), 1, "not UTF-8"),
        (b"\xc6ble;email\n", 1, "not UTF-8"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_its_line_and_a_cure(
    text: bytes, line: int, said: str
) -> None:
    with pytest.raises(DocumentFault, match=said) as caught:
        read(text)

    assert (caught.value.file, caught.value.line) == ("list.csv", line)
    assert caught.value.cure


_CELLS = st.text(st.sampled_from('ab.,; "\n\r'), max_size=12)


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=8), st.sampled_from(",;\t"))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    page = io.StringIO(newline="")
    writer = csv.writer(page, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(("name", "email"))
    writer.writerows(rows)

    found = read(page.getvalue())

    expected = [email.strip() for name, email in rows if name.strip() or email.strip()]
    assert [one.address for one in found] == expected
    assert not any(one.fault for one in found)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_bytes_are_a_list_or_are_refused(lines: list[bytes]) -> None:
    try:
        found = read(b"\n".join([b"email", *lines]))
    except DocumentFault:
        return
    numbers = [one.line for one in found]
    assert numbers == sorted(set(numbers))


def test_lines_are_read_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"a@b.example\n"

    records = read_addresses(endless(), file="endless")

    assert [next(records).line for _ in range(3)] == [1, 2, 3]
    assert taken == 3
