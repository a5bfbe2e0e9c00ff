"""The matrix of the benchmark: what each cell sets differently from the plain one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One way to send.

    Attributes:
        kind: of database.
        octets: about so many a message.
        share: of the messages asked for; slow cells send fewer.
        fast_sink: the built-in sink even where smtp-sink is installed.
        delay_ms: time for a round trip to the sink.
        workers: as `mailer dispatch --workers` takes them.
        connections: of all workers together, and of smtp-source.
        extra: measured only when named.
    """

    name: str
    says: str
    kind: str = "SQLite"
    octets: int = 10240
    share: float = 0.2
    fast_sink: bool = False
    pipelining: bool = True
    tls: bool = False
    dkim: str = ""
    delay_ms: int = 0
    workers: int = 1
    connections: int = 8
    extra: bool = False


CELLS = (
    Cell("sqlite", "SQLite", share=1),
    Cell("postgresql", "PostgreSQL", kind="PostgreSQL", share=1),
    Cell("sqlite-fast-sink", "SQLite, the faster built-in sink", fast_sink=True),
    Cell("sqlite-40k", "SQLite, 40 KB", octets=40960),
    Cell("postgresql-40k", "PostgreSQL, 40 KB", kind="PostgreSQL", octets=40960),
    Cell("no-pipelining", "SQLite, no PIPELINING", pipelining=False, share=1),
    Cell("tls", "SQLite, TLS (smtp-source without)", tls=True),
    Cell("ed25519", "SQLite, signed Ed25519", dkim="ed25519", share=1),
    Cell("rsa", "SQLite, signed RSA-2048", dkim="rsa"),
    Cell("delay", "SQLite, 10 ms round trip", delay_ms=10, share=0.06),
    Cell(
        "postgresql-delay",
        "PostgreSQL, 10 ms round trip",
        kind="PostgreSQL",
        delay_ms=10,
        share=0.06,
    ),
    Cell("one-connection", "SQLite, 1 connection", connections=1),
    Cell("two-workers", "SQLite, 2 workers", workers=2),
    Cell("postgresql-two-workers", "PostgreSQL, 2 workers", kind="PostgreSQL", workers=2, share=1),
    Cell("rsa-two-workers", "SQLite, signed RSA-2048, 2 workers", dkim="rsa", workers=2),
    Cell("million", "SQLite, 1,000,000 readers", share=10, extra=True),
    Cell(
        "postgresql-million",
        "PostgreSQL, 1,000,000 readers",
        kind="PostgreSQL",
        share=10,
        extra=True,
    ),
)


def chosen(names: str) -> list[Cell]:
    """The cells of a list of names with commas; all but the extra ones for "".

    Raises:
        SystemExit: there is no such cell.
    """
    if not names:
        return [cell for cell in CELLS if not cell.extra]
    known = {cell.name: cell for cell in CELLS}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise SystemExit(f"no cell is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names.split(",")]
