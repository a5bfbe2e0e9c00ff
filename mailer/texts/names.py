"""What languages call themselves."""


def own_name(tag: str) -> str:
    """What a language calls itself, as a link to it is called; the tag where nobody knows."""
    from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415 - who mails none of it need not wait

    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return tag
    name = locale.get_display_name(locale) or tag
    return name[:1].upper() + name[1:]
