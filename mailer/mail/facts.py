"""What a mail says of its release beside the text, and what every template that shows one whole is told."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.newsroom import Newsroom, Site
from mailer.core.release import Edition
from mailer.mail import headers
from mailer.mail.attached import Attachment
from mailer.mail.clean import cleaned, cleaned_edition, safe_link
from mailer.mail.material import linked_files, linked_pictures
from mailer.texts.catalogue import spoken
from mailer.texts.kinds import label_of


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What a mail says of its release beside the text.

    Attributes:
        slug: the readable tail of its page's address.
        kind: the source's word for it; empty means a press release.
        canonical_url: where the issuer has it; None where it is on our page alone.
        published_at: when it was published, aware; None where nobody said.
        attachments: those of its files that travel in the mail itself.
        subjects: what it is filed under, of what readers can choose by; in the language of the mail.
    """

    id: int
    slug: str
    kind: str
    canonical_url: str | None
    published_at: datetime | None
    attachments: tuple[Attachment, ...] = ()
    subjects: tuple[str, ...] = ()

    def page(self, newsroom: Newsroom) -> str:
        """The path of its page."""
        return f"/{newsroom.key}/releases/{self.id}-{self.slug}"


def release_values(
    site: Site, newsroom: Newsroom, edition: Edition, facts: ReleaseFacts
) -> dict[str, object]:
    """What every template that shows a whole release is told of it.

    Raises:
        MailerError: the title cannot stand in a header.
    """
    title = headers.display(edition.title, "the release's title")
    chrome = spoken(edition.language, *newsroom.languages)
    shown = cleaned_edition(edition, title)
    where = site.url(facts.page(newsroom))
    return {
        "edition": shown,
        "files": linked_files(where, shown.files, facts.attachments),
        "pictures": linked_pictures(where, shown.pictures),
        "subjects": tuple(cleaned(subject) for subject in facts.subjects),
        "kind": label_of(cleaned(facts.kind), edition.language, chrome),
        "published_at": facts.published_at,
        "online_url": safe_link(facts.canonical_url) or where,
    }
