"""The words of consent: shown at the form, stored as evidence, restated in the receipt."""

from mailer.core.newsroom import Newsroom
from mailer.texts.catalogue import translations


def subscribe_wording(newsroom: Newsroom, language: str) -> str:
    """The exact sentence that a visitor says yes to, in the language of the form.

    It names who writes, what is sent and how to withdraw (GDPR articles 4(11) and 7(3)).
    """
    gettext = translations(language).gettext
    return gettext(
        "Yes, I would like to receive press releases from %(newsroom)s by e-mail. I can withdraw"
        " my consent at any time, with the link at the foot of every mail."
    ) % {"newsroom": newsroom.name}


def kind_label(kind: str, language: str) -> str:
    """What kind of text a release is, as shown above its title.

    Args:
        kind: the source's word, which is in its page's language; the usual ones are translated,
            others are shown as they stand, none means a press release.
        language: of the page or mail.
    """
    gettext = translations(language).gettext
    if kind.casefold() in {"", "press release", "press-release", "pressemeddelelse"}:
        return gettext("Press release")
    if kind.casefold() in {"news", "nyhed"}:
        return gettext("News")
    return kind
