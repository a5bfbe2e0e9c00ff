"""A release as a command tells it to a program, in short."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.store.releases import ReleaseRow


def brief(row: "ReleaseRow") -> dict[str, object]:
    """What a release is and how it stands."""
    return {
        "id": row.id,
        "newsroom": row.newsroom,
        "state": row.state,
        "hold_reason": row.hold_reason,
        "kind": row.kind,
        "language": row.edition.language,
        "title": row.edition.title,
        "urgent": row.urgent,
        "publish_at": row.publish_at,
        "embargo_until": row.embargo_until,
        "published_at": row.published_at,
    }
