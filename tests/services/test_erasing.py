"""Being erased, and taking everything along: nothing names the reader any more, and every proof holds."""

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from support.choosing import PAGE, open_link
from support.desk import ACCEPTED, REFUSED, came_of, import_readers, lease, publish_one
from support.offices import KEFM, UM, Clock
from support.readers import (
    WORDING,
    acts,
    confirm_token,
    leave_token,
    make_active,
    notices,
    sign_up,
)

from mailer.core.address import parse_address
from mailer.core.consent import Reply
from mailer.core.delivery import Outcome
from mailer.core.errors import NotFound, TokenRefused
from mailer.core.token import LinkPurpose
from mailer.services import (
    choices,
    confirmation,
    erasing,
    imports,
    leaving,
    moving,
    people,
    proof,
    takeout,
)
from mailer.services.moving import Wish
from mailer.services.office import Office
from mailer.sources.address_list import Listed
from mailer.store import ledger, outcomes
from mailer.store.ledger_tables import attempt, delivery, metadata
from mailer.store.tables import consent, erased, request, subscription

ANNA = "Anna.Unique@Example.org"
TRACES = ("anna.unique", "Anna.Unique", "192.0.2.7", "Mozilla", "unique@")


def everything(office: Office) -> str:
    """Every row of every table, as text."""
    with office.database.read() as connection:
        return "\n".join(
            f"{table.name}: {row._asdict()!r}"
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        )


def traces(office: Office) -> list[str]:
    """The lines in which anything of Anna can still be read."""
    return [
        line for line in everything(office).splitlines() if any(trace in line for trace in TRACES)
    ]


def live(office: Office, clock: Clock) -> None:
    """A reader's whole life: two newsrooms, choices, a wish to move, mails that were taken and refused."""
    make_active(office, ANNA)
    make_active(office, ANNA, newsroom=KEFM)
    people.end(
        office,
        address=parse_address(ANNA),
        reason=f"Asked by phone: {ANNA}",
        who="root",
        newsroom_key="kefm",
    )
    publish_one(office, title="One")
    with office.database.write() as connection:
        handed = ledger.take(connection, lease(office), 500, notices=50)
        told = ACCEPTED.__class__(
            REFUSED.result, REFUSED.phase, 550, "5.1.1", f"<{ANNA}> is unknown", relay="r"
        )
        outcomes.record(
            connection,
            lease(office),
            [came_of(one, told, office) for one in handed],
        )
    publish_one(office, title="Two")
    clock.move(hours=1)
    token = open_link(office, ANNA)
    wish = Wish(parse_address("anna.unique@new.example"), WORDING, PAGE)
    moving.ask(office, token=token, wish=wish)


def erase(office: Office, clock: Clock) -> None:
    clock.move(hours=1)
    erasing.erase(office, token=open_link(office, ANNA), origin=PAGE)


def numbers(office: Office) -> tuple[list[Any], list[Any]]:
    """What proofs are made of: entries by number and act, deliveries by state."""
    with office.database.read() as connection:
        entries = connection.execute(
            select(consent.c.id, consent.c.subscription_id, consent.c.act, consent.c.at).order_by(
                consent.c.id
            )
        ).all()
        owed = connection.execute(
            select(
                delivery.c.id, delivery.c.subscription_id, delivery.c.mailing_id, delivery.c.code
            )
            .where(delivery.c.mailing_id.is_not(None))
            .order_by(delivery.c.id)
        ).all()
    return [tuple(row) for row in entries], [tuple(row) for row in owed]


def test_nothing_that_names_the_reader_is_left_anywhere(office: Office, clock: Clock) -> None:
    live(office, clock)
    assert len(traces(office)) > 10, "the life above leaves what is to go"
    erase(office, clock)
    # The mailbox of the wish is another reader's, as far as anybody knows; unconfirmed, it lapses by itself.
    (left,) = traces(office)
    assert left.startswith("subscriber: ")
    assert "'mailbox': 'anna.unique@new.example'" in left


