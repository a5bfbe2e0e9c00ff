"""Reads who can be reached, and where, from a press contact's line; the line stays as it stood."""

import re

from mailer.core.release import Contact

MAX_LENGTH = 300

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LABEL = r"(?:tlf|telefon|tel|phone|telephone|mobil|mobile|mob|direkte|direct)"
_LABELLED = re.compile(
    rf"\b{_LABEL}\b[\s.:]{{0,5}}(?:nr\.?\s?)?(\+?\(?[0-9][0-9 ().\u00a0/-]{{3,22}}[0-9])(?![0-9])",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![\w.,/+-])(\+[0-9][0-9 ()\u00a0-]{5,20}[0-9]|[0-9]{8}|[0-9]{2}(?:[ \u00a0][0-9]{2}){3})(?![\w/-])"
)
_LABEL_ALONE = re.compile(
    rf"\b(?:{_LABEL}|e-?mail|mail|kontakt|contact|på|on|at)\b[\s.:]*$", re.IGNORECASE
)
_ROLE = re.compile(
    r"\w*(?:rådgiver|chef|konsulent|medarbejder|sekretær|ansvarlig|direktør|koordinator|vagt|"
    r"officer|secretary|spokesperson|spokeswoman|spokesman|adviser|advisor|attaché|director|head)",
    re.IGNORECASE,
)
_NAME_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_PARTICLES = {"af", "al", "av", "bin", "da", "de", "del", "den", "der", "di", "el", "la", "le",
              "ter", "van", "von", "zu"}  # fmt: skip


def read_contact(line: str) -> Contact:
    """Read one line of at most 300 characters; what cannot be told for sure stays empty.

    `Presserådgiver Kristian Frey Jensen, tlf.: 41532639` has a role, a name and a phone number; a name
    is only read from a line that also says how to reach its bearer.
    """
    email = _EMAIL.search(line)
    phone = _LABELLED.search(line) or _BARE.search(line)
    if email is None and phone is None:
        return Contact(text=line)
    reach = min(found.start() for found in (email, phone) if found is not None)
    role, name = _role_and_name(line[:reach])
    return Contact(
        text=line,
        name=name,
        role=role,
        phone=phone[1].strip() if phone else "",
        email=email[0].rstrip(".") if email else "",
    )


def says_how_to_reach(line: str) -> bool:
    """Whether a line holds a phone number or an e-mail address."""
    return any(form.search(line) for form in (_EMAIL, _LABELLED, _BARE))


def _role_and_name(before: str) -> tuple[str, str]:
    _, _, said = _LABEL_ALONE.sub("", before.strip()).rstrip(" ,;:(").rpartition(":")
    parts = [part.strip() for part in said.split(",") if part.strip()]
    if not parts:
        return "", ""
    if _is_name(parts[0]) and not _ROLE.fullmatch(parts[0].split()[0]):
        return (parts[1] if len(parts) > 1 else ""), parts[0]
    return _split_role(parts[0])


def _split_role(part: str) -> tuple[str, str]:
    """Role and name of `Head of Press Ada Lund`: the role ends before the last words that make a name."""
    words = part.split()
    if not _ROLE.fullmatch(words[0]):
        return "", ""
    for start in range(1, len(words) - 1):
        rest = " ".join(words[start:])
        if words[start - 1].lower() not in {"of", "for", "i", "to"} and _is_name(rest):
            return " ".join(words[:start]), rest
    return "", ""


def _is_name(text: str) -> bool:
    words = text.split()
    capitalised = sum(word[:1].isupper() for word in words)
    return (
        2 <= len(words) <= 6
        and capitalised >= 2
        and words[-1][:1].isupper()
        and all(_NAME_WORD.fullmatch(word) for word in words)
        and all(word[:1].isupper() or word in _PARTICLES for word in words)
    )
