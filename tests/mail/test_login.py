"""Nobody logs in but on the terms of the description, and a relay that says no is quoted."""

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Literal

import aiosmtpd.smtp
import pytest
from support.certificates import Certificates
from support.parcels import mail_to, outcome_of
from support.scripted_server import Fault, Received, Script, ScriptedServer

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.mail.relay import Auth, Relay
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import RelayMissing

SECRET = "ya29.hush-hush"
USERS = {"press": SECRET, "presse,æ=ø@um.example": SECRET, "tim": "tanstaaftanstaaf"}
PASSWORDS: tuple[Auth, ...] = ("plain", "login", "cram-md5")
BEARERS: tuple[Auth, ...] = ("xoauth2", "oauthbearer")
EVERYTHING = ("OAUTHBEARER", "XOAUTH2", "CRAM-MD5", "LOGIN", "PLAIN")
OVERHEARD = "127.1"  # is 127.0.0.1 when it is connected to, and no name of this machine to us


def _told(server: ScriptedServer | int, **terms: object) -> Relay:
    port = server if isinstance(server, int) else server.port
    found = {"host": "127.0.0.1", "security": "none", "username": "press"} | terms
    return Relay("main", port=port, **found)  # type: ignore[arg-type]  # of many kinds


def _terms(auth: Auth, secret: str = SECRET) -> dict[str, object]:
    known: dict[str, object] = {"auth": auth}
    return known | ({"token": lambda: secret} if auth in BEARERS else {"password": secret})


async def _one(relay: Relay) -> Outcome:
    line = await SmtpTransport(relay).connect()
    try:
        return await outcome_of(line, mail_to())
    finally:
        await line.close()


async def _refused(relay: Relay) -> RelayMissing:
    with pytest.raises(RelayMissing) as caught:
        await SmtpTransport(relay).connect()
    assert caught.value.outcome.phase is Phase.AUTH
    assert caught.value.cure
    for secret in (SECRET, base64.b64encode(SECRET.encode()).decode()):
        assert secret not in str(caught.value)
    return caught.value


def _tried(server: ScriptedServer) -> list[str]:
    return [line.split()[1] for line in server.commands if line.startswith("AUTH")]


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
@pytest.mark.parametrize("auth", [*PASSWORDS, *BEARERS])
@pytest.mark.parametrize("username", ["press", "presse,æ=ø@um.example"])
def test_every_mechanism_proves_who_we_are(
    auth: Auth,
    security: Literal["tls", "starttls", "none"],
    username: str,
    certificates: Certificates,
) -> None:
    async def story() -> tuple[Outcome, Received, list[str]]:
        async with ScriptedServer(
            tls=certificates.server if security == "tls" else None,
            starttls=certificates.server if security == "starttls" else None,
            users=USERS,
            mechanisms=EVERYTHING,
        ) as server:
            ca_file = None if security == "none" else certificates.ca_file
            relay = _told(
                server, security=security, ca_file=ca_file, username=username, **_terms(auth)
            )
            return await _one(relay), server.messages[0], _tried(server)

    outcome, received, tried = asyncio.run(story())
    assert outcome.result is Result.ACCEPTED
    assert received.username == username
    assert received.encrypted is (security != "none")
    assert tried == [auth.upper()]


