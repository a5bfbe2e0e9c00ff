"""A second and a third opinion on our signatures: Mail::DKIM and opendkim, where they are installed."""

from pathlib import Path

import pytest
from support.mails import MARKS, TOKENS, due, notice, release
from support.signatures import ZONE, signers
from support.verifiers import MAIL_DKIM_MISSING, OPENDKIM_MISSING, mail_dkim, opendkim

from mailer.core.delivery import Purpose
from mailer.core.dkim import Algorithm
from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared


def message(prepared: Prepared, *algorithms: Algorithm) -> bytes:
    """A message as it is sent."""
    composer = Composer(TOKENS, MARKS, signers=signers(*algorithms))
    return composer.compose(prepared, due(prepared.purpose)).content


@pytest.mark.skipif(bool(MAIL_DKIM_MISSING), reason=MAIL_DKIM_MISSING)
@pytest.mark.parametrize("purpose", [Purpose.RELEASE, Purpose.CONFIRM])
def test_mail_dkim_verifies(purpose: Purpose) -> None:
    prepared = release() if purpose is Purpose.RELEASE else notice(purpose)
    content = message(prepared, "rsa", "ed25519")

    rsa, ed25519 = mail_dkim(content, ZONE)

    assert rsa == "pass"
    # Versions before 1.20230911 do not know RFC 8463; one that does must agree.
    assert ed25519 in {"pass", "invalid (unsupported algorithm ed25519-sha256)"}


@pytest.mark.skipif(bool(OPENDKIM_MISSING), reason=OPENDKIM_MISSING)
def test_opendkim_verifies(tmp_path: Path) -> None:
    """RSA alone: the versions that systems ship were built before RFC 8463."""
    said = opendkim(message(release(), "rsa"), ZONE, tmp_path)

    assert "verification (s=rsa, d=um.example, 2048-bit key) succeeded" in said, said
