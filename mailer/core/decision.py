"""Decides what becomes of a document that a source shows us, and says why, in words.

What is not known yet, each rule in turn; the first that speaks has the last word:

    issuer       another one signs it: passed by. It must be said who, and is not: held.
    kind         the newsroom does not mail this kind: passed by.
    withdrawn    taken back before we saw it: passed by.
    first sight  the source is new to us: kept for the pages, nobody is mailed.
    age          older than the limit: kept for the pages, nobody is mailed.
    identity     it bears the name of a release of other words, or its source has moved: held.
    date         none, or one in the future: held.
    signal       it says that it corrects or withdraws another one: held.
    reading      what its reader was not sure of, for those who look at it.
    approval     an operator's word is awaited, or that of two: held.
    hold time    nothing is against it: it is mailed once its text has stood for so long.

What is known: the same text is nothing new. Another text is its next edition. Before it is mailed that puts
it off, bounded from first sight, and takes back an operator's word, who saw another text; after it was mailed
nobody is told. That a source does not show a release any more means nothing, and so is no case here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer.core.release import ReleaseDocument
from mailer.core.sighting import Action, Decision, Known, Reason, Sighting
from mailer.core.source import SendTerms

__all__ = ["FUTURE", "Action", "Decision", "Known", "Reason", "Sighting", "decide", "signs"]

FUTURE = timedelta(minutes=15)
"""Clocks differ; what is dated further ahead has a date that cannot be relied on."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    action: Action | None
    reason: Reason
    publish_at: datetime | None = field(default=None)


def decide(seen: Sighting, known: Known | None, terms: SendTerms) -> Decision:
    """What becomes of a document.

    Args:
        known: the release it belongs to; None for one that is new.
    """
    if known is not None:
        return _of_known(seen, known, terms)
    reasons = []
    for verdict in _of_new(seen, terms):
        reasons.append(verdict.reason)
        if verdict.action is not None:
            return Decision(verdict.action, tuple(reasons), verdict.publish_at)
    raise AssertionError("the last rule always decides")


def _of_new(seen: Sighting, terms: SendTerms) -> Iterator[_Verdict]:
    yield _issuer(seen.document, terms)
    yield _kind(seen.document, terms)
    if seen.document.signal == "withdrawn":
        yield _settled(Action.PASS, "withdrawn", "its source withdrew it before it was seen here")
    if not seen.seeded:
        words = "this is the first look at its source, which mails nothing"
        yield _settled(Action.KEEP, "first sight", words)
    yield _age(seen, terms)
    yield from _doubts(seen, terms)
    yield _approval(terms)
    moment = _not_before(seen.document, seen.at + terms.hold_time)
    words = f"it goes out unless its text changes; not before {_told(moment)}"
    yield _Verdict(Action.SEND, Reason("hold time", words, decided=True), moment)


def _issuer(document: ReleaseDocument, terms: SendTerms) -> _Verdict:
    if document.issuer is None:
        if terms.issuer_required:
            words = "it does not say who signs it, which this source must"
            return _settled(Action.HOLD, "issuer", words)
        return _passed("issuer", "it names nobody; its source speaks for the newsroom")
    if signs(document.issuer, terms.issuers):
        return _passed("issuer", f"it is signed by “{document.issuer}”, as this newsroom's are")
    words = f"it is signed by “{document.issuer}”, which is none of this newsroom's names"
    return _settled(Action.PASS, "issuer", words)


def signs(issuer: str, names: tuple[str, ...]) -> bool:
    """Whether an issuer is one of these, whatever the capitals and blanks."""
    return " ".join(issuer.split()).casefold() in {
        " ".join(name.split()).casefold() for name in names
    }


def _kind(document: ReleaseDocument, terms: SendTerms) -> _Verdict:
    if not terms.kinds or not document.kind:
        shown = f"“{document.kind}”" if document.kind else "no kind"
        return _passed("kind", f"it is of {shown}, and the newsroom mails every kind")
    if document.kind in terms.kinds:
        return _passed("kind", f"“{document.kind}” is a kind that this newsroom mails")
    return _settled(
        Action.PASS, "kind", f"“{document.kind}” is not a kind that this newsroom mails"
    )


def _age(seen: Sighting, terms: SendTerms) -> _Verdict:
    document = seen.document
    ahead = [one for one in (document.publish_at, document.embargo_until) if one is not None]
    if any(moment > seen.at for moment in ahead):
        return _passed("age", f"it is not to be published before {_told(max(ahead))}")
    if document.dated is None:
        return _passed("age", "nothing trustworthy says how old it is")
    age = seen.at - document.dated
    if age > terms.max_age:
        words = f"it is dated {_as_dated(document)}, {_span(age)} ago; the limit is"
        return _settled(Action.KEEP, "age", f"{words} {_span(terms.max_age)}")
    return _passed("age", f"it is dated {_as_dated(document)}, within {_span(terms.max_age)}")


