"""The command that proves the promise: `verify`."""

from typing import TYPE_CHECKING

import click

from mailer.cli import show

if TYPE_CHECKING:
    from mailer.services.proof import Proof, ProvenMailing


@click.command()
@click.argument("release", metavar="[RELEASE]", type=int, required=False)
@show.json_option
@click.pass_context
def verify(ctx: click.Context, release: int | None, as_json: bool) -> None:
    """Prove that everybody got what they asked for, or name every gap.

    The audience is recomputed from the consent history, and every delivery is counted anew:
    audience = accepted + refused + unknown + expired + cancelled + still due + ended since.

    \b
    Example:
      mailer verify && echo "all accounted for"

    \b
    Exit codes:
      0   everything adds up
      1   there is a gap, and it is named
      2   there is no such release, or wrong settings
      69  the database is not there
    """
    from mailer.services import proof  # noqa: PLC0415 - help needs no database
    from mailer.wiring import open_office  # noqa: PLC0415 - as above

    with open_office(ctx.obj.settings()) as office:
        found = proof.verify(office, release)
    answer = {"ok": found.ok, "releases": list(found.mailings), "gaps": list(found.gaps)}
    show.emit(answer, as_json=as_json, text=_account(found))
    ctx.exit(0 if found.ok else 1)


_COLUMNS = ("accepted", "refused", "unknown", "expired", "cancelled", "due", "ended")


def _account(found: "Proof") -> str:
    if not found.mailings and not found.gaps:
        return "Nothing has been mailed yet; there is nothing to prove."
    listing = show.table(
        ["release", "kind", "audience", *_COLUMNS, "title"],
        [
            [
                one.release,
                f"{one.kind} ({one.language})" if one.language else one.kind,
                one.audience,
                *(one.states.get(name, 0) for name in _COLUMNS),
                one.title,
            ]
            for one in found.mailings
        ],
    )
    kept = [_in_digests(one) for one in found.mailings if one.digests]
    gaps = [f"GAP  {gap}" for gap in found.gaps]
    gaps += [f"GAP  {_named(one)}: {gap}" for one in found.mailings for gap in one.gaps]
    return "\n".join([listing, *kept, "", *(gaps or ["Everything adds up."])])


def _in_digests(one: "ProvenMailing") -> str:
    counts = ", ".join(f"{number:,} {state}" for state, number in sorted(one.digests.items()))
    return f"release {one.release} in digests: {counts}"


def _named(one: "ProvenMailing") -> str:
    if one.release is None:
        return f"digests of {one.newsroom} (mailing {one.mailing})"
    return f"release {one.release} (mailing {one.mailing})"
