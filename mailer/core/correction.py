"""Hears from a title that it corrects or takes back an earlier release, and guesses which one.

Newsrooms say so in front of the title ("Rettelse: ...", "KORREKTUR - ...", "[Corrected] ...") or behind it
("... (rettet)"). Only a word that stands apart counts: by a colon, a dash, a bar or brackets. "Correction
officers" and "Rettelse af valglister" are titles. What is found is a proposal: a person decides.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from mailer.core.release import Signal

# As press offices write it; the languages of one word are many, so every list is asked for every title.
_CORRECTIONS = (
    "rettelse", "rettet", "rettet version", "retting", "rettelse til", "korrigeret", "korrigering",
    "berigtigelse", "korreksjon", "korrigert", "correction", "correction to", "corrected",
    "corrected version", "corrigendum", "corrigenda", "erratum", "errata", "korrektur",
    "korrektur zu", "korrektur der", "korrigiert", "korrigierte fassung", "berichtigung", "berichtigt",
    "richtigstellung", "rättelse", "rättad", "rättad version", "korrigering av", "korrigerad",
    "oikaisu", "oikaistu", "korjaus", "korjattu", "rectificatif", "rectification", "rectifié",
    "corrigé", "version corrigée", "corrección", "corregido", "rectificación", "fe de erratas",
    "rettifica", "correzione", "rectificatie", "correctie", "sprostowanie", "korekta", "oprava",
    "leiðrétting", "parandus", "labojums", "pataisymas", "تصحيح", "تصويب", "更正",
)  # fmt: skip
_WITHDRAWALS = (
    "tilbagetrukket", "trukket tilbage", "trukket", "annulleret", "tilbaketrukket", "trukket tilbake",
    "annullert", "withdrawn", "withdrawal", "retracted", "retraction", "kill", "mandatory kill",
    "cancelled", "zurückgezogen", "widerruf", "widerrufen", "rückruf der meldung", "återkallad",
    "återkallat", "tillbakadragen", "tillbakadraget", "indragen", "peruttu", "peruutettu",
    "vedetty takaisin", "vedetty pois", "retiré", "retrait", "annulé", "annule et remplace",
    "retirado", "retirada", "ritirato", "ritiro", "ingetrokken", "wycofane", "staženo", "سحب", "撤回",
)  # fmt: skip

_APART = r"\s*(?:[:：|]|\s[-–—]{1,2}\s|[–—])\s*"
_WHOLE_DAYS = timedelta(days=30)
_ENOUGH = 0.35


def _spelt(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest_first)


_ALL = _spelt((*_CORRECTIONS, *_WITHDRAWALS))
_FORMS = (
    re.compile(rf"[\[(*]+\s*(?P<word>{_ALL})\s*[\])*]+\s*[:–—-]?\s*(?P<rest>\S.*)", re.I | re.S),
    re.compile(rf"(?P<word>{_ALL})(?:\s+\d{{1,2}})?{_APART}(?P<rest>\S.*)", re.I | re.S),
    re.compile(rf"(?P<rest>.*\S)\s*[\[(*]+\s*(?P<word>{_ALL})\s*[\])*]+\s*[.]?", re.I | re.S),
    re.compile(rf"(?P<rest>.*\S)(?:\s*\||\s+[-–—])\s+(?P<word>{_ALL})\s*[.]?", re.I | re.S),
)
_KINDS: dict[str, Signal] = {
    **dict.fromkeys(_CORRECTIONS, "correction"),
    **dict.fromkeys(_WITHDRAWALS, "withdrawn"),
}
# A word of one language that means something else in another is believed there alone.
_ONLY_IN = {"kill": "en", "cancelled": "en", "korekta": "pl", "trukket": "da nb no", "annulé": "fr"}


@dataclass(frozen=True, slots=True)
class Signalled:
    """What a title says beside its own words.

    Attributes:
        word: that says it, as it was written.
        title: without it.
    """

    signal: Signal
    word: str
    title: str


def signalled(title: str, language: str) -> Signalled | None:
    """What a title signals of itself; None for a title that is a title and nothing else.

    Args:
        language: of the title, a BCP 47 tag; titles of many newsrooms mix languages, so it decides for
            a few words alone.
    """
    shown = " ".join(unicodedata.normalize("NFC", title).split())
    for form in _FORMS:
        found = form.fullmatch(shown)
        if found is None:
            continue
        word = " ".join(found["word"].casefold().split())
        spoken = _ONLY_IN.get(word)
        if spoken is not None and language.partition("-")[0].lower() not in spoken.split():
            continue
        return Signalled(_KINDS[word], found["word"], found["rest"].strip())
    return None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A release that a correction could be about.

    Attributes:
        names: under which others may link to it: identity, addresses, platform numbers.
        at: when it was published, or came in; aware.
    """

    id: int
    newsroom: str
    title: str
    language: str
    at: datetime
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likely:
    """An earlier release, and how much speaks for it.

    Attributes:
        score: between 0 and 1.
        reasons: in words, the weightiest first.
    """

    id: int
    title: str
    score: float
    reasons: tuple[str, ...]


def probable_original(
    title: str,
    *,
    newsroom: str,
    at: datetime,
    links: Collection[str] = (),
    earlier: Iterable[Earlier],
    most: int = 3,
) -> tuple[Likely, ...]:
    """Rank the earlier releases that a correction or withdrawal is probably about.

    A link to it says nearly everything; else like titles do, and that it is not long ago. Of another
    newsroom none is proposed, nor any that came later.

    Args:
        title: without the word that signals (`signalled`).
        at: when the correction came, aware.
        links: addresses in its text, and whatever else names another release.
        earlier: releases to look among, the correction's own not among them.
        most: so many at most.
    """
    judged = (
        _judged(title, at, frozenset(map(_bare, links)), one)
        for one in earlier
        if one.newsroom == newsroom and one.at <= at
    )
    likely = [one for one in judged if one.score >= _ENOUGH]
    return tuple(sorted(likely, key=lambda one: (-one.score, -one.id))[:most])


def _judged(title: str, at: datetime, links: frozenset[str], one: Earlier) -> Likely:
    reasons: list[str] = []
    own = signalled(one.title, one.language)
    alike = _alike(title, own.title if own else one.title)
    linked = any(_bare(name) in links for name in one.names)
    age = at - one.at
    near = max(0.0, 1 - age / _WHOLE_DAYS)
    score = alike * (0.75 + 0.2 * near)
    if linked:
        reasons.append("it links to it")
        score = max(score, 0.9 + 0.05 * near)
    if alike >= 0.99:
        reasons.append("the same title")
    elif alike >= _ENOUGH:
        reasons.append(f"{round(alike * 100)} of 100 of the title")
    if age < timedelta(days=2):
        reasons.append("hours before" if age < timedelta(days=1) else "the day before")
    return Likely(one.id, one.title, round(min(score, 1.0), 3), tuple(reasons))


def _alike(one: str, other: str) -> float:
    first, second = _words(one), _words(other)
    if not first or not second:
        return 0.0
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _words(title: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())


def _bare(link: str) -> str:
    """An address without what differs between two ways to write it."""
    return re.sub(r"^https?://(?:www\.)?", "", link.strip().casefold()).rstrip("/")