@pytest.mark.parametrize("outcome", [ACCEPTED, REFUSED])
def test_what_a_relay_says_of_the_reader_afterwards_is_not_kept(
    office: Office, clock: Clock, outcome: Outcome
) -> None:
    """A letter was in hand while its reader was erased; others' replies stay as they are."""
    import_readers(office, 2)
    make_active(office, ANNA)
    publish_one(office)
    with office.database.write() as connection:
        in_hand = [one for one in ledger.take(connection, lease(office), 500) if one.mailing_id]
    erase(office, clock)
    with office.database.write() as connection:
        said = [
            came_of(one, outcome._replace(text=f"<{one.mailbox}> it is"), office) for one in in_hand
        ]
        outcomes.record(connection, lease(office), said)
    assert not [line for line in traces(office) if not line.startswith("erased: ")]
    with office.database.read() as connection:
        of_mailing = delivery.c.mailing_id.is_not(None)
        replies = connection.execute(
            select(delivery.c.state, delivery.c.reply).where(of_mailing).order_by(delivery.c.id)
        ).all()
    assert {state for state, _ in replies} == {outcome.result.value}
    assert [reply is None for _, reply in replies] == [False, False, True]


def test_every_proof_still_adds_up(office: Office, clock: Clock) -> None:
    import_readers(office, 3)
    live(office, clock)
    before = numbers(office)
    assert proof.verify(office).ok
    erase(office, clock)
    after = numbers(office)
    assert after[0][: len(before[0])] == before[0], "entries keep their numbers, acts and moments"
    assert [row[2] for row in after[0][len(before[0]) :]].count("ended") == 1
    assert after[1] == before[1]
    with office.database.write() as connection:
        for one in ledger.take(connection, lease(office), 500):
            assert "gone" not in one.mailbox, "what was due to the reader is let go of"
    found = proof.verify(office)
    assert found.ok, found


def test_a_keyed_hash_stops_imports_and_nothing_else(office: Office, clock: Clock) -> None:
    live(office, clock)
    erase(office, clock)
    listed = [Listed(1, ANNA.upper()), Listed(2, "other@example.org")]
    (batch,) = imports.import_people(office, newsroom=UM, people=listed, evidence="sheets")
    assert [(one.line, one.reason) for one in batch.refused] == [
        (1, "was erased on request: only a new sign-up can bring them back")
    ]
    assert batch.tally.imported == 1
    clock.move(hours=1)
    assert sign_up(office, ANNA) is Reply.CONFIRM
    assert notices(office)[-1][0] == "confirm", "a fresh sign-up is answered as anybody's"


