"""Measures how many releases a second are read from RSS on one core, beside feedparser's reading of the same.

    python bench/intake.py
    python bench/intake.py --items 2000 --paragraphs 12

A feed of made-up releases is read, body and all: dates, names, HTML to blocks. What counts is this process's
CPU time, which neighbours on the machine lengthen least. feedparser reads the same bytes in the same run: the
ratio holds from machine to machine where the rate does not.
"""

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable
from html import escape

import feedparser

from mailer.sources.reading import ReadingTerms, read

WANTED = 1_000
WORDS = (
    *(
        "udenrigsministeren",
        "Danmark",
        "København",
        "møde",
        "aftale",
        "samarbejde",
        "sikkerhed",
        "Ukraine",
    ),
    *(
        "europæiske",
        "topmøde",
        "regeringen",
        "partnerskab",
        "grøn",
        "omstilling",
        "eksport",
        "virksomheder",
    ),
    *(
        "beslutning",
        "forhandlinger",
        "ambassadør",
        "og",
        "i",
        "til",
        "med",
        "for",
        "den",
        "det",
        "er",
        "har",
    ),
    *(
        "på",
        "af",
        "som",
        "en",
        "et",
        "ikke",
        "vil",
        "kan",
        "skal",
        "blev",
        "efter",
        "mellem",
        "under",
    ),
)


def main() -> int:
    """Read, count and print; 1 where the rate wanted is missed."""
    options = _options()
    payload = feed(options.items, options.paragraphs)
    terms = ReadingTerms(language="da", zone="Europe/Copenhagen")

    def ours() -> int:
        found = read(payload, media_type="", url="https://ministry.example/feed", terms=terms)
        assert not found.refusals
        return len(found.documents)

    def theirs() -> int:
        return len(feedparser.parse(payload).entries)

    # In turn, so that both see the same machine; the best of each, since nothing makes one faster.
    rates = [(rate(ours), rate(theirs)) for _ in range(options.rounds)]
    own, other = (max(each) for each in zip(*rates, strict=True))
    print(f"{options.items:,} items, {len(payload) / options.items / 1000:.1f} KB each")
    print(f"releases read:   {own:,.0f} a second of one core")
    print(f"feedparser:      {other:,.0f} entries a second of one core")
    print(f"ratio:           {own / other:.1f}")
    return 0 if own >= WANTED else 1


def rate(reading: Callable[[], int]) -> float:
    """Items a second of CPU time."""
    gc.collect()
    started = time.process_time()
    count = reading()
    return count / (time.process_time() - started)


def feed(items: int, paragraphs: int, seed: int = 1) -> bytes:
    """An RSS feed of made-up releases with whole bodies, the same for a seed."""
    dice = random.Random(seed)
    head = (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title>'
        "<link>https://ministry.example/</link><language>da</language>"
    )
    return f"{head}{''.join(_item(n, paragraphs, dice) for n in range(items))}</channel></rss>".encode()


def _item(number: int, paragraphs: int, dice: random.Random) -> str:
    url = f"https://ministry.example/nyheder/{number}"
    body = "".join(_paragraph(dice) for _ in range(paragraphs))
    body += f"<ul><li>{_sentence(dice)}</li><li>{_sentence(dice)}</li></ul>"
    return (
        f"<item><title>{_sentence(dice)[:80]} {number}</title><link>{url}</link>"
        f"<description>{_sentence(dice)}</description>"
        f"<content:encoded>{escape(body)}</content:encoded>"
        f"<pubDate>Fri, {number % 28 + 1:02} Sep 2026 {number % 24:02}:{number % 60:02}:00 GMT</pubDate>"
        f'<guid isPermaLink="false">{number}</guid><category>Pressemeddelelse</category></item>'
    )


def _paragraph(dice: random.Random) -> str:
    linked = f'<a href="https://ministry.example/{dice.randrange(999)}">{dice.choice(WORDS)}</a>'
    return (
        f"<p>{_sentence(dice)} <strong>{_sentence(dice)}</strong> {linked} {_sentence(dice)}</p>\n"
    )


def _sentence(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(8, 16))).capitalize() + "."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--items", type=int, default=1_000, help="in the feed (1,000)")
    parser.add_argument("--paragraphs", type=int, default=6, help="of each release (6)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts (3)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
