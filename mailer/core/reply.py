"""Says what an SMTP reply, or its absence, means for a delivery, and whom it speaks about.

The result follows from the first digit alone (RFC 5321 section 4.2.1):

    phase         2xx        3xx       4xx       5xx      no reply, or none that can be read
    after the dot accepted   unknown   deferred  refused  unknown
    before it     deferred*  deferred* deferred  refused  deferred
    * where it does not let the conversation go on (`proceeds`): the relay is out of step

A message cannot have been accepted before its final dot was written (RFC 5321 section 4.1.1.4), so
`unknown` exists only after it.

Whom it speaks about: first by phase, then by RFC 3463 status, then by code; the first that fits.

    CONNECT EHLO STARTTLS AUTH MAIL   4xx the relay; 5xx us: settings or standing, for every message
    421 anywhere                      the relay: it closes the channel (RFC 5321 section 3.8)
    relaying denied, any 5xx          us: the relay does not know us (login, network)
    x.1.7 x.1.8                       us: the sender's address
    x.1 x.2                           the reader: address, mailbox
    5.3.4; bare 552 after the dot     us: too big (RFC 1870)
    x.3, 4.4, 4.5                     the relay: its system, its network
    5.4                               the reader: no route to the reader's domain
    5.5, bare 500 502-504 555         us: misspoken; but 5.5.0 says nothing and counts as bare
    x.6.7 x.6.9                       the reader: an address that needs SMTPUTF8 (RFC 6531)
    x.6                               us: the content
    4.7                               the relay: it slows us down
    5.7.1 5.7.2 5.7.17 5.7.18 at RCPT the reader: does not want it, or is another person by now
    other 5.7, bare 530 534 535 538   us: policy on content, signature, login
    bare 452 454                      the relay: storage, TLS
    bare otherwise                    at RCPT and after the dot the reader; at DATA as at MAIL
"""

import re

from mailer.core.delivery import Blame, Outcome, Phase, Result

TEXT_LENGTH = 500

_ACCEPTED, _CONTENT, _READER = (
    Result.ACCEPTED,
    Phase.CONTENT,
    Blame.READER,
)  # asked of every message