def _doubts(seen: Sighting, terms: SendTerms) -> Iterator[_Verdict]:
    document = seen.document
    if seen.name_of is not None:
        words = f"it bears the name of release {seen.name_of}, whose words are quite others"
        yield _settled(Action.HOLD, "identity", words)
    if seen.moved:
        words = "its source moved, and may have named anew what is known here"
        yield _settled(Action.HOLD, "identity", words)
    yield _date(seen, terms)
    if seen.suspicion or document.signal:
        words = seen.suspicion or "its source calls it a correction"
        yield _settled(Action.HOLD, "signal", words)
    if document.warnings:
        yield _passed("reading", "; ".join(document.warnings))


def _date(seen: Sighting, terms: SendTerms) -> _Verdict:
    document = seen.document
    if document.dated is None:
        if terms.arrival_dates:
            return _passed("date", "it was put there by somebody; that is its date")
        if document.publish_at is not None or document.embargo_until is not None:
            return _passed("date", "it says when it is to be published")
        shown = f"“{document.dated_as}” cannot be relied on" if document.dated_as else "it has none"
        return _settled(Action.HOLD, "date", f"{shown}: whether it is news nobody can tell")
    if document.dated > seen.at + FUTURE:
        words = f"it is dated {_as_dated(document)}, which is yet to come"
        return _settled(Action.HOLD, "date", words)
    return _passed("date", f"“{document.dated_as or _told(document.dated)}” is a date")


def _approval(terms: SendTerms) -> _Verdict:
    if terms.approval == "auto":
        return _passed("approval", "its source needs nobody's word")
    words = {
        "hold": "waits for an operator's word: `mailer release approve`",
        "two": "waits for the word of two operators: `mailer release approve`",
    }[terms.approval]
    return _settled(Action.HOLD, "approval", words)


def _of_known(seen: Sighting, known: Known, terms: SendTerms) -> Decision:
    met = Reason("identity", f"it is release {known.release_id}, known by {known.by}")
    signal = seen.suspicion or (
        "its source withdrew it" if seen.document.signal == "withdrawn" else ""
    )
    if signal and known.state == "approved":
        action = Action.KNOWN if known.same_text else Action.EDIT
        reason = Reason("signal", f"{signal}, before it was mailed", decided=True)
        return Decision(action, (met, reason), back_to_hold=True)
    if signal and known.state == "published" and not known.signalled:
        return _signalled(known, met, signal)
    if known.same_text:
        reason = Reason("text", "its text is the one we have", decided=True)
        return Decision(Action.KNOWN, (met, reason))
    if known.state != "approved":
        words = {
            "published": "another text of what is public: the page shows it, nobody is told",
            "withdrawn": "another text of what was withdrawn: nobody is told",
        }.get(known.state, "another text; it still waits for an operator")
        return Decision(Action.EDIT, (met, Reason("text", words, decided=True)))
    if known.approval != "auto":
        words = "its text changed after it was approved; it waits for an operator's word again"
        return Decision(Action.EDIT, (met, Reason("text", words, decided=True)), back_to_hold=True)
    return _put_off(seen, known, terms, met)


def _signalled(known: Known, met: Reason, signal: str) -> Decision:
    """The desk decides whether those who have it are told; until then nobody is."""
    cure = "`mailer release correct` or `mailer release withdraw` tells those who have it"
    reason = Reason("signal", f"{signal}: {cure}", decided=True)
    action = Action.KNOWN if known.same_text else Action.EDIT
    return Decision(action, (met, reason), noteworthy=True)


def _put_off(seen: Sighting, known: Known, terms: SendTerms, met: Reason) -> Decision:
    """A change before it is mailed: the text must stand anew, but not for ever."""
    moment = min(seen.at + terms.hold_time, known.made_at + terms.hold_at_most)
    moment = _not_before(seen.document, moment)
    if known.publish_at is not None:
        moment = max(moment, known.publish_at)
    words = f"its text changed before it was mailed; it goes out as it then is, at {_told(moment)}"
    return Decision(Action.EDIT, (met, Reason("hold time", words, decided=True)), moment)


def _not_before(document: ReleaseDocument, moment: datetime) -> datetime:
    """An embargo is kept besides: it can be lifted, and this moment then stands."""
    return moment if document.publish_at is None else max(document.publish_at, moment)


def _passed(rule: str, words: str) -> _Verdict:
    return _Verdict(None, Reason(rule, words))


def _settled(action: Action, rule: str, words: str) -> _Verdict:
    return _Verdict(action, Reason(rule, words, decided=True))


def _as_dated(document: ReleaseDocument) -> str:
    assert document.dated is not None
    return document.dated_as or _told(document.dated)


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _span(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 72 else f"{hours:.0f} h"
