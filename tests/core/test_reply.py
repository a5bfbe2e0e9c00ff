"""The table of replies, case by case."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.reply import judge, lost, one_line, proceeds

PHASES = list(Phase)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("code", "before_the_dot", "after_it"),
    [
        (250, Result.DEFERRED, Result.ACCEPTED),
        (354, Result.DEFERRED, Result.UNKNOWN),
        (450, Result.DEFERRED, Result.DEFERRED),
        (421, Result.DEFERRED, Result.DEFERRED),
        (550, Result.REFUSED, Result.REFUSED),
        (100, Result.DEFERRED, Result.UNKNOWN),
        (999, Result.DEFERRED, Result.UNKNOWN),
        (-1, Result.DEFERRED, Result.UNKNOWN),
    ],
)
def test_the_first_digit_alone_decides(
    phase: Phase, code: int, before_the_dot: Result, after_it: Result
) -> None:
    expected = after_it if phase is Phase.CONTENT else before_the_dot
    assert judge(phase, code, "words").result is expected


@pytest.mark.parametrize(
    ("phase", "code", "text", "blame"),
    [
        (Phase.CONNECT, 554, "no SMTP service here", Blame.SENDER),
        (Phase.CONNECT, 450, "too many connections", Blame.RELAY),
        (Phase.EHLO, 550, "who are you", Blame.SENDER),
        (Phase.STARTTLS, 454, "TLS not available", Blame.RELAY),
        (Phase.AUTH, 535, "5.7.8 wrong password", Blame.SENDER),
        (Phase.AUTH, 454, "4.7.0 try later", Blame.RELAY),
        (Phase.MAIL, 550, "5.7.1 sender not allowed", Blame.SENDER),
        (Phase.MAIL, 550, "5.1.1 whatever it says", Blame.SENDER),
        (Phase.MAIL, 452, "4.3.1 disk full", Blame.RELAY),
        (Phase.MAIL, 552, "5.3.4 too big", Blame.SENDER),
        (Phase.RCPT, 550, "5.1.1 no such user", Blame.READER),
        (Phase.RCPT, 550, "no such user", Blame.READER),
        (Phase.RCPT, 550, "5.5.0 mailbox unavailable", Blame.READER),
        (Phase.RCPT, 501, "bad address syntax", Blame.READER),
        (Phase.RCPT, 552, "5.2.2 mailbox full", Blame.READER),
        (Phase.RCPT, 552, "mailbox full", Blame.READER),
        (Phase.RCPT, 450, "4.2.1 mailbox busy", Blame.READER),
        (Phase.RCPT, 450, "busy", Blame.READER),
        (Phase.RCPT, 451, "4.7.1 greylisted", Blame.RELAY),
        (Phase.RCPT, 451, "4.3.0 lookup failed", Blame.RELAY),
        (Phase.RCPT, 451, "4.4.3 no DNS", Blame.RELAY),
        (Phase.RCPT, 452, "no room", Blame.RELAY),
        (Phase.RCPT, 421, "4.2.1 going down", Blame.RELAY),
        (Phase.RCPT, 554, "5.7.1 <a@b.example>: Relay access denied", Blame.SENDER),
        (Phase.RCPT, 550, "relay not permitted", Blame.SENDER),
        (Phase.RCPT, 550, "5.7.54 SMTP; Unable to relay recipient", Blame.SENDER),
        (Phase.RCPT, 550, "5.7.1 does not want your mail", Blame.READER),
        (Phase.RCPT, 550, "5.7.25 no reverse DNS", Blame.SENDER),
        (Phase.RCPT, 550, "5.1.8 sender domain not found", Blame.SENDER),
        (Phase.RCPT, 450, "4.1.8 sender domain not found", Blame.SENDER),
        (Phase.RCPT, 530, "log in first", Blame.SENDER),
        (Phase.RCPT, 503, "bad sequence", Blame.SENDER),
        (Phase.RCPT, 550, "5.4.4 unable to route", Blame.READER),
        (Phase.DATA, 451, "later", Blame.RELAY),
        (Phase.DATA, 554, "no", Blame.SENDER),
        (Phase.DATA, 550, "5.1.1 no such user", Blame.READER),
        (Phase.CONTENT, 550, "5.1.1 no such user", Blame.READER),
        (Phase.CONTENT, 552, "5.2.2 mailbox full", Blame.READER),
        (Phase.CONTENT, 554, "5.7.1 looks like spam", Blame.SENDER),
        (Phase.CONTENT, 552, "too much mail data", Blame.SENDER),
        (Phase.CONTENT, 552, "5.3.4 too big", Blame.SENDER),
        (Phase.CONTENT, 554, "5.6.0 malformed", Blame.SENDER),
        (Phase.CONTENT, 554, "transaction failed", Blame.READER),
        (Phase.CONTENT, 550, "5.3.5 misconfigured", Blame.RELAY),
        (Phase.CONTENT, 451, "4.3.0 queue write error", Blame.RELAY),
        (Phase.CONTENT, 452, "4.2.2 over quota", Blame.READER),
        (Phase.CONTENT, 354, "go on", Blame.RELAY),
    ],
)
def test_whom_a_reply_speaks_about(phase: Phase, code: int, text: str, blame: Blame) -> None:
    assert judge(phase, code, text).blame is blame


@pytest.mark.parametrize(
    ("code", "text", "enhanced", "words"),
    [
        (250, "2.0.0 Ok: queued as 4F2A", "2.0.0", "Ok: queued as 4F2A"),
        (550, "5.1.1: no such user", "5.1.1", "no such user"),
        (550, "5.1.1 no such\n5.1.1 user here", "5.1.1", "no such user here"),
        (550, "no such user (#5.1.1)", "5.1.1", "no such user (#5.1.1)"),
        (550, "4.1.1 in two minds", "", "4.1.1 in two minds"),
        (550, "5.1.1.1 is no status", "", "5.1.1.1 is no status"),
        (550, "5.1.1", "5.1.1", ""),
        (450, "", "", ""),
    ],
)
def test_the_enhanced_status_is_kept_apart(code: int, text: str, enhanced: str, words: str) -> None:
    outcome = judge(Phase.CONTENT, code, text, relay="main")
    assert (outcome.enhanced, outcome.text) == (enhanced, words)
    assert (outcome.code, outcome.relay) == (code, "main")


@given(
    phase=st.sampled_from(PHASES),
    code=st.integers(-1, 1000),
    text=st.text(st.characters(), max_size=1200),
)
def test_any_reply_becomes_one_printable_line(phase: Phase, code: int, text: str) -> None:
    outcome = judge(phase, code, text)
    assert outcome.text.isprintable()
    assert len(outcome.text) <= 500
    if phase is not Phase.CONTENT:
        assert outcome.result in {Result.DEFERRED, Result.REFUSED}
    if outcome.result is Result.REFUSED:
        assert code // 100 == 5


WORDS = st.lists(
    st.sampled_from(
        ["2.0.0", "2.1.5", "4.2.1", "5.1.1", "Ok:", "queued as 4F2A", "\t", " ", "-", ":", "\x0b",
         "(#5.1.1)", "relay access denied", "\u2028", "\x1b", "", "2.0.0.1"]
    ),
    max_size=6,
).map(" ".join)  # fmt: skip


@settings(max_examples=300)
@given(
    phase=st.sampled_from(PHASES),
    code=st.sampled_from([250, 251, 354, 421, 450, 550, 552, 554]),
    text=WORDS | WORDS.map(str.strip),
)
def test_a_reply_of_one_line_means_what_it_means_among_several(
    phase: Phase, code: int, text: str
) -> None:
    """The short way of the commonest replies against the way of all others: an empty line more."""
    assert judge(phase, code, text, relay="main") == judge(phase, code, f"{text}\n\n", relay="main")


def test_what_cannot_be_shown_is_replaced_and_long_text_cut() -> None:
    assert one_line("a\x1b[31mb\u202ec\r\n d\udcff") == "a�[31mb�c d�"
    assert one_line("x" * 501) == "x" * 499 + "…"
    assert one_line("x" * 500) == "x" * 500


@pytest.mark.parametrize("phase", PHASES)
def test_a_lost_link_is_unknown_only_after_the_final_dot(phase: Phase) -> None:
    expected = Result.UNKNOWN if phase is Phase.CONTENT else Result.DEFERRED
    assert lost(phase, "gone\n", relay="main") == Outcome(
        expected, phase, text="gone", blame=Blame.RELAY, relay="main"
    )


@pytest.mark.parametrize("phase", PHASES)
def test_only_data_goes_on_with_354(phase: Phase) -> None:
    going_on = {code for code in range(-1, 1000) if proceeds(phase, code)}
    hundred = 300 if phase is Phase.DATA else 200
    assert going_on == set(range(hundred, hundred + 100))


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("2.0.0 Ok: queued as 4Bq2", "2.0.0", "Ok: queued as 4Bq2"),
        ("2.0.0 Ok ", "2.0.0", "Ok"),
        ("2.0.0 a  b", "2.0.0", "a b"),
        ("2.0.0 - a", "2.0.0", "a"),
        ("2.0.0 : a", "2.0.0", "a"),
        ("2.0.0", "2.0.0", ""),
        ("2.0.0.1 a", "", "2.0.0.1 a"),
        ("4.0.0 a", "", "4.0.0 a"),
        ("2.0.0 é", "2.0.0", "é"),
        ("2.0.0 a\n2.0.0 b", "2.0.0", "a b"),
        (f"2.0.0 {'a' * 600}", "2.0.0", "a" * 499 + "…"),
    ],
)
def test_an_acceptance_is_one_however_it_is_put(text: str, status: str, words: str) -> None:
    found = judge(Phase.CONTENT, 250, text, relay="main")
    assert found == Outcome(
        Result.ACCEPTED, Phase.CONTENT, 250, status, words, Blame.READER, "main"
    )
