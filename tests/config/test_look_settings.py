"""How a newsroom looks: colours, logos and boilerplate are checked as the settings are read."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mailer.config.picture import MAX_LOGO, logo_fault
from mailer.config.read import settle
from mailer.config.settings import Settings
from mailer.core.errors import ConfigFault

NOTHING: Mapping[str, str] = {}
TREE = {
    "site": {"base_url": "https://press.example.org"},
    "keys": {
        "tokens": ["a-key-for-tests-0001"],
        "returns": ["a-key-for-tests-0002"],
        "suppression": "a-key-for-tests-0003",
    },
    "relay": [{"host": "127.0.0.1", "security": "none"}],
}


def read(folder: Path, environ: Mapping[str, str] = NOTHING, /, **keys: object) -> Settings:
    newsroom = {
        "name": "Udenrigsministeriet",
        "languages": ["da", "en"],
        "time_zone": "Europe/Copenhagen",
        "sender": "presse@um.example",
        **keys,
    }
    tree = {**TREE, "newsroom": {"um": newsroom}}
    return settle(tree, environ, folder=folder, where="the test")


def fault(folder: Path, /, **keys: object) -> str:
    with pytest.raises(ConfigFault) as refused:
        read(folder, NOTHING, **keys)
    (words,) = refused.value.faults
    return words


def test_a_newsroom_has_its_look(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    (tmp_path / "dark.PNG").write_bytes(b"x")
    room = read(
        tmp_path,
        accent_dark="#abcdef",
        logo="logo.svg",
        logo_dark="dark.PNG",
        boilerplate={"da": "Om os.\n\nMere.", "EN": "About us."},
    ).newsrooms()["um"]
    assert (room.logo, room.logo_dark) == (str(tmp_path / "logo.svg"), str(tmp_path / "dark.PNG"))
    assert room.accent_dark == "#abcdef"
    assert [room.about(language) for language in ("da", "da-DK", "en", "de", "")] == [
        "Om os.\n\nMere.", "Om os.\n\nMere.", "About us.", "", "",
    ]  # fmt: skip


def test_without_a_word_there_is_none(tmp_path: Path) -> None:
    room = read(tmp_path).newsrooms()["um"]
    assert (room.logo, room.logo_dark, room.accent_dark, room.boilerplate) == ("", "", "", ())


def test_boilerplate_can_come_from_the_environment(tmp_path: Path) -> None:
    environ = {"MAILER_NEWSROOM__UM__BOILERPLATE__DA": "Fra miljøet."}
    room = read(tmp_path, environ, boilerplate={"da": "Fra filen.", "en": "Kept."}).newsrooms()[
        "um"
    ]
    assert dict(room.boilerplate) == {"da": "Fra miljøet.", "en": "Kept."}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"accent_dark": "red"}, "newsroom.um.accent_dark: “red” is not a colour; write it like"),
        ({"logo": "gone.svg"}, "newsroom.um.logo: {folder}/gone.svg is not a file; name an SVG"),
        ({"logo": "."}, "newsroom.um.logo: {folder} is neither .svg nor .png; name an SVG"),
        ({"logo": "logo.jpg"}, "newsroom.um.logo: {folder}/logo.jpg is neither .svg nor .png;"),
        ({"logo": 7}, "newsroom.um.logo: is not a path;"),
        ({"logo_dark": "ok.svg"}, "newsroom.um.logo_dark: is there without logo; write both"),
        ({"boilerplate": {"de": "x"}}, "newsroom.um.boilerplate.de: is in no language of this"),
        ({"boilerplate": {"d a": "x"}}, "newsroom.um.boilerplate.d a: “d a” is not a language tag"),
        ({"boilerplate": {"da": 7}}, "newsroom.um.boilerplate.da: 7 is not a text;"),
        ({"boilerplate": {"da": "\x1b"}}, "newsroom.um.boilerplate.da: “\ufffd” holds control"),
        ({"boilerplate": "x"}, "newsroom.um.boilerplate: no boilerplate is named; write a section"),
    ],
)
def test_what_cannot_be_shown_is_named_with_its_place_and_cure(
    tmp_path: Path, keys: dict[str, object], words: str
) -> None:
    (tmp_path / "ok.svg").write_text("<svg/>")
    assert fault(tmp_path, **keys).startswith(words.format(folder=tmp_path))


def test_a_logo_that_nobody_can_wait_for_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"x" * MAX_LOGO)
    assert logo_fault(file) is None
    file.write_bytes(b"x" * (MAX_LOGO + 1))
    assert "has 262,145 octets; make it smaller than 262,144" in str(logo_fault(file))
    (tmp_path / "folder.svg").mkdir()
    assert "is not a file" in str(logo_fault(tmp_path / "folder.svg"))
