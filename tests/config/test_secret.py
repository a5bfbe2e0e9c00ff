"""Secrets serve and never show: not in a repr, not in a fault, not from an open file."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.config import load
from mailer.config.secret import DatabaseUrl, Secret
from mailer.core.errors import ConfigFault
from mailer.core.token import Tokens

Write = Callable[..., Path]
HUSH = "hush-hush-hush-hush"


@pytest.fixture
def keys(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of keys beside the settings."""

    def written(content: bytes, mode: int = 0o600) -> Path:
        folder = tmp_path / "keys"
        folder.mkdir(exist_ok=True)
        path = folder / "tokens"
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return written


def test_every_way_of_printing_masks() -> None:
    secret = Secret(HUSH)

    logged = logging.makeLogRecord({"msg": "%s", "args": (secret,)}).getMessage()
    for words in (repr(secret), str(secret), f"{secret}", f"{secret:>30}", f"{[secret]}", logged):
        assert HUSH not in words
        assert "***" in words
    assert secret.reveal() == HUSH
    assert type(secret.reveal()) is str


def test_a_secret_serves_where_a_text_does() -> None:
    assert Secret(HUSH).encode() == HUSH.encode()
    assert Tokens([Secret(HUSH)])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@db.example/n", "postgresql://me:***@db.example/n"),
        ("postgresql://me:hu@sh@db.example/n", "postgresql://me:***@db.example/n"),
        (
            "postgresql://db.example/n?user=me&password=hush&x=1",
            "postgresql://db.example/n?user=me&password=***&x=1",
        ),
        ("sqlite:////srv/press.sqlite", "sqlite:////srv/press.sqlite"),
        ("postgresql://me@db.example:5432/n", "postgresql://me@db.example:5432/n"),
    ],
)
def test_of_a_database_only_the_password_is_hidden(url: str, shown: str) -> None:
    found = DatabaseUrl(url)

    assert str(found) == shown
    assert found.guarded == ("***" in shown)
    assert found.reveal() == url


def test_settings_never_show_a_secret(write: Write) -> None:
    path = write(
        ("token-key-0123456789", HUSH),
        ('security = "none"', f'security = "tls"\nusername = "me"\npassword = "{HUSH}2"'),
        more=f"[database]\nurl = 'postgresql://me:{HUSH}3@db.example/n'",
    )

    found = load(path, {})

    assert HUSH not in repr(found)
    assert found.relay[0].password is not None
    assert found.relay[0].password.reveal() == f"{HUSH}2"


def test_faults_never_show_a_secret(write: Write) -> None:
    path = write(
        ('["token-key-0123456789"]', f'["hush", "{HUSH}", {{ file = "{HUSH}/../x" }}]'),
        ("returns-key-0123456789", HUSH),
        ("suppression-key-0123456789", HUSH),
        ('security = "none"', f'password = "{HUSH}"'),
        more=f"[database]\nurl = 'mysql://me:{HUSH}@db.example/n'\n[site.x]\n",
    )

    with pytest.raises(ConfigFault) as caught:
        load(path, {"MAILER_KEYS__RETURNS": HUSH, "MAILER_RELAY__0__PASSWORD__X": HUSH})

    said = str(caught.value).replace(f"{HUSH}/../x", "")
    assert "hush" not in said
    assert len(caught.value.faults) >= 5


def test_keys_come_from_a_file_one_a_line(write: Write, keys: Callable[..., Path]) -> None:
    keys(b"first-key-0123456789\r\n\n second-key-0123456789\n")
    path = write(('["token-key-0123456789"]', '{ file = "keys/tokens" }'))

    tokens = load(path, {}).keys.tokens

    assert [token.reveal() for token in tokens] == [
        "first-key-0123456789",
        " second-key-0123456789",
    ]


def test_a_variable_may_name_the_file(write: Write, keys: Callable[..., Path]) -> None:
    path = keys(b"suppression-key-from-a-file\n")

    found = load(write(), {"MAILER_KEYS__SUPPRESSION__FILE": str(path)})

    assert found.keys.suppression.reveal() == "suppression-key-from-a-file"


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (b"first-key-0123456789\n", 0o644, "chmod o-rwx"),
        (b"first-key-0123456789\n", 0o602, "chmod o-rwx"),
        (b"\n \n", 0o600, "is empty"),
        (b"hush\xff", 0o600, "not UTF-8"),
        (b"hush\n", 0o600, "too few"),
    ],
)
def test_a_file_that_cannot_serve_is_refused(
    write: Write, keys: Callable[..., Path], content: bytes, mode: int, words: str
) -> None:
    keys(content, mode)
    path = write(('["token-key-0123456789"]', '{ file = "keys/tokens" }'))

    with pytest.raises(ConfigFault, match=words) as caught:
        load(path, {})

    assert "hush" not in str(caught.value)


def test_a_group_may_share_a_file_of_keys(write: Write, keys: Callable[..., Path]) -> None:
    keys(b"first-key-0123456789\n", 0o640)

    assert load(write(('["token-key-0123456789"]', '{ file = "keys/tokens" }')), {})


def test_one_secret_is_one_line(write: Write, keys: Callable[..., Path]) -> None:
    keys(b"first-key-0123456789\nsecond-key-0123456789\n")
    path = write(('"suppression-key-0123456789"', '{ file = "keys/tokens" }'))

    with pytest.raises(ConfigFault, match="2 lines; leave one"):
        load(path, {})


def test_settings_that_hold_a_secret_are_not_for_everybody(write: Write) -> None:
    path = write()
    path.chmod(0o644)

    with pytest.raises(ConfigFault, match="chmod o-rwx") as caught:
        load(path, {})

    assert "keys.tokens.0, keys.returns.0, keys.suppression: " in str(caught.value)


def test_settings_without_a_secret_may_be_read_by_all(
    write: Write, keys: Callable[..., Path]
) -> None:
    keys(b"first-key-0123456789\n")
    path = write(('["token-key-0123456789"]', '{ file = "keys/tokens" }'))
    path.chmod(0o644)
    environ = {
        "MAILER_KEYS__RETURNS": '["returns-key-0123456789"]',
        "MAILER_KEYS__SUPPRESSION": "suppression-key-0123456789",
    }

    assert load(path, environ)
