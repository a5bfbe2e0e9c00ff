"""The sources of the settings, each as it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from mailer.core.source import Source
from mailer.services.office import Office
from mailer.store import intake, sources
from mailer.store.sources import SourceRow


@dataclass(frozen=True, slots=True)
class Listing:
    """One source.

    Attributes:
        state: new (never polled), well, or failing.
        releases: how many of its releases stand in each state.
        counts, refusals: what the last reading came to.
        hub_state: empty, asked, active or denied.
    """

    key: str
    newsroom: str
    place: str
    approval: str
    state: str
    polled_at: datetime | None
    next_at: datetime | None
    found_at: datetime | None
    failures: int
    failing_since: datetime | None
    fault: str | None
    cure: str | None
    releases: Mapping[str, int]
    counts: Mapping[str, int]
    refusals: Sequence[Mapping[str, str]]
    hub: str | None
    hub_state: str
    hub_fault: str | None
    hub_until: datetime | None


def listed(office: Office) -> list[Listing]:
    """Every source of the settings, in their order."""
    with office.database.read() as connection:
        rows = sources.rows(connection)
        return [
            _listing(source, rows.get(key), intake.of_source(connection, key))
            for key, source in office.sources.items()
        ]


def _listing(source: Source, row: SourceRow | None, releases: Mapping[str, int]) -> Listing:
    row = row or _NEVER_POLLED
    last = row.last or {}
    return Listing(
        key=source.key,
        newsroom=source.newsroom,
        place=source.place,
        approval=source.terms.approval,
        state=_state(row),
        polled_at=row.polled_at,
        next_at=row.next_at,
        found_at=row.found_at,
        failures=row.failures,
        failing_since=row.failing_since,
        fault=row.fault,
        cure=row.cure,
        releases=releases,
        counts=last.get("counts", {}),
        refusals=last.get("refusals", []),
        hub=row.hub,
        hub_state=row.hub_state,
        hub_fault=row.hub_fault,
        hub_until=row.hub_until,
    )


def _state(row: SourceRow) -> str:
    if row.polled_at is None:
        return "new"
    return "failing" if row.fault is not None else "well"


_NOTHING = {field.name: None for field in fields(SourceRow)}
_NEVER_POLLED = SourceRow(
    **{**_NOTHING, "source": "", "seeded": False, "failures": 0, "turn": 0, "hub_state": ""}  # type: ignore[arg-type] # fields by name
)
