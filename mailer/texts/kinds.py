"""Says what kind of text a release is, in the language of the page or mail around it.

A source gives a word of its own language ("Pressemeddelelse", "Nyhed") or a code ("press_release").
The kinds that newsrooms use are known here by all their words, and are shown in eight languages.
Greenlandic and Faroese have the one word that newsrooms state for them; the others stand in the
page's next language then, and say so by their own `lang`. Any other word is shown as it stands: it is
the issuer's, and nothing is known of its language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mailer.core.language import primary
from mailer.texts.catalogue import SOURCE_LANGUAGE

Kind = Literal["release", "news", "invitation"]

LABELS: Mapping[Kind, Mapping[str, str]] = {
    "release": {
        "en": "Press release",
        "da": "Pressemeddelelse",
        "de": "Pressemitteilung",
        "sv": "Pressmeddelande",
        "nb": "Pressemelding",
        "fi": "Tiedote",
        "fr": "Communiqué de presse",
        "ar": "بيان صحفي",
        "kl": "Tusagassiutinut nalunaarut",
        "fo": "Tíðindaskriv",
    },
    "news": {
        "en": "News",
        "da": "Nyhed",
        "de": "Meldung",
        "sv": "Nyhet",
        "nb": "Nyhet",
        "fi": "Uutinen",
        "fr": "Actualité",
        "ar": "خبر",
    },
    "invitation": {
        "en": "Press invitation",
        "da": "Presseinvitation",
        "de": "Presseeinladung",
        "sv": "Pressinbjudan",
        "nb": "Presseinvitasjon",
        "fi": "Kutsu medialle",
        "fr": "Invitation presse",
        "ar": "دعوة صحفية",
    },
}

# Codes and words of feeds and content systems that no newsroom shows as a label.
_CODES: Mapping[Kind, tuple[str, ...]] = {
    "release": ("", "press_release", "press-release", "pressrelease", "lehdistötiedote"),
    "news": ("news_story", "world_news_story", "news story", "nachricht"),
    "invitation": ("press_invitation", "press-invitation", "media invitation", "presseindbydelse"),
}


@dataclass(frozen=True, slots=True)
class Label:
    """A kind in words.

    Attributes:
        text: what is shown.
        language: of the text, for its `lang`; empty where it stands as the source had it.
    """

    text: str
    language: str


def label_of(kind: str, *languages: str) -> Label:
    """What kind of text a release is, as shown above its title.

    Args:
        kind: the source's word or code; empty means a press release.
        languages: BCP 47 tags in order of preference: the first that has a word for the kind counts, and
            English where none has.
    """
    known = _KNOWN.get(" ".join(kind.split()).casefold())
    if known is None:
        return Label(kind, "")
    labels = LABELS[known]
    for language in (*languages, SOURCE_LANGUAGE):
        words = labels.get(_ALIAS.get(primary(language), primary(language)))
        if words is not None:
            return Label(words, language)
    raise AssertionError(kind)  # every kind has an English label


def kind_label(kind: str, language: str) -> str:
    """`label_of` as plain text, where no `lang` can be given to it."""
    return label_of(kind, language).text


_ALIAS = {"no": "nb"}
_KNOWN: Mapping[str, Kind] = {
    words.casefold(): kind for kind in LABELS for words in (*_CODES[kind], *LABELS[kind].values())
}
