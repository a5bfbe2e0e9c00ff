"""The words of consent: shown at the form, stored as evidence, restated in the receipt."""

from mailer.core.newsroom import Newsroom
from mailer.texts.catalogue import spoken, translations
from mailer.texts.kinds import kind_label as kind_label  # noqa: PLC0414 - pages and mails know it here


def subscribe_wording(newsroom: Newsroom, language: str) -> str:
    """The exact sentence that a visitor says yes to, in the language of the form.

    Where that has no catalogue it is the newsroom's next one that has, as on the page around it. The
    sentence names who writes, what is sent and how to withdraw (GDPR articles 4(11) and 7(3)).
    """
    gettext = translations(spoken(language, *newsroom.languages)).gettext
    return gettext(
        "Yes, I would like to receive press releases from %(newsroom)s by e-mail. I can withdraw"
        " my consent at any time, with the link at the foot of every mail."
    ) % {"newsroom": newsroom.name}


def move_wording(language: str) -> str:
    """The exact sentence beside the field for a new address, in the language of the page's words."""
    return translations(language).gettext(
        "Everything that I subscribe to here is sent to the new address from then on, once I have"
        " confirmed it by the link that is mailed there."
    )