@pytest.mark.parametrize("offer", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=LOGIN", "auth login"])
def test_an_offer_is_read_however_it_is_spelled(offer: str) -> None:
    async def story() -> list[str]:
        async with ScriptedServer({"EHLO": f"250-x\r\n250 {offer}"}, users=USERS) as server:
            assert (await _one(_told(server, password=SECRET))).result is Result.ACCEPTED
            return _tried(server)

    assert asyncio.run(story()) == ["PLAIN" if "PLAIN" in offer else "LOGIN"]


@pytest.mark.parametrize(
    ("terms", "offered", "taken"),
    [
        ({"password": SECRET}, EVERYTHING, "CRAM-MD5"),
        ({"password": SECRET}, ("LOGIN", "PLAIN"), "PLAIN"),
        ({"password": SECRET, "tls": True}, EVERYTHING, "PLAIN"),
        ({"password": SECRET, "tls": True}, ("CRAM-MD5", "LOGIN"), "LOGIN"),
        ({"password": SECRET, "tls": True}, ("CRAM-MD5",), "CRAM-MD5"),
        ({"password": SECRET, "host": OVERHEARD, "insecure": True}, EVERYTHING, "CRAM-MD5"),
        ({"token": lambda: SECRET}, EVERYTHING, "XOAUTH2"),
        ({"token": lambda: SECRET}, ("PLAIN", "OAUTHBEARER"), "OAUTHBEARER"),
        (_terms("login"), EVERYTHING, "LOGIN"),
        (_terms("oauthbearer"), EVERYTHING, "OAUTHBEARER"),
    ],
)
def test_the_best_that_is_offered_is_taken(
    terms: dict[str, object], offered: tuple[str, ...], taken: str, certificates: Certificates
) -> None:
    tls = "tls" in terms
    known = {name: value for name, value in terms.items() if name != "tls"}
    if tls:
        known |= {"security": "tls", "ca_file": certificates.ca_file}

    async def story() -> list[str]:
        async with ScriptedServer(
            users=USERS, mechanisms=offered, tls=certificates.server if tls else None
        ) as server:
            assert (await _one(_told(server, **known))).result is Result.ACCEPTED
            return _tried(server)

    assert asyncio.run(story()) == [taken]


@pytest.mark.parametrize(
    ("terms", "offered", "words"),
    [
        ({"password": SECRET}, ("GSSAPI", "XOAUTH2"), "offers GSSAPI, XOAUTH2, and we"),
        ({"token": lambda: SECRET}, ("PLAIN", "LOGIN"), "log in with XOAUTH2, OAUTHBEARER"),
        (_terms("cram-md5"), ("PLAIN",), "offers PLAIN, and we would log in with CRAM-MD5"),
        (
            {"password": SECRET, "host": OVERHEARD, "insecure": True},
            ("PLAIN", "LOGIN"),
            "log in with CRAM-MD5",
        ),
    ],
)
def test_what_does_not_fit_is_not_tried(
    terms: dict[str, object], offered: tuple[str, ...], words: str
) -> None:
    async def story() -> tuple[RelayMissing, list[str]]:
        async with ScriptedServer(users=USERS, mechanisms=offered) as server:
            return await _refused(_told(server, **terms)), _tried(server)

    missing, tried = asyncio.run(story())
    assert (missing.outcome.result, missing.outcome.blame) == (Result.REFUSED, Blame.SENDER)
    assert words in missing.what
    assert tried == []


def test_a_relay_that_offers_no_login_is_told_of() -> None:
    async def story() -> RelayMissing:
        async with ScriptedServer() as server:
            return await _refused(_told(server, password=SECRET))

    missing = asyncio.run(story())
    assert "no login at all" in missing.what
    assert missing.outcome.result is Result.REFUSED


@pytest.mark.parametrize("auth", [*PASSWORDS, "auto"])
def test_a_wrong_password_is_tried_once(auth: Auth) -> None:
    async def story() -> tuple[RelayMissing, list[str]]:
        async with ScriptedServer(users=USERS, mechanisms=EVERYTHING) as server:
            return await _refused(_told(server, **_terms(auth, "wrong"))), _tried(server)

    missing, tried = asyncio.run(story())
    assert (missing.outcome.result, missing.outcome.blame) == (Result.REFUSED, Blame.SENDER)
    assert "535 5.7.8 wrong name or password" in missing.what
    assert "username and password" in missing.cure
    assert len(tried) == 1


HITCHES: list[tuple[str | Fault | bytes, str, str]] = [
    ("454 4.7.0 directory is down", "454 4.7.0 directory is down", "come back"),
    ("421 4.3.2 closing", "421 4.3.2 closing", "come back"),
    (Fault.DROP, "AUTH failed: ", "username"),
    (b"garbage\r\n", "garbage", "username"),
]
NO_CHALLENGE = (b"334 !!! no base64\r\n", "AUTH failed: ", "username")  # of a token: see below


@pytest.mark.parametrize(
    ("auth", "step", "words", "cure"),
    [(auth, *hitch) for auth in (*PASSWORDS, *BEARERS) for hitch in HITCHES]
    + [(auth, *NO_CHALLENGE) for auth in PASSWORDS],
)
def test_a_login_that_comes_to_nothing_may_come_to_something_later(
    auth: Auth, step: str | Fault | bytes, words: str, cure: str
) -> None:
    async def story() -> tuple[RelayMissing, list[str]]:
        async with ScriptedServer({"AUTH": step}, users=USERS, mechanisms=EVERYTHING) as server:
            return await _refused(_told(server, **_terms(auth))), server.commands

    missing, commands = asyncio.run(story())
    assert missing.outcome.result is Result.DEFERRED
    assert words in missing.what
    assert cure in missing.cure
    assert not [line for line in commands if line.startswith("MAIL")]


def test_another_mechanism_is_tried_only_when_the_first_is_not_known() -> None:
    async def story() -> list[str]:
        async with ScriptedServer({"AUTH": ["504 5.5.4 not that one"]}, users=USERS) as server:
            assert (await _one(_told(server, password=SECRET))).result is Result.ACCEPTED
            return _tried(server)

    assert asyncio.run(story()) == ["PLAIN", "LOGIN"]


# Tokens.


@pytest.mark.parametrize("auth", BEARERS)
def test_why_a_token_is_refused_is_told_in_words(auth: Auth) -> None:
    async def story() -> RelayMissing:
        async with ScriptedServer(users=USERS, mechanisms=EVERYTHING) as server:
            return await _refused(_told(server, **_terms(auth, "stale")))

    missing = asyncio.run(story())
    assert "535 5.7.8 wrong name or password" in missing.what
    assert "(status 401, schemes bearer, scope https://mail.example/)" in missing.what
    assert "renewed" in missing.cure
    assert missing.outcome.result is Result.DEFERRED, "a fresh one may be taken"
    assert missing.outcome.blame is Blame.SENDER


@pytest.mark.parametrize("auth", BEARERS)
@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (base64.b64encode(b'["a", "list"]').decode(), '(["a", "list"])'),
        (base64.b64encode(b"plain words").decode(), "(plain words)"),
        (base64.b64encode(b"\xff\xfe").decode(), "(//4=)"),
        ("no base64!", "(no base64!)"),
        ("", "535 5.7.3 no"),
    ],
)
def test_a_challenge_that_is_no_json_is_quoted(auth: Auth, challenge: str, words: str) -> None:
    """The scripted server hears our empty word as a command of no name, and answers as told."""

    async def story() -> tuple[RelayMissing, list[str]]:
        script: Script = {
            "EHLO": f"250-x\r\n250 AUTH {auth.upper()}",
            "AUTH": f"334 {challenge}",
            "": "535 5.7.3 no",
            "AQ==": "535 5.7.3 no",
        }
        async with ScriptedServer(script, users={"press": SECRET}) as server:
            return await _refused(_told(server, **_terms(auth))), server.commands

    missing, commands = asyncio.run(story())
    assert words in missing.what
    assert "535 5.7.3 no" in missing.what
    assert "()" not in missing.what
    assert commands[-1] == ("" if auth == "xoauth2" else "AQ==")


