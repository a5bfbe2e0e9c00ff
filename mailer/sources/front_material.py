"""Reads files and pictures from front matter: an address, or a mapping that says more of it.

    files               a list of addresses, or of url, name, type, size, attach
    pictures            a list of addresses, or of url, alt, caption, credit; the lead picture first

`attach: true` puts a file into the mail itself, where it is small.
"""

from urllib.parse import unquote, urlsplit

from mailer.core.files import media_type_of
from mailer.core.release import File, Picture
from mailer.sources import fields
from mailer.sources.yaml_nodes import Entry

_FILE_KEYS = ("url", "name", "type", "size", "attach")
_PICTURE_KEYS = ("url", "alt", "caption", "credit")
_ANSWERS = {"true": True, "yes": True, "false": False, "no": False}


def read_files(entry: Entry) -> tuple[File, ...]:
    """The files, each address once.

    Raises:
        DocumentFault: an address that is none, an unknown key, or a value that cannot be one.
    """
    found = [_file(item) for item in entry.items()]
    return tuple({file.url: file for file in found}.values())


def read_pictures(entry: Entry) -> tuple[Picture, ...]:
    """The pictures, likewise."""
    found = [_picture(item) for item in entry.items()]
    return tuple({picture.url: picture for picture in found}.values())


def _file(item: Entry) -> File:
    if not item.is_mapping:
        url = fields.web_address(item.text().strip(), item.place)
        return File(url, _name_in(url), media_type_of(_name_in(url)))
    said = item.entries(_FILE_KEYS)
    url = _url(item, said)
    name = _shown(said["name"]) if "name" in said else _name_in(url)
    kind = _shown(said["type"]) if "type" in said else media_type_of(name) or media_type_of(url)
    return File(
        url,
        name,
        kind,
        size=_octets(said["size"]) if "size" in said else None,
        attach=_answer(said["attach"]) if "attach" in said else False,
    )


def _picture(item: Entry) -> Picture:
    if not item.is_mapping:
        return Picture(fields.web_address(item.text().strip(), item.place))
    said = item.entries(_PICTURE_KEYS)
    alt, caption, credit = (_shown(said[key]) if key in said else "" for key in _PICTURE_KEYS[1:])
    return Picture(_url(item, said), alt, caption, credit)


def _url(item: Entry, said: dict[str, Entry]) -> str:
    if "url" not in said:
        raise item.place.fault(f"an entry of `{item.key}` without url", "write its address as url")
    return fields.web_address(said["url"].text().strip(), said["url"].place)


def _shown(entry: Entry) -> str:
    return fields.shown(entry.text(), entry.place, f"`{entry.key}`")


def _octets(entry: Entry) -> int:
    text = entry.text().strip()
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise entry.place.fault(
            f"“{text[:60]}” is not a size", "write the number of octets, as in 48213"
        )
    return int(text)


def _answer(entry: Entry) -> bool:
    text = entry.text().strip().lower()
    if text not in _ANSWERS:
        raise entry.place.fault(f"“{text[:60]}” is neither yes nor no", "write true or false")
    return _ANSWERS[text]


def _name_in(url: str) -> str:
    """The last word of an address, which is what a browser would save it as."""
    parts = urlsplit(url)
    return unquote(parts.path.rpartition("/")[2])[:200] or parts.netloc
