"""A `[[source]]` is read whole, its faults all at once, and what it lacks comes from its newsroom."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from mailer.config import load, sources
from mailer.config.settings import Settings
from mailer.core.errors import ConfigFault
from mailer.core.source import SendTerms
from mailer.sources import found
from mailer.store import migrate
from mailer.wiring import open_office

Write = Callable[..., Path]

FEED = """
[[source]]
key = "feed"
newsroom = "um"
url = "https://um.example/feed.xml"
"""


def faults(path: Path, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigFault) as raised:
        load(path, environ or {})
    return raised.value.faults


def read(path: Path, **environ: str) -> Settings:
    return load(path, environ)


def test_what_a_source_lacks_is_its_newsrooms(write: Write) -> None:
    settings = read(write(("sender =", 'kinds = ["Nyhed"]\nissuers = ["UM"]\nsender ='), more=FEED))
    section = settings.source[0]
    source = section.value(settings.newsrooms()["um"], None)
    assert (source.language, source.zone) == ("da", "Europe/Copenhagen")
    assert source.every == timedelta(minutes=10)
    assert source.terms == SendTerms(
        approval="hold", issuers=("Udenrigsministeriet", "UM"), kinds=("Nyhed",)
    )
    assert not source.allow_private


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('url = "https://um.example/feed.xml"', ""),
        ("", "has neither of url and folder"),
        ('url = "https://um.example/a"\nfolder = "."', "has both of url and folder"),
        ('folder = "nowhere"', "is not a folder; make it"),
        ('folder = "."\nwebsub = true', "websub: has no meaning for a folder"),
        ('folder = "."\nauthorization = "x"', "authorization: has no meaning"),
        ('url = "ftp://um.example/"', "is not a web address"),
        ('url = "https://me:word@um.example/"', "holds a user name or password"),
        ('url = "https://um.example/#top"', "has a fragment"),
        ('url = "http://um.example/"\nauthorization = "Bearer x"', "would travel unencrypted"),
        ('url = "http://127.0.0.1/"\nauthorization = "Bearer x"', ""),
        ('url = "https://um.example/"\nca_file = "nowhere.pem"', "is not a file"),
        ('url = "https://um.example/"\nhold_at_most_minutes = 5', "is less than hold_minutes, 10"),
        ('url = "https://um.example/"\napproval = "maybe"', "one of auto, hold, two"),
        ('url = "https://um.example/"\nformat = "pdf"', "format"),
        ('url = "https://um.example/"\nevery_minutes = 0', "from 1 to 1440"),
        ('url = "https://um.example/"\nzone = "Mars"', "time zone"),
        ('url = "https://um.example/"\ntopic = "x"', "is not a known key"),
    ],
)
def test_each_fault_is_named_with_its_cure(write: Write, given: str, words: str) -> None:
    path = write(more=f'\n[[source]]\nkey = "feed"\nnewsroom = "um"\n{given}\n')
    if words:
        (fault,) = faults(path)
        assert fault.startswith("source.0")
        assert words in fault
    else:
        assert len(read(path).source) == 1


def test_all_faults_are_told_at_once(write: Write) -> None:
    two = FEED + FEED.replace('"um"', '"nobody"').replace("https", "gopher")
    told = "\n".join(faults(write(more=two)))
    assert "has 2 tables with the key feed" in told
    assert "source.1.url" in told
    other = FEED.replace('"um"', '"nobody"')
    (fault,) = faults(write(more=other))
    assert fault == "source.0.newsroom: there is no such newsroom; the settings know um"


def test_the_environment_can_say_it_too(write: Write) -> None:
    path = write(more=FEED)
    settings = read(path, MAILER_SOURCE__0__APPROVAL="auto", MAILER_SOURCE__0__EVERY_MINUTES="5")
    assert (settings.source[0].approval, settings.source[0].every_minutes) == ("auto", 5)
    (fault,) = faults(path, {"MAILER_SOURCE__7__URL": "https://um.example/"})
    assert "sources count from 0" in fault


def test_a_secret_is_read_anew_each_time_and_never_shown(write: Write, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("Bearer one\n")
    more = FEED + 'authorization = { file = "secret" }\n[database]\nurl = "sqlite:///new.sqlite"\n'
    settings = read(write(more=more))
    migrate.upgrade(settings.database.url.reveal())
    with open_office(settings) as office:
        source = office.sources["feed"]
        assert source.authorization is not None
        assert source.authorization() == "Bearer one"
        secret.write_text("Bearer two\n")
        assert source.authorization() == "Bearer two"
        secret.unlink()
        with pytest.raises(Exception, match="authorization cannot be read"):
            source.authorization()
    assert "Bearer" not in repr(source)


def test_the_settings_know_every_format_that_is_read() -> None:
    settings, terms = get_type_hints(sources.SourceSection), get_type_hints(found.ReadingTerms)
    assert get_args(settings["format"]) == get_args(terms["format"])
    assert get_args(settings["text"]) == get_args(terms["text"])