def test_a_token_is_asked_for_anew_at_every_login(tmp_path: Path) -> None:
    place = tmp_path / "token"

    async def story() -> None:
        async with ScriptedServer(users=USERS, mechanisms=EVERYTHING) as server:
            transport = SmtpTransport(_told(server, token=place.read_text))
            place.write_text("stale")
            with pytest.raises(RelayMissing):
                await transport.connect()
            place.write_text(SECRET)
            line = await transport.connect()
            assert (await outcome_of(line, mail_to())).result is Result.ACCEPTED
            await line.close()

    asyncio.run(story())


def test_without_a_token_nobody_is_disturbed() -> None:
    def none() -> str:
        raise ServiceMissing("The token is not there", "run the tool that fetches it")

    async def story() -> tuple[RelayMissing, int]:
        async with ScriptedServer(users=USERS, mechanisms=EVERYTHING) as server:
            return await _refused(_told(server, token=none)), server.connections

    missing, connections = asyncio.run(story())
    assert connections == 0
    assert (missing.what, missing.cure) == (
        "The token is not there",
        "run the tool that fetches it",
    )
    assert missing.outcome.result is Result.DEFERRED


@pytest.mark.parametrize("token", ["", "two words", "bent\1auth=Bearer x", "line\n", "tøken"])
def test_what_is_no_token_never_leaves(token: str) -> None:
    async def story() -> tuple[RelayMissing, list[str]]:
        async with ScriptedServer(users=USERS, mechanisms=EVERYTHING) as server:
            return await _refused(_told(server, token=lambda: token)), _tried(server)

    missing, tried = asyncio.run(story())
    assert "no token" in missing.what
    assert tried == []


