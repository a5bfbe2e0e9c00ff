"""One composer in many threads makes what it makes in one, and says which messages are worth a thread."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from support.mails import MARKS, NEWSROOM, TOKENS, due, release
from support.signatures import signers

from mailer.core.delivery import Due
from mailer.core.dkim import Algorithm
from mailer.mail.compose import Composer
from mailer.mail.message import Message
from mailer.mail.prepare import Prepared
from mailer.mail.sign import Signer
from mailer.mail.slots import hole

THREADS = 8


@pytest.mark.parametrize("algorithms", [("ed25519",), ("rsa", "ed25519")])
def test_threads_make_what_one_makes(algorithms: tuple[Algorithm, ...]) -> None:
    """More prepared messages than are remembered, and all threads meet each at the same moment."""
    prepared = release()
    work: list[tuple[Prepared, Due]] = [
        (replace(prepared, subject=f"No. {number}"), due(id=number, subscription_id=number))
        for number in range(80)
    ]
    alone, shared = (Composer(TOKENS, MARKS, signers=signers(*algorithms)) for _ in range(2))
    together = Barrier(THREADS)

    def share(_: int) -> list[Message]:
        made = []
        for one in work:
            together.wait()
            made.append(shared.compose(*one))
        return made

    expected = [alone.compose(*one) for one in work]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(share, range(THREADS))) == [expected] * THREADS


def test_a_message_is_costly_where_rsa_signs_it() -> None:
    ours = release()
    others = release(newsroom=replace(NEWSROOM, sender="press@other.example"))
    ways: list[tuple[Algorithm, ...]] = [(), ("ed25519",), ("rsa",), ("ed25519", "rsa")]
    composers = [Composer(TOKENS, MARKS, signers=signers(*way)) for way in ways]

    assert [each.costly(ours) for each in composers] == [False, False, True, True]
    assert [each.costly(others) for each in composers] == [False] * 4, "nobody signs for it"


def test_it_can_be_said_of_a_message_that_cannot_be_made() -> None:
    newer = release()
    newer = replace(newer, content=newer.content + hole("manage_token"))

    assert Composer(TOKENS, MARKS, signers=signers("rsa")).costly(newer)


@pytest.mark.parametrize("signing", [None, signers("ed25519")])
def test_what_is_shared_is_one_object_and_was_looked_through(
    signing: dict[str, Signer] | None,
) -> None:
    composer = Composer(TOKENS, MARKS, signers=signing)
    prepared = release()
    one = composer.compose(prepared, due(id=1))
    other = composer.compose(prepared, due(id=2, subscription_id=3, mailbox="a@b.example"))

    assert one.shared is other.shared
    assert one.shared.plain
    assert sum(map(len, one.shared.texts)) > 5 * sum(map(len, one.values))