def test_a_fresh_confirmed_sign_up_lifts_it(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    erase(office, clock)
    clock.move(hours=1)
    sign_up(office, ANNA)
    with office.database.read() as connection:
        assert len(connection.execute(select(erased)).all()) == 1, "asking is not confirming"
    confirmation.confirm(office, token=confirm_token(office), origin=PAGE)
    with office.database.read() as connection:
        assert connection.execute(select(erased)).all() == []
    assert acts(office, ANNA) == ["asked", "confirmed"], "nothing of the earlier life comes back"


def test_a_change_of_address_to_an_erased_one_lifts_it_too(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    erase(office, clock)
    make_active(office, "bo@example.org")
    clock.move(hours=1)
    token = open_link(office, "bo@example.org")
    moving.ask(office, token=token, wish=Wish(parse_address(ANNA), WORDING, PAGE))
    with office.database.read() as connection:
        number = connection.scalars(select(request.c.id).where(request.c.kind == "move")).one()
    view = moving.confirm(office, request_id=number, origin=PAGE)
    assert view is not None
    assert view.state == "confirmed"
    with office.database.read() as connection:
        assert connection.execute(select(erased)).all() == []


def test_a_ban_outlives_erasing(office: Office) -> None:
    make_active(office, ANNA)
    people.suppress(office, address=parse_address(ANNA), reason="complaint")
    erasing.erase_for(office, address=parse_address(ANNA), who="root")
    assert sign_up(office, ANNA) is Reply.SILENCE
    assert people.show(office, address=parse_address(ANNA)).suppressed == "complaint"


def test_erasing_twice_finds_nobody(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    clock.move(hours=1)
    token = open_link(office, ANNA)
    erasing.erase(office, token=token, origin=PAGE)
    with pytest.raises(NotFound):
        erasing.erase(office, token=token, origin=PAGE)
    with pytest.raises(NotFound, match="hash alone"):
        erasing.erase_for(office, address=parse_address(ANNA), who="root")


def test_an_erased_readers_link_never_opens_somebody_elses(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    make_active(office, "bo@example.org")
    clock.move(hours=1)
    token = open_link(office, ANNA)
    erasing.erase(office, token=token, origin=PAGE)
    open_link(office, "bo@example.org")
    assert [one[2] for one in notices(office) if one[0] == "manage"][-1] == "bo@example.org"
    with pytest.raises(NotFound):
        choices.read(office, token=token)


def test_old_links_of_an_erased_reader_are_harmless(office: Office, clock: Clock) -> None:
    make_active(office, ANNA)
    token = leave_token(office, 1)
    erase(office, clock)
    before = numbers(office)
    leaving.leave(office, token=token, origin=PAGE)
    assert numbers(office) == before
    assert not [line for line in traces(office) if "192.0.2.7" in line]


@pytest.mark.parametrize("purpose", [each for each in LinkPurpose if each != LinkPurpose.MANAGE])
def test_no_other_token_erases_or_moves(office: Office, clock: Clock, purpose: LinkPurpose) -> None:
    make_active(office, ANNA)
    clock.move(hours=1)
    open_link(office, ANNA)
    before = everything(office)
    for number in (1, 2):
        token = office.keys.tokens.sign(purpose, number, office.clock())
        with pytest.raises(TokenRefused):
            erasing.erase(office, token=token, origin=PAGE)
        wish = Wish(parse_address("thief@example.org"), WORDING, PAGE)
        with pytest.raises(TokenRefused):
            moving.ask(office, token=token, wish=wish)
        with pytest.raises(TokenRefused):
            takeout.of_link(office, token=token)
    assert everything(office) == before


def test_an_operator_erases_and_the_audit_does_not_say_whom(office: Office, clock: Clock) -> None:
    live(office, clock)
    erasing.erase_for(office, address=parse_address(ANNA), who="root")
    left = [line for line in traces(office) if line.startswith(("audit", "subscriber:"))]
    assert [line for line in left if "@new.example" not in line] == []


def test_the_document_holds_all_of_it_and_explains_its_keys(office: Office, clock: Clock) -> None:
    live(office, clock)
    clock.move(hours=1)
    found = json.loads(takeout.of_link(office, token=open_link(office, ANNA)))
    assert set(found) == {"explained", *takeout.EXPLAINED}
    assert found["subscriber"]["typed"] == ANNA
    assert [one["newsroom"] for one in found["subscriptions"]] == ["um", "kefm"]
    assert [one["act"] for one in found["consent"]] == [
        "asked",
        "confirmed",
        "asked",
        "confirmed",
        "ended",
    ]
    assert found["consent"][0]["wording"] == WORDING
    assert found["consent"][1]["choice"]["languages"] == ["da"]
    assert found["consent"][4]["evidence"].startswith(f"Asked by phone: {ANNA}")
    titles = {one["title"]: one for one in found["mails"] if one["purpose"] == "release"}
    assert len(titles) == 2
    (refused,) = [one for one in titles.values() if one["state"] == "refused"]
    assert refused["tries"][0]["text"] == f"<{ANNA}> is unknown"
    assert {one["kind"] for one in found["requests"]} == {"signup", "move"}
    assert "new.example" not in json.dumps(found), "nothing of another mailbox"
    datetime.fromisoformat(found["made_at"])


def test_the_document_forgets_nothing_that_erasing_takes(office: Office, clock: Clock) -> None:
    """Whatever the database says of the reader in words stands in the document too."""
    live(office, clock)
    clock.move(hours=1)
    told = takeout.of_link(office, token=open_link(office, ANNA)).decode()
    with office.database.read() as connection:
        mine = select(subscription.c.id)
        replies = connection.scalars(
            select(delivery.c.reply).where(
                delivery.c.subscription_id.in_(mine), delivery.c.reply.is_not(None)
            )
        ).all()
        texts = connection.scalars(select(attempt.c.text).where(attempt.c.text != "")).all()
        words = connection.scalars(
            select(consent.c.evidence).where(consent.c.evidence.is_not(None))
        ).all()
    assert replies or texts
    for each in (*replies, *texts, *words):
        assert json.dumps(each, ensure_ascii=False)[1:-1] in told


def test_a_document_about_nobody(office: Office) -> None:
    with pytest.raises(NotFound):
        takeout.of_address(office, address=parse_address(ANNA))
