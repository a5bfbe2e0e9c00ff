"""What is done to a running mailing, and to how many dispatchers over which database."""

import os
from dataclasses import dataclass

CONNECTIONS = 8
"""Lines of each dispatcher to the relay."""


@dataclass(frozen=True)
class Variant:
    """What is done to whom.

    Attributes:
        blow: "dispatcher", "relay", "backend", "server", "stop" or "disk" (full).
        dispatchers: how many work side by side.
        lease_seconds: short where a lease is to end; a stop lasts half a lease longer.
        delay_ms: of a round trip to the relay, so that a run outlasts its stops.
        share: of the blows asked for; some take long to recover from.
    """

    name: str
    says: str
    kind: str = "SQLite"
    blow: str = "dispatcher"
    dispatchers: int = 1
    unknown: str = "resend"
    lease_seconds: int = 60
    delay_ms: int = 0
    share: float = 1


VARIANTS = (
    Variant("kill", "kill -9 of the dispatcher, SQLite"),
    Variant("hold", "kill -9 of the dispatcher, SQLite, policy hold", unknown="hold"),
    Variant("three", "kill -9, three dispatchers, PostgreSQL", kind="PostgreSQL", dispatchers=3),
    Variant("relay", "kill -9 of the relay, SQLite", blow="relay", share=0.35),
    Variant("backend", "PostgreSQL backends ended", kind="PostgreSQL", blow="backend", share=0.5),
    Variant("server", "PostgreSQL restarted", kind="PostgreSQL", blow="server", share=0.2),
    Variant(
        "stop", "SIGSTOP beyond the lease, two dispatchers, SQLite",
        blow="stop", dispatchers=2, lease_seconds=2, delay_ms=10, share=0.2,
    ),
    Variant(
        "stop-postgresql", "SIGSTOP beyond the lease, two dispatchers, PostgreSQL", kind="PostgreSQL",
        blow="stop", dispatchers=2, lease_seconds=2, delay_ms=10, share=0.2,
    ),
    Variant("disk", "disk full, SQLite", blow="disk", share=0.2),
)  # fmt: skip


def chosen(names: str) -> list[Variant]:
    """The variants of a list of names with commas; all that this account may do for "".

    Raises:
        SystemExit: there is no such variant.
    """
    known = {variant.name: variant for variant in VARIANTS}
    unknown = [name for name in filter(None, names.split(",")) if name not in known]
    if unknown:
        words = f"no variant is called {', '.join(unknown)}"
        raise SystemExit(f"{words}; there are {', '.join(known)}")
    if names:
        return [known[name] for name in names.split(",")]
    return [each for each in VARIANTS if each.blow != "disk" or os.geteuid() == 0]
