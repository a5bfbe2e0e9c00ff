"""Looks at a logo's file as the settings are read: there, of a size that pages can bear, and a picture.

Its end says what it is, for that is how it is served. What is inside is looked at when the pages
start (`web.logo`), since most commands show none.
"""

from pathlib import Path

MAX_LOGO = 256 * 1024
"""Octets. A logo is fetched by everybody who opens a page for the first time."""

_CURE = "name an SVG or PNG file"


def logo_fault(file: Path | None) -> str | None:
    """What is wrong with a logo and the cure; None for a good one, and for none."""
    if file is None:
        return None
    if file.suffix.lower() not in {".svg", ".png"}:
        return f"{file} is neither .svg nor .png; {_CURE}"
    try:
        size = file.stat().st_size
        found = file.is_file()
    except OSError:
        found = False
    if not found:
        return f"{file} is not a file; {_CURE}"
    if size > MAX_LOGO:
        return f"{file} has {size:,} octets; make it smaller than {MAX_LOGO:,}"
    return None
