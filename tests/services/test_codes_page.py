"""The page that takes a code, on both databases: five tries, thirty minutes, one request, one answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select
from support.offices import KEFM, Clock
from support.readers import PAGE, acts, confirm_token, leave_token, make_active, notices, requests
from support.waiting_mail import newest_request, page_of, right_code, type_code, wrong_code

from mailer.core.address import parse_address
from mailer.core.errors import TokenRefused
from mailer.core.token import LinkPurpose
from mailer.services import codes, confirmation, leaving, people, signup
from mailer.services.codes import Entry
from mailer.services.office import Office
from mailer.store.tables import guess, request

ANNA = "anna@example.org"
JENS = "jens@example.org"


def state(office: Office, address: str = ANNA) -> list[tuple[str, str]]:
    found = people.show(office, address=parse_address(address)).subscriptions
    return [(row.newsroom, row.state) for row in found]


def test_the_right_code_confirms_as_the_link_does(office: Office) -> None:
    page = page_of(office, ANNA, language="en")
    assert codes.read_page(office, token=page) == codes.CodePage(Entry.OPEN, 5)

    assert type_code(office, page, right_code(office)).entry is Entry.RIGHT

    assert state(office) == [("um", "active")]
    assert acts(office, ANNA) == ["asked", "confirmed"]
    assert [purpose for purpose, *_ in notices(office)] == ["confirm", "welcome"]
    (_, confirmed) = people.show(office, address=parse_address(ANNA)).evidence
    assert confirmed.form == PAGE.form


def test_a_code_typed_twice_says_the_same_and_does_nothing(office: Office) -> None:
    page = page_of(office, ANNA)
    code = right_code(office)
    assert [type_code(office, page, code).entry for _ in range(3)] == [Entry.RIGHT] * 3
    assert acts(office, ANNA) == ["asked", "confirmed"]


def test_five_wrong_codes_close_the_page_for_the_right_one_too(office: Office) -> None:
    page = page_of(office, ANNA)
    wrong = wrong_code(office, newest_request(office))

    seen = [type_code(office, page, wrong) for _ in range(6)]

    assert [(one.entry, one.left) for one in seen] == [
        (Entry.WRONG, 4),
        (Entry.WRONG, 3),
        (Entry.WRONG, 2),
        (Entry.WRONG, 1),
        (Entry.USED_UP, 0),
        (Entry.USED_UP, 0),
    ]
    assert type_code(office, page, right_code(office)).entry is Entry.USED_UP
    assert codes.read_page(office, token=page).entry is Entry.USED_UP
    assert state(office) == [("um", "pending")]
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    assert state(office) == [("um", "active")]


def test_what_is_no_code_counts_for_nothing(office: Office) -> None:
    page = page_of(office, ANNA)
    for typed in ("", "12345", "abcdef", "1" * 50):
        found = type_code(office, page, typed)
        assert (found.entry, found.left) == (Entry.MALFORMED, 5)
    code = right_code(office)
    assert type_code(office, page, f" {code[:3]}-{code[3:]} ").entry is Entry.RIGHT


def test_after_thirty_minutes_the_link_alone_confirms(office: Office, clock: Clock) -> None:
    page = page_of(office, ANNA)
    clock.move(minutes=30)
    assert codes.read_page(office, token=page).entry is Entry.OPEN
    clock.move(seconds=1)
    for code in (right_code(office), "nonsense"):
        assert type_code(office, page, code).entry is Entry.LATE
    assert codes.read_page(office, token=page).entry is Entry.LATE
    assert state(office) == [("um", "pending")]


def test_a_code_is_good_on_its_own_page_alone(office: Office) -> None:
    anna, jens = page_of(office, ANNA), page_of(office, JENS)
    code = right_code(office, 1)

    assert type_code(office, jens, code).entry is Entry.WRONG
    assert type_code(office, anna, code, newsroom=KEFM).entry is Entry.WRONG
    assert state(office) == state(office, JENS) == [("um", "pending")]

    assert type_code(office, anna, code).entry is Entry.RIGHT
    assert state(office, JENS) == [("um", "pending")]


def test_who_sends_the_form_twice_types_the_one_code_on_the_second_page(office: Office) -> None:
    page_of(office, ANNA)
    second = page_of(office, ANNA)
    assert [purpose for purpose, *_ in notices(office)] == ["confirm"]

    assert type_code(office, second, right_code(office, 1)).entry is Entry.RIGHT

    assert requests(office) == ["confirmed", "answered"]
    assert state(office) == [("um", "active")]


def test_many_pages_of_one_mailbox_are_ten_tries_in_all(office: Office) -> None:
    pages = [page_of(office, ANNA) for _ in range(4)]
    wrong = wrong_code(office, 1)
    for page in pages[:2]:
        for _ in range(5):
            type_code(office, page, wrong)

    assert type_code(office, pages[2], right_code(office, 1)).entry is Entry.WRONG
    assert state(office) == [("um", "pending")]


def strangers_pages(office: Office, clock: Clock) -> dict[str, str]:
    """A page of every kind that a stranger can be answered with, all made at one moment."""
    make_active(office, "active@example.org")
    make_active(office, "left@example.org")
    leaving.leave(office, token=leave_token(office, 2), origin=PAGE)
    people.suppress(office, address=parse_address("suppressed@example.org"), reason="complaint")
    page_of(office, "silent@example.org")
    clock.move(minutes=1)
    names = ("unknown", "active", "left", "suppressed", "silent")
    pages = {name: page_of(office, f"{name}@example.org") for name in names}
    return {**pages, "turned away": signup.turned_away(office)}


def test_a_wrong_code_gets_the_same_answer_whoever_it_is(office: Office, clock: Clock) -> None:
    pages = strangers_pages(office, clock)
    wrong = wrong_code(office, *range(1, newest_request(office) + 1))
    seen = {
        (
            len(page),
            codes.read_page(office, token=page),
            *(type_code(office, page, typed) for typed in ("x", *[wrong] * 6)),
            codes.read_page(office, token=page),
        )
        for page in pages.values()
    }
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["active", "suppressed", "turned away"])
def test_where_nothing_is_to_be_confirmed_no_code_is_right(
    office: Office, clock: Clock, name: str
) -> None:
    page = strangers_pages(office, clock)[name]
    with office.database.read() as connection:
        numbers = [0, *connection.scalars(select(request.c.id))]
    for number in numbers[-5:]:
        code = office.keys.tokens.codes.code(number)
        if number != 1:  # whose own page this may follow: the active reader's
            assert type_code(office, page, code).entry in {Entry.WRONG, Entry.USED_UP}


def test_a_suppressed_reader_confirms_by_no_code(office: Office) -> None:
    page = page_of(office, ANNA)
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    assert type_code(office, page, right_code(office)).entry is Entry.WRONG
    assert state(office) == [("um", "ended")]


def test_a_page_is_opened_by_its_own_token_alone(office: Office) -> None:
    page = page_of(office, ANNA)
    at = office.clock()
    others = [office.keys.tokens.sign(purpose, 1, at) for purpose in LinkPurpose]
    assert len(others) >= 5
    other = "0" if page[5] != "0" else "1"
    bent = [page[:-1], page + "A", page.upper(), "", "x", page[:5] + other + page[6:]]
    for token in [
        *bent,
        *(t for t, p in zip(others, LinkPurpose, strict=True) if p != "check-mail"),
    ]:
        with pytest.raises(TokenRefused):
            type_code(office, token, right_code(office))
        with pytest.raises(TokenRefused):
            codes.read_page(office, token=token)
    assert state(office) == [("um", "pending")]


def test_looking_at_the_page_changes_nothing(office: Office) -> None:
    page = page_of(office, ANNA)
    for _ in range(20):
        assert codes.read_page(office, token=page).left == 5
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(guess)) == 0


def test_entries_are_counted_no_longer_than_their_pages_live(office: Office, clock: Clock) -> None:
    type_code(office, page_of(office, ANNA), "000000")
    clock.move(hours=2)
    type_code(office, page_of(office, JENS), "000000")
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(guess)) == 1


def test_a_hundred_codes_at_once_are_five_tries_and_one_confirmation(office: Office) -> None:
    right, wrong = page_of(office, ANNA), page_of(office, JENS)
    code, none = right_code(office, 1), wrong_code(office, 1, 2)
    gate = Barrier(10)

    def many() -> list[tuple[Entry, Entry]]:
        gate.wait()
        return [
            (type_code(office, right, code).entry, type_code(office, wrong, none).entry)
            for _ in range(10)
        ]

    with ThreadPoolExecutor(10) as pool:
        seen = [one for ten in pool.map(lambda _: many(), range(10)) for one in ten]

    assert [entry for entry, _ in seen].count(Entry.RIGHT) == 5
    assert [entry for _, entry in seen].count(Entry.WRONG) == 4
    assert acts(office, ANNA) == ["asked", "confirmed"]
    assert acts(office, JENS) == ["asked"]
    assert [purpose for purpose, *_ in notices(office)].count("welcome") == 1
