"""Messages letter for letter: what one version began, another may send again, and in the same bytes."""

import base64

from cryptography.hazmat.primitives.asymmetric import ed25519
from support.mails import MARKS, TOKENS, due
from support.signatures import DOMAIN, as_pem

from mailer.core.delivery import Purpose
from mailer.core.dkim import read_key
from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared
from mailer.mail.sign import Seal, Signer

RFC_8463 = ed25519.Ed25519PrivateKey.from_private_bytes(
    base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
)
BY_HAND = Prepared(
    Purpose.CONFIRM,
    "en",
    "100 % by hand",
    "retur@um.example",
    b"From: UM <presse@um.example>\r\n"
    b"To:\0to\0\r\n"
    b"Subject: 100 %  by hand\r\n"
    b"Date: \0date\0\r\n"
    b"Message-ID: <\0message_id\0@um.example>\r\n"
    b"List-Unsubscribe: <https://nyheder.example/leave/\0leave_token\0>\r\n"
    b"\r\n"
    b"To \0address_text\0,\r\n"
    b"100 %  of  it\t \r\n"
    b"\0address_html\0\r\n"
    b"https://nyheder.example/confirm/\0confirm_token\0\r\n"
    b"Leave: \0leave_token\0\r\n",
)

TO_LISE = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=um.example;
 s=s1;
 h=From:From:Cc:Reply-To:Subject:Subject:In-Reply-To:References:
 MIME-Version:Content-Type:Content-Language:List-Id:List-Unsubscribe-Post:
 List-Help:List-Archive:Archived-At:Auto-Submitted:X-Auto-Response-Suppress:
 Feedback-ID:To:To:Date:Date:Message-ID:Message-ID:List-Unsubscribe:
 List-Unsubscribe;
 t=1763729220; bh=Kp7UEBCFfTLOIbDXc6N2kyWosiTXcEP+jhd7aGbV2b4=;
 b=yRxfSVCS1jyqTPOEuB5NFQSxQxNsEr7QTrx0bE5LjN+1htxXXjYiYfhH4xxLsCeV8ycVj5g6t
 b9/ECq/Vm5PCQ==
From: UM <presse@um.example>
To: lise.jensen@avisen.example
Subject: 100 %  by hand
Date: Fri, 21 Nov 2025 12:47:00 +0000
Message-ID: <123456.297c7ea8dc894fa8@um.example>
List-Unsubscribe: <https://nyheder.example/leave/247h.t62u6c.KVKFuXNpMJycUAjsNnrljiX12zReTrdu9dkUdJje_p8>

To lise.jensen@avisen.example,
100 %  of  it\t\x20
lise.jensen@avisen.example
https://nyheder.example/confirm/3mv.t62u6c.bq6WQ1RLhYUJ7QssqOJkUQXgt6silZEItVFCZWlwdDE
Leave: 247h.t62u6c.KVKFuXNpMJycUAjsNnrljiX12zReTrdu9dkUdJje_p8
"""
AWKWARD = "o'hara&sons=press@" + "long-" * 10 + "name.example"
TO_AWKWARD = b"""\
From: UM <presse@um.example>
To:
 o'hara&sons=press@long-long-long-long-long-long-long-long-long-long-name.example
Subject: 100 %  by hand
Date: Fri, 21 Nov 2025 12:47:00 +0000
Message-ID: <7.4268397f34ac0f26@um.example>
List-Unsubscribe: <https://nyheder.example/leave/100000.t62u6c.7-TtjjklPwvzqOoV40aTspQ4Vu1k4LC3SUfnVmQBXD0>

To o'hara&sons=3Dpress@long-long-long-long-long-long-long-long-long-long-name.=
example,
100 %  of  it\t\x20
o&#x27;hara&amp;sons=3Dpress@long-long-long-long-long-long-long-long-long-l=
ong-name.example
https://nyheder.example/confirm/1.t62u6c.SlbTxAFBMHkmHB-uR_lCbsrrQ0hDZeBUzKF_q_vhLdE
Leave: 100000.t62u6c.7-TtjjklPwvzqOoV40aTspQ4Vu1k4LC3SUfnVmQBXD0
"""


def test_a_signed_message_letter_for_letter() -> None:
    signer = Signer([Seal(DOMAIN, "s1", read_key(as_pem(RFC_8463)))])
    composer = Composer(TOKENS, MARKS, signers={DOMAIN: signer})

    message = composer.compose(BY_HAND, due(Purpose.CONFIRM))

    assert message.sender == "retur+123456-6e5c41788905e145@um.example"
    assert message.recipient == "lise.jensen@avisen.example"
    assert message.content == TO_LISE.replace(b"\n", b"\r\n")


def test_an_awkward_address_letter_for_letter() -> None:
    owed = due(Purpose.CONFIRM, id=7, subscription_id=36**5, mailbox=AWKWARD, cause="request:1")

    message = Composer(TOKENS, MARKS).compose(BY_HAND, owed)

    assert message.sender == "retur+7-6ba07928c57b24a3@um.example"
    assert message.recipient == AWKWARD
    assert message.content == TO_AWKWARD.replace(b"\n", b"\r\n")
