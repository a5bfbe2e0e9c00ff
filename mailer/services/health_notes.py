"""Writes down how this machine finds its relays, where that has changed since it was last written."""

from collections.abc import Sequence

from mailer.services.office import Office
from mailer.services.route import Route
from mailer.store import health
from mailer.store.health import RelayHealth


class HealthNotes:
    """What one dispatcher has written of its relays.

    Args:
        host: the name of this machine.
    """

    def __init__(self, office: Office, host: str) -> None:
        self._office = office
        self._host = host
        self._written: dict[str, str] = {}

    def note(self, routes: Sequence[Route]) -> None:
        """Write down how the relays are, where that is news."""
        found = {each.transport.name: each.fault for each in routes if each.fault or each.virtual}
        if found == self._written:
            return
        news = self._news(found)
        if news:
            with self._office.database.write() as connection:
                health.note(connection, news)
        self._written = found

    def _news(self, found: dict[str, str]) -> list[RelayHealth]:
        with self._office.database.read() as connection:
            before = {one.relay: one for one in health.relays(connection) if one.host == self._host}
        now = self._office.clock()
        news = []
        for name, fault in found.items():
            was = before.get(name)
            if fault != ((was.fault or "") if was else ""):
                since = (was.failing_since if was else None) or now
                news.append(
                    RelayHealth(name, self._host, since if fault else None, fault or None, now)
                )
        return news
