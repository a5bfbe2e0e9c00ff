"""What visitors may do, and who stands before and beside the pages, as the settings say it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mailer.config import load
from mailer.core.errors import ConfigFault

Write = Callable[..., Path]
SERVER = ('security = "none"', 'security = "none"\nsmtputf8 = true')


def test_the_defaults_bound_everything(write: Write) -> None:
    settings = load(write(), {})
    terms = settings.signup_terms()
    counts = [getattr(terms, name) for name in terms.__slots__ if name.endswith(("_hour", "_day"))]
    assert len(counts) == 8
    assert min(counts) > 0
    assert terms.form_min_age == timedelta(seconds=2)
    assert terms.form_max_age == timedelta(hours=24)
    assert (terms.proof, terms.smtputf8) == ("off", False)
    site = settings.site_value()
    assert (site.trusted_proxies, site.allowed_origins) == ((), ())


def test_each_key_reaches_what_it_bounds(write: Write) -> None:
    more = """
[limits]
ipv4_24_signups_per_hour = 7
surge_signups = 0
calm_minutes = 3
proof_of_work = "under_attack"
[web]
trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
proxy_header = "forwarded"
allowed_origins = ["https://www.um.example"]
"""
    settings = load(write(SERVER, more=more), {})
    terms = settings.signup_terms()
    assert (terms.ipv4_24_an_hour, terms.surge, terms.calm) == (7, 0, timedelta(minutes=3))
    assert (terms.proof, terms.smtputf8) == ("under_attack", True)
    site = settings.site_value()
    assert site.trusted_proxies == ("127.0.0.1", "10.0.0.0/8")
    assert (site.proxy_header, site.allowed_origins) == ("forwarded", ("https://www.um.example",))


def test_letters_before_the_at_need_every_relay(write: Write) -> None:
    folder = '\n[[relay]]\nname = "kept"\nfolder = "outbox"\n'
    other = '\n[[relay]]\nname = "other"\nhost = "mail.example.org"\n'
    assert load(write(SERVER, more=folder), {}).signup_terms().smtputf8
    assert not load(write(SERVER, more=other), {}).signup_terms().smtputf8


@pytest.mark.parametrize(
    ("section", "line", "words"),
    [
        ("limits", "signups_per_hour = -1", "limits.signups_per_hour: -1 is not a whole number"),
        ("limits", 'signups_per_hour = "many"', "limits.signups_per_hour"),
        ("limits", 'proof_of_work = "sometimes"', "one of off, under_attack, always"),
        ("limits", "form_max_hours = 0", "from 1 to 720"),
        ("limits", "calm_minutes = 0", "of at least 1"),
        ("limits", "signup_per_hour = 3", "did you mean signups_per_hour?"),
        ("web", 'trusted_proxies = ["proxy.example"]', "trusted_proxies.0: “proxy.example” is not"),
        ("web", 'trusted_proxies = ["0.0.0.0/0"]', "trusts the whole world"),
        ("web", 'trusted_proxies = "127.0.0.1"', "a list of texts"),
        ("web", 'proxy_header = "x-real-ip"', "one of x-forwarded-for, forwarded"),
        ("web", 'allowed_origins = ["*"]', "“*” is not a site"),
        ("web", 'allowed_origins = [""]', "is not a site"),
        ("web", 'allowed_origins = ["https://um.example/"]', "write https://um.example"),
        ("web", 'allowed_origins = ["https://UM.example:443"]', "write https://um.example"),
        ("web", 'allowed_origins = ["ftp://um.example"]', "is not a site"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(
    write: Write, section: str, line: str, words: str
) -> None:
    with pytest.raises(ConfigFault) as caught:
        load(write(more=f"\n[{section}]\n{line}\n"), {})
    assert words in str(caught.value)
