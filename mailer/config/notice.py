"""Looks at a privacy notice's file as the settings are read: there, readable, and text."""

from pathlib import Path

MAX_NOTICE = 64 * 1024
"""Octets. A version of it is kept with the consents that were given under it."""

_CURE = "name a UTF-8 text file"


def notice_fault(file: Path) -> str | None:
    """What is wrong with a notice and the cure; None for a good one."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_NOTICE + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"{file} cannot be read ({reason}); {_CURE}"
    if len(content) > MAX_NOTICE:
        return f"{file} has more than {MAX_NOTICE:,} octets; make it shorter"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"{file} is not UTF-8 text; save it as UTF-8"
    if not text.strip() or "\0" in text:
        return f"{file} has no text in it; {_CURE}"
    return None