# By the letter of the sources.


def _heard(relay: Relay, *replies: str) -> list[str]:
    """What is said to a server that knows nothing but these replies, after EHLO."""
    heard: list[str] = []
    over = asyncio.Event()

    async def recite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in ("220 x", *replies):
            writer.write(f"{reply}\r\n".encode())
            heard.append((await reader.readline()).decode().strip())
        writer.close()
        await writer.wait_closed()
        over.set()

    async def story() -> None:
        server = await asyncio.start_server(recite, "127.0.0.1", 0)
        async with server:
            await _refused(replace(relay, port=server.sockets[0].getsockname()[1]))
            await over.wait()

    asyncio.run(story())
    return heard[1:]


def test_the_example_of_rfc_2195() -> None:
    said = _heard(
        _told(1, username="tim", password=USERS["tim"]),
        "250-x\r\n250 AUTH CRAM-MD5",
        "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
        "535 5.7.8 no",
    )
    answer = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"
    assert said == ["AUTH CRAM-MD5", answer, ""]


def test_the_example_of_google() -> None:
    relay = _told(
        1,
        username="someuser@example.com",
        token=lambda: "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
    )
    error = base64.b64encode(b'{"status":"401","scope":"https://mail.google.com/"}').decode()
    said = _heard(relay, "250-x\r\n250 AUTH XOAUTH2", f"334 {error}", "535 5.7.8 no")
    initial = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRx"
        "bVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    assert said == [f"AUTH XOAUTH2 {initial}", "", ""]


def test_the_words_of_rfc_7628() -> None:
    relay = _told(
        587, username="user@example.com", token=lambda: "vF9dft4qmTc2", auth="oauthbearer"
    )
    said = _heard(relay, "250-x\r\n250 AUTH OAUTHBEARER", "334 e30=", "535 5.7.8 no")
    head, host, port, *end = base64.b64decode(said[0].split()[2]).decode().split("\1")
    assert (head, host) == ("n,a=user@example.com,", "host=127.0.0.1")
    assert port.startswith("port=")
    assert end == ["auth=Bearer vF9dft4qmTc2", "", ""]
    assert said[1:] == ["AQ==", ""]


def test_a_login_word_by_word_never_gives_the_password_for_a_name() -> None:
    relay = _told(1, password=SECRET, auth="login")
    said = _heard(
        relay, "250-x\r\n250 AUTH LOGIN", "334 VXNlcm5hbWU6", "535 5.7.8 we do not know you"
    )
    assert said == ["AUTH LOGIN", base64.b64encode(b"press").decode(), ""]


# A second opinion.


@pytest.mark.parametrize("auth", ["plain", "login"])
@pytest.mark.parametrize("password", [SECRET, "wrong"])
def test_aiosmtpd_lets_us_in_where_it_should(
    auth: Auth, password: str, certificates: Certificates
) -> None:
    class Keeper:
        def __init__(self) -> None:
            self.taken: list[bytes] = []

        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            self.taken.append(envelope.content)  # type: ignore[attr-defined]  # untyped
            return "250 2.0.0 kept"

    def known(
        _server: object, _session: object, _envelope: object, _how: str, who: object
    ) -> aiosmtpd.smtp.AuthResult:
        assert isinstance(who, aiosmtpd.smtp.LoginPassword)
        genuine = (who.login, who.password) == (b"press", SECRET.encode())
        return aiosmtpd.smtp.AuthResult(success=genuine, handled=False)

    async def story() -> list[bytes]:
        keeper = Keeper()
        server = await asyncio.get_running_loop().create_server(
            lambda: aiosmtpd.smtp.SMTP(
                keeper,
                hostname="aiosmtpd.test",
                tls_context=certificates.server,
                require_starttls=True,
                auth_required=True,
                authenticator=known,
            ),
            "127.0.0.1",
            0,
        )
        async with server:
            relay = _told(
                server.sockets[0].getsockname()[1],
                security="starttls",
                ca_file=certificates.ca_file,
                **_terms(auth, password),
            )
            if password == SECRET:
                assert (await _one(relay)).result is Result.ACCEPTED
            else:
                assert (await _refused(relay)).outcome.code == 535
        return keeper.taken

    taken = asyncio.run(story())
    assert len(taken) == (password == SECRET)