_USUAL = re.compile(r"(2\.\d{1,3}\.\d{1,3}) ([!-,./-9;-~][ -~]{0,400})")  # as acceptances are put
_LEADING_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?![.\d])[\s:-]*")
_QMAIL_STATUS = re.compile(r"#([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
_RELAYING_DENIED = re.compile(
    r"\brelay(?:ing)?\b.{0,20}\b(?:denied|not permitted|not allowed|prohibited)\b"
    r"|\bunable to relay\b|\bdo(?:es)? not relay\b",
    re.IGNORECASE,
)

_PASSING: dict[str, Blame | None] = {
    "1": Blame.READER,
    "1.7": Blame.SENDER,
    "1.8": Blame.SENDER,
    "2": Blame.READER,
    "3": Blame.RELAY,
    "4": Blame.RELAY,
    "5": Blame.RELAY,
    "6": Blame.SENDER,
    "6.7": Blame.READER,
    "6.9": Blame.READER,
    "7": Blame.RELAY,
}
_LASTING: dict[str, Blame | None] = {
    "1": Blame.READER,
    "1.7": Blame.SENDER,
    "1.8": Blame.SENDER,
    "2": Blame.READER,
    "3": Blame.RELAY,
    "3.4": Blame.SENDER,
    "4": Blame.READER,
    "5": Blame.SENDER,
    "5.0": None,
    "6": Blame.SENDER,
    "6.7": Blame.READER,
    "6.9": Blame.READER,
    "7": Blame.SENDER,
}
_LASTING_AT_RCPT = _LASTING | dict.fromkeys(("7.1", "7.2", "7.17", "7.18"), Blame.READER)
_BARE: dict[int, Blame] = {
    **dict.fromkeys((452, 454), Blame.RELAY),
    **dict.fromkeys((500, 502, 503, 504, 530, 534, 535, 538, 555), Blame.SENDER),
}


def proceeds(phase: Phase, code: int) -> bool:
    """Whether the conversation goes on after this reply (RFC 5321 section 4.3.2)."""
    return code // 100 == (3 if phase is Phase.DATA else 2)


def judge(phase: Phase, code: int, text: str, *, relay: str = "") -> Outcome:
    """What a reply that ends an attempt means.

    Args:
        phase: what it answers; `CONTENT` is the final dot.
        code: the three digits; anything outside 200-599 counts as a reply that cannot be read.
        text: the words after the code, one line for each line of the reply.
        relay: the name of the relay that spoke.

    Returns:
        An outcome whose text is one printable line of at most 500 characters, without the status
        that stands in `enhanced`. A status whose first digit contradicts the code is left in the
        text and not believed (RFC 2034 section 4).
    """
    accepts = phase is _CONTENT and code // 100 == 2
    if accepts and (usual := _USUAL.fullmatch(text)) and "  " not in text:
        status, words = usual.groups()
        return Outcome(_ACCEPTED, _CONTENT, code, status, words.rstrip(), _READER, relay)
    enhanced, words = _status(code, text)
    if accepts:
        return Outcome(_ACCEPTED, _CONTENT, code, enhanced, one_line(words), _READER, relay)
    blame = _blame(phase, code, enhanced, words)
    return Outcome(_result(phase, code), phase, code, enhanced, one_line(words), blame, relay)


def lost(phase: Phase, reason: str, *, relay: str = "") -> Outcome:
    """What it means that the link died, or that what came back was no SMTP reply.

    Args:
        phase: the last thing that may have been written: `DATA` while the content is being written,
            `CONTENT` once its final dot may have left.
        reason: what happened, in words.
        relay: the name of the relay that was spoken to.

    Returns:
        Deferred before the final dot, unknown after it; the relay's doing, so that nothing of the
        reader's count of attempts is used up.
    """
    result = Result.UNKNOWN if phase is Phase.CONTENT else Result.DEFERRED
    return Outcome(result, phase, text=one_line(reason), blame=Blame.RELAY, relay=relay)


def one_line(text: str) -> str:
    """`text` as one printable line of at most 500 characters; what cannot be shown becomes U+FFFD."""
    if text.isprintable() and "  " not in text and len(text) < TEXT_LENGTH:
        return text.strip(" ")  # as most are
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return line if len(line) <= TEXT_LENGTH else line[: TEXT_LENGTH - 1] + "…"


def _result(phase: Phase, code: int) -> Result:
    """What a reply makes of a message that it does not accept."""
    kind = code // 100
    if kind == 4:
        return Result.DEFERRED
    if kind == 5:
        return Result.REFUSED
    if phase is not Phase.CONTENT:
        return Result.DEFERRED
    return Result.UNKNOWN


def _status(code: int, text: str) -> tuple[str, str]:
    """The enhanced status and the words without it; every line of a reply may repeat it."""
    found = _LEADING_STATUS.match(text)
    if found is not None and (status := found[1])[0] == str(code)[0]:
        lines = text.splitlines()
        if len(lines) == 1:  # as every acceptance has it
            return status, text[found.end() :]
        return status, " ".join(_without(status, line.strip()) for line in lines)
    found = _QMAIL_STATUS.search(text) if "#" in text else None
    if found is not None and found[1][0] == str(code)[0]:
        return found[1], text
    return "", text


def _without(status: str, line: str) -> str:
    found = _LEADING_STATUS.match(line)
    return line[found.end() :] if found is not None and found[1] == status else line


def _blame(phase: Phase, code: int, enhanced: str, words: str) -> Blame:
    lasting = code // 100 == 5
    general = Blame.SENDER if lasting else Blame.RELAY
    if code == 421 or code // 100 not in {4, 5}:
        return Blame.RELAY
    if phase not in {Phase.RCPT, Phase.DATA, Phase.CONTENT}:
        return general
    if lasting and _RELAYING_DENIED.search(words):
        return Blame.SENDER
    return (
        _by_status(phase, enhanced, lasting=lasting)
        or _by_code(phase, code)
        or (general if phase is Phase.DATA else Blame.READER)
    )


def _by_status(phase: Phase, enhanced: str, *, lasting: bool) -> Blame | None:
    table = _PASSING
    if lasting:
        table = _LASTING_AT_RCPT if phase is Phase.RCPT else _LASTING
    exact = enhanced[2:]
    return table[exact] if exact in table else table.get(exact.partition(".")[0])


def _by_code(phase: Phase, code: int) -> Blame | None:
    if code == 552 and phase is Phase.CONTENT:
        return Blame.SENDER
    return _BARE.get(code)
