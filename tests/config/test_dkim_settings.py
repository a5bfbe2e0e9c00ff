"""DKIM in the settings: what can sign is read and masked, and each fault is named beside the others."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.signatures import as_pem, key, pem

from mailer.config import load
from mailer.core.dkim import Algorithm, read_key
from mailer.core.errors import ConfigFault

Write = Callable[..., Path]

SECTION = '[[newsroom.um.dkim]]\nselector = "s1"\nkey = { file = "rsa.pem" }\n'
SECOND = '[[newsroom.um.dkim]]\nselector = "s2"\nkey = { file = "ed25519.pem" }\n'
OTHER_ROOM = """
[newsroom.kefm]
name = "Climate Ministry"
languages = ["en"]
time_zone = "Europe/Copenhagen"
sender = "press@um.example"
"""


def faults(path: Path, environ: dict[str, str] | None = None) -> dict[str, str]:
    """The faults by the place they name."""
    with pytest.raises(ConfigFault) as caught:
        load(path, environ or {})
    return dict(fault.split(": ", 1) for fault in caught.value.faults)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with a key of either kind."""
    algorithms: tuple[Algorithm, ...] = ("rsa", "ed25519")
    for algorithm in algorithms:
        put(tmp_path / f"{algorithm}.pem", pem(algorithm))
    return tmp_path


def put(path: Path, text: str | bytes, mode: int = 0o600) -> None:
    """Write a key's file."""
    path.touch(0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)


@pytest.mark.usefixtures("keys")
def test_keys_are_read_from_their_files(write: Write) -> None:
    settings = load(write(more=SECTION + SECOND + 'domain = "news.UM.example"\n'), {})

    first, second = settings.newsroom["um"].dkim
    assert (first.selector, first.domain_for("presse@UM.example")) == ("s1", "um.example")
    assert (second.selector, second.domain_for("presse@um.example")) == ("s2", "news.um.example")
    assert read_key(first.key.reveal()).public == key("rsa").public
    assert read_key(second.key.reveal()).public == key("ed25519").public


@pytest.mark.usefixtures("keys")
def test_nothing_shows_a_key(write: Write) -> None:
    settings = load(write(more=SECTION), {})

    line = pem("rsa").splitlines()[3]
    assert line in settings.newsroom["um"].dkim[0].key.reveal()
    for shown in (
        repr(settings),
        str(settings.newsroom["um"]),
        f"{settings.newsroom['um'].dkim[0].key}",
    ):
        assert line not in shown
        assert "BEGIN" not in shown


@pytest.mark.usefixtures("keys")
def test_keys_may_come_from_the_environment(write: Write) -> None:
    given = '[{ selector = "s9", key = { file = "ed25519.pem" } }]'

    settings = load(write(more=SECTION), {"MAILER_NEWSROOM__UM__DKIM": given})

    assert [each.selector for each in settings.newsroom["um"].dkim] == ["s9"]


def test_a_key_may_stand_in_the_settings_if_nobody_else_reads_them(write: Write) -> None:
    section = f"[[newsroom.um.dkim]]\nselector = 's1'\nkey = '''{pem('ed25519')}'''\n"
    path = write(more=section)
    assert load(path, {}).newsroom["um"].dkim[0].selector == "s1"

    path.chmod(0o644)

    (place,) = faults(path)
    assert "newsroom.um.dkim.0.key" in place


