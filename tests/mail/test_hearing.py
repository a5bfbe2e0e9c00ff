"""What is heard, however the network cuts it, and what is no reply at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.mail.hearing import MAX_REPLY, Garbled, Hearing, Reply

REPLIES = st.lists(
    st.tuples(
        st.integers(200, 599),
        st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), min_size=1),
    ),
    min_size=1,
    max_size=4,
)


@given(replies=REPLIES, cut=st.integers(1, 9), ending=st.sampled_from([b"\r\n", b"\n"]))
def test_replies_are_read_however_they_are_cut(
    replies: list[tuple[int, list[str]]], cut: int, ending: bytes
) -> None:
    hearing = Hearing()
    heard: list[Reply] = []
    for code, lines in replies:
        wire_lines = [f"{code}-{line}".encode() + ending for line in lines[:-1]]
        sent = b"".join([*wire_lines, f"{code} {lines[-1]}".encode() + ending])
        for start in range(0, len(sent), cut):
            heard += hearing.replies(sent[start : start + cut])
        assert not hearing.amid
    assert heard == [Reply(code, "\n".join(lines)) for code, lines in replies]


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        (b"250ok\r\n", "no SMTP reply: 250ok"),
        (b"+25 ok\r\n", "no SMTP reply"),
        (b"150 ok\r\n", "no SMTP reply"),
        (b"600 ok\r\n", "no SMTP reply"),
        (b"\r\n", "no SMTP reply"),
        (b"HTTP/1.1 400 Bad Request\r\n", "no SMTP reply: HTTP/1.1"),
        (b"250-one\r\n251 two\r\n", "no SMTP reply: 251 two"),
        (b"250-x\r\n" * (MAX_REPLY // 7 + 1), "more than"),
        (b"x" * (MAX_REPLY + 1), "more than"),
    ],
)
def test_what_is_no_reply_is_told_of(heard: bytes, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        list(Hearing().replies(heard))
