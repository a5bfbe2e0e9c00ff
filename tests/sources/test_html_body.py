"""HTML becomes words, styles and checked links, whatever else it tries to be."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core.release import Block, Edition, Picture, Run, fingerprint
from mailer.sources.fields import link
from mailer.sources.html_body import Written, read_html
from mailer.sources.lines import Place
from mailer.sources.mending import WordsRefused

BASE = "https://ministry.example/news/7"


def blocks(html: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in read_html(html, BASE).blocks]


def test_what_runs_or_is_not_seen_is_left_out() -> None:
    html = """
    <p onclick="steal()" style="color:red">Seen<script>alert(1)</script><style>p{}</style></p>
    <svg><script>alert(2)</script><text>drawn</text></svg><iframe src="https://x.example">frame</iframe>
    <form><p>Words in a form</p><input value="secret"><button>Send</button></form>
    <p hidden>hidden</p><div style="display : none">none</div><span style="font-size:0">tiny</span>
    <template>later</template><noscript><img src="https://t.example/p.gif">no script</noscript>
    <!-- comment --><object data="x">object</object><nav>menu</nav><math><mtext>sum</mtext></math>
    """
    assert blocks(html) == [("paragraph", "Seen"), ("paragraph", "Words in a form")]


@pytest.mark.parametrize(
    ("href", "leads"),
    [
        ("https://a.example/x?b=1#c", "https://a.example/x?b=1#c"),
        ("/om/os", "https://ministry.example/om/os"),
        ("bilag.pdf", "https://ministry.example/news/bilag.pdf"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("mailto:presse@um.dk", "mailto:presse@um.dk"),
        ("tel:+4533920000", "tel:+4533920000"),
        ("https://a.example/?utm_source=feed&id=7", "https://a.example/?id=7"),
        ("https://a.example/blåbær og is", "https://a.example/bl%C3%A5b%C3%A6r%20og%20is"),
        ("https://blåbær.example/", "https://xn--blbr-roah.example/"),
        (" https://a.example/\n  x ", "https://a.example/  x".replace(" ", "%20")),
        ("javascript:alert(1)", None),
        ("JaVa\tScript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("https://user:pass@a.example/", None),
        ("https://a.example/{{ slug }}", None),
        ("#top", None),
        ("", None),
        ("https://[x", None),
        ("mailto:nobody", None),
        ("https://a.example/%E2%80%AEgnp", None),
    ],
)
def test_a_link_leads_where_it_may_or_nowhere(href: str, leads: str | None) -> None:
    (block,) = read_html(f'<p>Se <a href="{href}">her</a></p>', BASE).blocks
    assert block.text == "Se her"
    assert block.runs[-1].href == leads


def test_styles_blanks_and_lines() -> None:
    html = "<p>  One <b>two <i>three</i></b>,\n\t four<br>five </p><p>&nbsp;</p><p></p>a<br><br>b"
    first, second, third = read_html(html, "").blocks
    assert first.runs == (
        Run("One "),
        Run("two ", bold=True),
        Run("three", bold=True, italic=True),
        Run(", four\nfive"),
    )
    assert (second.text, third.text) == ("a", "b")


def test_lists_headings_quotes_and_rules() -> None:
    html = """
    <h1>Top</h1><h3><b>Under</b></h3><ul><li>a<ul><li>b</li></ul></li><li><p>c</p><p>d</p></li></ul>
    <ol start="3"><li>three</li><li>four</li></ol><hr>
    <p>The minister says:</p><blockquote><p>First.</p><p>Last.</p></blockquote>
    <p>He adds:</p><p>“Yes.”</p><pre>a
      b</pre>
    """
    written = read_html(html, "")
    assert [(each.kind, each.level, each.ordinal, each.text) for each in written.blocks] == [
        ("heading", 2, 0, "Top"),
        ("heading", 3, 0, "Under"),
        ("bullet", 0, 0, "a"),
        ("bullet", 1, 0, "b"),
        ("bullet", 0, 0, "c\n\nd"),
        ("number", 0, 3, "three"),
        ("number", 0, 4, "four"),
        ("rule", 0, 0, ""),
        ("attribution", 0, 0, "The minister says:"),
        ("quote", 0, 0, "First."),
        ("quote", 0, 0, "Last."),
        ("attribution", 0, 0, "He adds:"),
        ("quote", 0, 0, "“Yes.”"),
        ("preformatted", 0, 0, "a\n      b"),
    ]
    assert not written.blocks[1].runs[0].bold


def test_small_digits_keep_their_meaning() -> None:
    assert blocks("<p>10<sup>6</sup> m<sup>2</sup>, CO<sub>2</sub>, 1<sup>st</sup></p>") == [
        ("paragraph", "10⁶ m², CO₂, 1st")
    ]


def test_a_table_is_written_row_by_row_and_said_to_be() -> None:
    html = "<table><tr><th>Year</th><th>Export</th></tr><tr><td>2025</td><td>3,3 pct.</td></tr></table>"
    written = read_html(html, "")
    assert [block.text for block in written.blocks] == ["Year | Export", "2025 | 3,3 pct."]
    assert "row by row" in written.warnings[0]


def test_pictures_stand_beside_the_text_and_those_that_count_readers_nowhere() -> None:
    html = """<figure><img src="/a.jpg" alt="A &amp; B" width="640" height="480px">
    <figcaption>The <b>meeting</b></figcaption></figure><p>Text</p>
    <img src="https://t.example/p.gif" width="1" height="1"><img src="data:image/png;base64,x">
    <figure><blockquote>Words</blockquote><figcaption>Said by her</figcaption></figure>"""
    written = read_html(html, BASE)
    assert written.pictures == (
        Picture(
            "https://ministry.example/a.jpg",
            alt="A & B",
            caption="The meeting",
            width=640,
            height=480,
        ),
    )
    assert [block.text for block in written.blocks] == ["Text", "Words", "Said by her"]


@pytest.mark.parametrize(
    "html",
    [
        "&lt;p&gt;K&amp;oslash;b&lt;/p&gt;&lt;p&gt;Salg&lt;/p&gt;",
        "<p>&lt;p&gt;Køb&lt;/p&gt;&lt;p&gt;Salg&lt;/p&gt;</p>",
        "<div>Køb</div>\n<div>Salg</div>",
        "Køb\n\nSalg",
        "Køb\r\nSalg",
    ],
)
def test_what_was_escaped_once_too_often_or_never_marked_up(html: str) -> None:
    assert blocks(html) == [("paragraph", "Køb"), ("paragraph", "Salg")]


def test_text_about_mark_up_stays_text() -> None:
    assert blocks("<p>Write &lt;p&gt; for a paragraph, 1 &lt; 2 &amp; so on</p>") == [
        ("paragraph", "Write <p> for a paragraph, 1 < 2 & so on")
    ]


def test_lines_that_were_only_wrapped_are_put_together() -> None:
    wrapped = "\n".join(["word " * 13] * 3)
    assert blocks(f"{wrapped}\n\nEnd")[0] == ("paragraph", " ".join((wrapped).split()))
    assert blocks("Top\n\n- one\n- two")[1] == ("paragraph", "- one\n- two")


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<div>" * 1000, "elements lie in each other"),
        ("<p>" + "x" * 500_001 + "</p>", "more than 500,000 characters"),
        ("<b>" + "x" * 4_000_001, "characters of mark-up"),
        ("<p>a</p>" * 10_002, "10,000 paragraphs"),
        ("<p>lost \ufffd</p>", "U+FFFD"),
        ("<p>&#x202e;</p>", "U+202E"),
        ("lost \ufffd", "U+FFFD"),
        ("<p>a" + "\u0301" * 40 + "</p>", "marks on one letter"),
    ],
)
def test_what_cannot_be_mailed_is_refused(html: str, what: str) -> None:
    with pytest.raises(WordsRefused) as caught:
        read_html(html, "")
    assert what in caught.value.what
    assert caught.value.cure


def test_the_digest_of_a_text_does_not_follow_its_addresses_or_pictures() -> None:
    def digest(written: Written) -> str:
        return fingerprint(Edition("da", "T", "", written.blocks, pictures=written.pictures))

    one = '<p>Læs <a href="https://a.example/x?utm_source=rss">mere</a><img src="https://a.example/1.jpg"></p>'
    other = one.replace("utm_source=rss", "b=2").replace("1.jpg", "2.jpg?v=7")
    assert digest(read_html(one, "")) == digest(read_html(other, ""))
    assert digest(read_html(one.replace("Læs", "Se"), "")) != digest(read_html(one, ""))


PIECES = """
<p>~</p>~<b>~</b>~<ul>~<li>~</ul>~<ol start=9>~</ol>~<br>~<hr>~<q>~<blockquote>~</blockquote>~<h2>~</h2>
~<pre>~</pre>~<a href='javascript:x'>~<a href=/x>~</a>~<script>~</script>~<table>~<tr>~<td>~<img src=x>
~&amp;lt;p&gt;~ord ~“~”~:~é~<figure>~<figcaption>~<sup>2</sup>~&nbsp;~<!--~-->
"""
pieces = st.sampled_from(PIECES.split("~"))


@settings(max_examples=60)
@given(st.lists(pieces, max_size=40).map("".join))
def test_any_mark_up_becomes_blocks_that_are_safe_and_whole(html: str) -> None:
    for block in read_html(html, BASE).blocks:
        assert block.kind == "rule" or block.text.strip()
        assert block == replace(block, runs=tuple(run for run in block.runs if run.text))
        for run in block.runs:
            assert run.href is None or link(run.href, Place("", 0))


def test_a_block_of_one_run_says_the_same_as_one_of_many() -> None:
    assert Block("paragraph", (Run("ab"),)).text == Block("paragraph", (Run("a"), Run("b"))).text
