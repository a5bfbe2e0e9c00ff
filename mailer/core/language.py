"""Chooses the language of a page or a mail, and its direction (BCP 47, RFC 9110 section 12.5.4)."""

from collections.abc import Sequence

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "ku", "dv"})


def direction(language: str) -> str:
    """`rtl` or `ltr`, for the `dir` attribute."""
    return "rtl" if primary(language) in RIGHT_TO_LEFT else "ltr"


def primary(language: str) -> str:
    """The primary subtag in lower case: `en` of `en-GB`."""
    return language.replace("_", "-").partition("-")[0].lower()


def choose(wanted: Sequence[str], offered: Sequence[str]) -> str:
    """The first wanted language that is offered, exact tags before primary ones; else the first offered.

    Args:
        wanted: BCP 47 tags in order of preference.
        offered: what there is, the default first; never empty.
    """
    for tag in wanted:
        for candidate in offered:
            if candidate.lower() == tag.lower():
                return candidate
        for candidate in offered:
            if primary(candidate) == primary(tag):
                return candidate
    return offered[0]


def from_header(accept_language: str) -> list[str]:
    """The tags of an Accept-Language header, best first; what cannot be read is passed over."""
    weighted: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept_language[:500].split(",")):
        tag, _, parameter = (piece.strip() for piece in part.partition(";"))
        weight = _weight(parameter)
        if weight > 0 and tag and tag != "*" and tag.replace("-", "").isalnum() and tag.isascii():
            weighted.append((-weight, position, tag))
    return [tag for _, _, tag in sorted(weighted)]


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
