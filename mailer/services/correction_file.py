"""Reads the file that a release is corrected by: any format that a release can be added in, holding one."""

from collections.abc import Sequence

from mailer.core.errors import NotAllowed, SourceFault
from mailer.core.release import Edition, ReleaseDocument
from mailer.services import press
from mailer.services.office import Office
from mailer.sources.document import read_document
from mailer.sources.reading import ReadingTerms, read
from mailer.sources.shape import shape_of
from mailer.store.releases import ReleaseRow


def corrected_text(
    office: Office, payload: bytes, *, file: str, release_id: int, language: str | None
) -> Edition:
    """The text in a file, in the language of the text that it corrects.

    Args:
        file: its name, for faults; `-` for standard input.
        language: whatever the file says; None takes the file's word, or else the release's own language.

    Raises:
        NotFound: no such release.
        DocumentFault, SourceFault: no release can be read from the file.
        NotAllowed: it holds several, only announces one, or is signed by another newsroom.
    """
    row = press.shown(office, release_id)
    start = payload[:20_000].decode(errors="replace").removeprefix("\ufeff")
    if shape_of(start) == "text":
        document = read_document(
            payload, file=file, language=language, default_language=row.edition.language
        )
    else:
        document = _only(_read(office, payload, file, row, language), file)
    press.newsroom_for(office, document, row.newsroom)
    if document.detail_url is not None:
        raise NotAllowed(
            f"{file} only announces a release: the whole stands at {document.detail_url}",
            "save that page and correct with it",
        )
    return document.edition


def _read(
    office: Office, payload: bytes, file: str, row: ReleaseRow, language: str | None
) -> Sequence[ReleaseDocument]:
    zone = office.newsroom(row.newsroom).time_zone
    terms = ReadingTerms(language=language or row.edition.language, zone=zone)
    return read(payload, media_type="", url=file, terms=terms).documents


def _only(documents: Sequence[ReleaseDocument], file: str) -> ReleaseDocument:
    if not documents:
        raise SourceFault(f"{file}: nothing in it can become a release", "check what was saved")
    if len(documents) > 1:
        raise NotAllowed(
            f"{file} holds {len(documents)} releases", "keep the one that is corrected in it"
        )
    return documents[0]
