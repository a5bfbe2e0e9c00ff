"""What is said is found where it is said, and translators are told what is left to do."""

import pytest

from mailer.texts.__main__ import main
from mailer.texts.extraction import said
from mailer.texts.translation import faults


def test_every_string_is_found_with_its_places() -> None:
    mails, pages = said()["mail"], said()["web"]
    consent = next(message for message in mails if "withdraw my consent" in str(message.id))
    assert [place for place, _ in consent.locations] == ["mailer/texts/wording.py"]
    contact = mails.get("Press contact")
    assert contact is not None
    assert {place for place, _ in contact.locations} >= {
        "templates/mail/release/body.html",
        "templates/mail/release/body.txt",
    }
    assert "Your e-mail address" in pages
    assert "Your e-mail address" not in mails
    assert all("\n" not in str(message.id) for message in pages), "line breaks are not said"


def test_a_value_in_a_sentence_is_marked_for_translators_tools() -> None:
    message = said()["mail"].get("Questions? Write to %(desk)s.")
    assert message is not None
    assert "python-format" in message.flags


def test_translators_are_told_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    left = [str(fault) for fault in faults()]
    assert main(["--check"]) == (1 if left else 0)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [*left, f"{len(left)} to mend" if left else "every catalogue is whole"]


def test_a_wrong_call_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dry-run"]) == 2
    assert "usage" in capsys.readouterr().err