def test_without_a_section_nothing_is_signed(write: Write) -> None:
    assert load(write(), {}).newsroom["um"].dkim == ()


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        (SECTION.replace("rsa.pem", "gone.pem"), "dkim.0.key", "no such file"),
        (SECTION.replace('"s1"', '"S1"'), "dkim.0.selector", "small letters"),
        (SECTION.replace('"s1"', '"a b"'), "dkim.0.selector", "is not a selector"),
        (SECTION.replace('"s1"', '"-s"'), "dkim.0.selector", "is not a selector"),
        (SECTION.replace('"s1"', '"s..1"'), "dkim.0.selector", "is not a selector"),
        (SECTION.replace('"s1"', '"s;d=x"'), "dkim.0.selector", "is not a selector"),
        (SECTION.replace('"s1"', f'"{"s" * 64}"'), "dkim.0.selector", "is not a selector"),
        (SECTION.replace('"s1"', f'"{"s.1." * 60}x"'), "dkim.0.selector", "more than 253"),
        (SECTION.replace('selector = "s1"\n', ""), "dkim.0.selector", "is missing"),
        (SECTION.replace("key = ", "kye = "), "dkim.0.kye", "did you mean key?"),
        (SECTION + SECTION.replace("rsa", "ed25519"), "dkim", "2 tables with the selector s1"),
        (SECTION.replace("[[", "[").replace("]]", "]"), "dkim", "two brackets"),
        (SECTION + 'domain = "um"\n', "dkim.0.domain", "is not a domain"),
        (SECTION + 'domain = "um.example;"\n', "dkim.0.domain", "is not a domain"),
        (SECTION + 'domain = "um.example.org"\n', "dkim.0.domain", "neither the sender's domain"),
        (SECTION + 'domain = "m.example"\n', "dkim.0.domain", "neither the sender's domain"),
    ],
)
def test_each_fault_names_its_place_and_a_cure(
    write: Write, more: str, place: str, said: str
) -> None:
    found = faults(write(more=more))

    assert said in found[f"newsroom.um.{place}"]
    assert set(found) <= {f"newsroom.um.{place}", "newsroom.um.dkim.0.key"}
    assert all("; " in words or "?" in words for words in found.values())


def short() -> str:
    """A key that was safe once."""
    return as_pem(rsa.generate_private_key(65537, 1024))


def other_kind() -> str:
    """A key that DKIM does not know."""
    return as_pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: "", "is empty"),
        (lambda: "hush-hush", "is no private key in PEM"),
        (lambda: b"\x30\x82\xff\xfe", "is not UTF-8 text"),
        (short, "1024 bits, too few"),
        (other_kind, "neither RSA nor Ed25519"),
    ],
    ids=["empty", "words", "DER", "short", "other kind"],
)
def test_a_key_that_cannot_sign_is_named(
    write: Write, tmp_path: Path, make: Callable[[], str | bytes], said: str
) -> None:
    put(tmp_path / "rsa.pem", make())

    found = faults(write(more=SECTION))

    assert list(found) == ["newsroom.um.dkim.0.key"]
    assert said in found["newsroom.um.dkim.0.key"]
    assert "hush" not in found["newsroom.um.dkim.0.key"]


def test_a_key_that_everybody_may_read_is_refused(write: Write, keys: Path) -> None:
    (keys / "rsa.pem").chmod(0o644)

    assert "chmod o-rwx" in faults(write(more=SECTION))["newsroom.um.dkim.0.key"]


@pytest.mark.usefixtures("keys")
def test_it_is_told_with_all_that_is_wrong(write: Write) -> None:
    more = SECTION.replace("rsa.pem", "gone") + SECOND.replace("s2", "S 2")

    found = faults(write(("Europe/Copenhagen", "Europe/Copenhagn"), more=more))

    assert set(found) == {
        "newsroom.um.time_zone",
        "newsroom.um.dkim.0.key",
        "newsroom.um.dkim.1.selector",
    }


@pytest.mark.usefixtures("keys")
def test_a_sender_without_a_domain_cannot_sign(write: Write) -> None:
    found = faults(write(("presse@um.example", "presse@localhost"), more=SECTION))

    assert "localhost has no place in the DNS" in found["newsroom.um.dkim.0"]


@pytest.mark.usefixtures("keys")
def test_newsrooms_may_share_a_key_but_not_a_name_for_two(write: Write) -> None:
    same = OTHER_ROOM + SECTION.replace("um.dkim", "kefm.dkim")
    assert len(load(write(more=SECTION + same), {}).newsroom) == 2

    found = faults(write(more=SECTION + same.replace("rsa.pem", "ed25519.pem")))

    assert list(found) == ["newsroom.kefm.dkim.0.selector"]
    assert "another key than newsroom.um.dkim.0" in found["newsroom.kefm.dkim.0.selector"]
