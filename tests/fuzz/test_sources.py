"""Whatever a source gives becomes documents that can be mailed and kept, or a fault, and nothing else."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.errors import SourceFault
from mailer.core.release import ReleaseDocument, body_from_plain, body_to_plain, fingerprint
from mailer.sources.reading import ReadingTerms, read

HERE = Path(__file__).parent.parent / "sources"
REAL = [
    file.read_bytes()
    for folder in ("feeds", "govuk", "presseportal", "pages")
    for file in sorted((HERE / folder).iterdir())
    if file.stat().st_size < 8_000
]
_SIGNS = "< > & ]]> <![CDATA[ <!-- </item> <item> { } [ &#xd800; &nbsp; null 1e999 &lt;p&gt; {{x}}"
DIRT = (*_SIGNS.encode().split(), b"\\ud800", b"\\u0000", b"\xff", b"\xc3", b"\x00", b'"', b"")
TERMS = st.sampled_from(
    [ReadingTerms(zone="Europe/Copenhagen", text=t) for t in ("auto", "feed", "page")]
)

words = st.text(max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
KEYS = """
id uri url title headline headlines bodies body content_html versions date items releases release publisher
success content story content_id base_path details links change_history images associations renditions
pubstatus embargoed document_type contacts
"""
likely = st.dictionaries(st.sampled_from(KEYS.split()), values, max_size=10)


def held(document: ReleaseDocument) -> None:
    """What every document keeps, wherever it came from."""
    edition = document.edition
    assert edition.title
    assert edition.title.isprintable()
    assert bool(edition.body) is (document.detail_url is None)
    assert body_from_plain(body_to_plain(edition.body)) == edition.body
    assert fingerprint(edition)
    assert document.dated is None or document.dated.tzinfo is not None
    kept = (document.identity or "", document.dated_as, *document.names, *document.warnings)
    assert all(text.isprintable() for text in kept)
    assert all(len(name) <= 500 for name in (document.identity or "", *document.names))
    json.dumps([edition.title, *kept], ensure_ascii=False).encode()


def read_or_fault(payload: bytes, terms: ReadingTerms) -> None:
    with suppress(SourceFault):
        found = read(payload, media_type="", url="https://a.example/x", terms=terms)
        for document in found.documents:
            held(document)
        for refusal in found.refusals:
            assert refusal.what
            assert refusal.cure
            assert refusal.place.isprintable()


@settings(max_examples=60)
@given(
    st.sampled_from(REAL),
    st.lists(
        st.tuples(st.integers(0, 8_000), st.integers(0, 60), st.sampled_from(DIRT)), max_size=5
    ),
    TERMS,
)
def test_real_payloads_that_were_damaged(
    real: bytes, damage: Sequence[tuple[int, int, bytes]], terms: ReadingTerms
) -> None:
    payload = bytearray(real)
    for at, length, dirt in damage:
        payload[at : at + length] = dirt
    read_or_fault(bytes(payload), terms)


@settings(max_examples=60)
@given(likely | st.lists(likely, max_size=3) | likely.map(lambda one: {"releases": [one]}), TERMS)
def test_json_of_any_kind(value: Any, terms: ReadingTerms) -> None:
    read_or_fault(json.dumps(value).encode(), terms)


@settings(max_examples=60)
@given(st.binary(max_size=300), TERMS)
def test_any_bytes(payload: bytes, terms: ReadingTerms) -> None:
    read_or_fault(payload, terms)
