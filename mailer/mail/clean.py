"""Cleans what comes from outside, so that nothing in a text can be taken for a slot or break a mail.

Characters that no text has a use for (C0 and C1 controls, surrogates, noncharacters) become U+FFFD;
every line end becomes LF; a link of a kind that no mail should carry loses its address.
"""

import re
from dataclasses import replace

from mailer.core.newsroom import Newsroom
from mailer.core.release import Block, Contact, Edition, File, Picture, Run

_UNUSABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_HREF = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>\"]+", re.IGNORECASE)


def cleaned(text: str) -> str:
    """`text` without characters that a mail cannot carry."""
    return _UNUSABLE.sub("\ufffd", _LINE_END.sub("\n", text))


def cleaned_edition(edition: Edition, title: str) -> Edition:
    """The edition as templates see it, under the checked `title`."""
    return Edition(
        language=edition.language,
        title=cleaned(title),
        lead=cleaned(edition.lead),
        body=tuple(_block(block) for block in edition.body),
        contacts=tuple(_contact(contact) for contact in edition.contacts),
        files=tuple(_file(file) for file in edition.files),
        pictures=tuple(_picture(picture) for picture in edition.pictures),
    )


def cleaned_newsroom(newsroom: Newsroom) -> Newsroom:
    """The newsroom as templates see it."""
    return replace(newsroom, name=cleaned(newsroom.name), postal=cleaned(newsroom.postal))


def safe_link(address: str | None) -> str | None:
    """`address` if it is of a kind that a mail may carry, else None."""
    return cleaned(address) if address and _HREF.fullmatch(address) else None


def _block(block: Block) -> Block:
    return replace(block, runs=tuple(_run(run) for run in block.runs))


def _run(run: Run) -> Run:
    return replace(run, text=cleaned(run.text), href=safe_link(run.href))


def _file(file: File) -> File:
    return replace(file, name=cleaned(file.name), media_type=cleaned(file.media_type))


def _picture(picture: Picture) -> Picture:
    return replace(
        picture,
        alt=cleaned(picture.alt),
        caption=cleaned(picture.caption),
        credit=cleaned(picture.credit),
    )


def _contact(contact: Contact) -> Contact:
    return Contact(
        text=cleaned(contact.text),
        name=cleaned(contact.name),
        role=cleaned(contact.role),
        phone=cleaned(contact.phone),
        email=cleaned(contact.email),
    )
