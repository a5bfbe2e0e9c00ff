"""Shows the evidence about a reader as one page in plain words, every moment in two time zones."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mailer.cli import show

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.services.evidence import Evidence, Step

_HASH_SHOWN = 12
_LINE = 70

CONSENTS = {
    "asked": "asked to subscribe",
    "confirmed": "confirmed",
    "imported": "was imported by an operator",
    "chosen": "changed what to have",
    "left": "left",
    "ended": "was ended by an operator",
    "suppressed": "was suppressed: no more mail to this address",
}
MAILS = {
    "confirm": "a link to confirm",
    "reminder": "a reminder to confirm",
    "already": "word that it is subscribed already",
    "welcome": "the receipt",
    "left": "the last mail, with a way back",
    "manage": "a link to its choices",
    "move": "a link to confirm a change of address",
    "moving": "word that a change of address was asked for",
    "moved": "word that the address was changed",
}
ANSWERS = {
    "accepted": "the relay took it",
    "deferred": "the relay put it off",
    "refused": "the relay refused it",
    "unknown": "the relay's answer was never seen",
    "expired": "it was given up",
    "ended": "it was let go: there was no consent to it any more",
    "cancelled": "it was cancelled",
}


def page(found: "Evidence", *, texts: bool) -> str:
    """The evidence for people to read.

    Args:
        texts: print each wording in full at the end; else only how it begins.
    """
    lines = ["", "", "Evidence, oldest first; each moment in UTC and in the newsroom's time zone:"]
    for step in found.steps:
        lines += ["", *_step(step, found.texts)]
    if not found.steps:
        lines += ["", "none"]
    shown = found.texts.items() if texts else ()
    for number, text in shown:
        lines += ["", f"What {number[:_HASH_SHOWN]} said (SHA-256 {number}):", "", *_quoted(text)]
    if found.texts and not texts:
        lines += ["", "With --texts everything that was shown is printed in full."]
    return "\n".join(lines)


def told(found: "Evidence") -> dict[str, Any]:
    """The evidence for `--json`: its steps, and every text that they name by hash."""
    return {"evidence": found.steps, "texts": found.texts}


def _step(step: "Step", texts: Mapping[str, str]) -> Iterator[str]:
    yield f"{_moment(step.at)} UTC ({_moment(step.local)} {step.local.tzname()})  {_what(step)}"
    known = {
        "address": step.address,
        "form": step.form,
        "from": step.ip,
        "browser": step.user_agent,
        "wording": _shown(step.wording, texts),
        "privacy": _shown(step.privacy, texts),
        "message-id": " or ".join(step.message_ids) or None,
        "relay": step.relay,
        "answer": _answer(step),
        "reason": step.words if step.kind == "consent" else None,
    }
    said = show.pairs({name: value for name, value in known.items() if value})
    yield from (f"  {line}" for line in said.splitlines())


def _what(step: "Step") -> str:
    if step.kind == "consent":
        return f"{CONSENTS.get(step.what, step.what)} at {step.newsroom}"
    if step.kind == "mail":
        return f"mail {step.mail} was owed by {step.newsroom}: {MAILS.get(step.what, step.what)}"
    return f"mail {step.mail}: {ANSWERS.get(step.what, step.what)}"


def _answer(step: "Step") -> str | None:
    if step.kind != "answer":
        return None
    parts = [str(step.code or ""), step.enhanced or "", step.words or ""]
    return " ".join(part for part in parts if part) or None


def _shown(number: str | None, texts: Mapping[str, str]) -> str | None:
    if number is None:
        return None
    words = " ".join(texts.get(number, "").split())
    begins = words if len(words) <= _LINE else f"{words[:_LINE]}..."
    return f"{number[:_HASH_SHOWN]}  {begins}"


def _quoted(text: str) -> Iterator[str]:
    for line in text.strip().splitlines():
        yield f"  {line}".rstrip()


def _moment(at: "datetime") -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
