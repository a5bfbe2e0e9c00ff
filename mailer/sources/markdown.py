"""Reads a Markdown release: facts from front matter, text from CommonMark, a title from either."""

from dataclasses import replace

from mailer.core.release import Block, Edition, ReleaseDocument
from mailer.sources.fields import shown
from mailer.sources.front_matter import FrontMatter, split_front_matter
from mailer.sources.lines import Place
from mailer.sources.markdown_body import Placed, read_body
from mailer.sources.quotes import mark_quotes, never_ending


def read_markdown(
    text: str, *, file: str, language: str | None = None, default_language: str = "en"
) -> ReleaseDocument:
    """Read a Markdown release.

    Args:
        text: as `lines.decode` gives it.
        file: its name, for faults.
        language: of the release, whatever the front matter says; None lets the front matter say it.
        default_language: where neither says it.

    Raises:
        DocumentFault: faulty front matter, no title, no text, or what cannot be mailed.
    """
    matter, body, first_line = split_front_matter(text, file)
    start = Place(file, first_line)
    placed, warnings = read_body(body, start)
    title, placed = _title(matter, placed, file)
    if not any(one.block.text.strip() for one in placed):
        raise start.fault("the release has no text below its title", "write its text there")
    blocks, unclosed = mark_quotes([_settled(one.block) for one in placed])
    return ReleaseDocument(
        edition=Edition(
            language=language or matter.language or default_language,
            title=title,
            lead=matter.lead,
            body=blocks,
            contacts=matter.contacts,
            files=matter.files,
            pictures=matter.pictures,
        ),
        issuer=matter.issuer,
        identity=matter.id or matter.canonical_url,
        newsroom=matter.newsroom,
        kind=matter.kind,
        topics=matter.topics,
        places=matter.places,
        publish_at=matter.publish_at,
        embargo_until=matter.embargo_until,
        canonical_url=matter.canonical_url,
        warnings=(*never_ending(placed[at].line for at in unclosed), *warnings),
    )


def _title(matter: FrontMatter, placed: list[Placed], file: str) -> tuple[str, list[Placed]]:
    """The title, and the blocks without it: a first heading that is the title does not come twice."""
    first = placed[0] if placed else None
    if first is None or first.block.kind != "heading" or first.block.level != 1:
        if matter.title:
            return matter.title, placed
        raise Place(file, 1).fault(
            "the release has no title",
            "write `title: ...` in the front matter, or begin the text with `# Title`",
        )
    heading = " ".join(first.block.text.split())
    if not matter.title:
        return shown(heading, Place(file, first.line), "the title"), placed[1:]
    return matter.title, placed[1:] if heading == matter.title else placed


def _settled(block: Block) -> Block:
    """A heading's depth in a mail, where the title alone is of the first: 2 to 4."""
    if block.kind != "heading":
        return block
    return replace(block, level=min(max(block.level, 2), 4))
