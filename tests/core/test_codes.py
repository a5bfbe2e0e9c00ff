"""The six digits: right for one request alone, read however they are typed, told by nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core.codes import Codes, grouped, read_code

KEYS = ["a key of the tests' own", "another key of the tests' own"]
NUMBERS = st.integers(1, 2**62)


@given(NUMBERS)
def test_a_code_is_six_digits_and_right_for_its_own_request(number: int) -> None:
    codes = Codes(KEYS)
    code = codes.code(number)
    assert code == code.zfill(6)
    assert len(code) == 6
    assert code.isascii()
    assert code.isdecimal()
    assert codes.is_right(number, code)
    assert Codes(KEYS).code(number) == code


def test_codes_of_neighbours_and_of_other_keys_have_nothing_in_common() -> None:
    codes, others = Codes(KEYS), Codes(["a third key of the tests' own"])
    mine = [codes.code(number) for number in range(1, 2001)]
    assert len(set(mine)) > 1980
    assert sum(a == others.code(n) for n, a in enumerate(mine, 1)) <= 2
    assert sum(codes.is_right(n + 1, a) for n, a in enumerate(mine, 1)) <= 2
    assert min(mine) < "010000"
    assert max(mine) > "990000"


def test_a_change_of_keys_cuts_off_nobody_and_an_older_key_is_good_for_nothing() -> None:
    before = Codes(KEYS[:1])
    assert Codes(KEYS).is_right(7, before.code(7))
    assert not Codes([*KEYS, "the newest key of all"]).is_right(7, before.code(7))


def test_nothing_shows_a_key() -> None:
    assert "key of" not in repr(Codes(KEYS))


@pytest.mark.parametrize(
    "typed",
    [
        "123456",
        " 123 456 ",
        "123-456",
        "123\u00a0456",
        "123\u202f456",
        "12 34 56",
        "١٢٣٤٥٦",
        "\u200f123456\t",
    ],
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert read_code(typed) == "123456"


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "12345a", "½23456", "²23456", "1e5", "-1", "123456\n7", "1" * 9999],
)
def test_what_is_not_six_digits_is_no_code(typed: str) -> None:
    assert read_code(typed) is None


@given(st.integers(0, 999_999))
def test_a_grouped_code_is_read_back(number: int) -> None:
    code = f"{number:06}"
    assert read_code(grouped(code)) == code
    assert len(grouped(code).split("\u00a0")) == 2


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    found = read_code(typed)
    assert found is None or (len(found) == 6 and found.isascii() and found.isdecimal())
