"""An analyst's Markdown as HTML: what it may show, and that it cannot break out of its place."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.report.note_html import rendered

PICTURE = "data:image/png;base64,QUJD"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**sure** & <b>bold</b>", "<p><strong>sure</strong> &amp; <b>bold</b></p>"),
        ("## Heading", "<p><strong>Heading</strong></p>"),
        (f"![shot]({PICTURE})", f'<p><img src="{PICTURE}" alt="shot"></p>'),
        ("![shot](https://a.example/b.png)", "<p>[shot]</p>"),
        ('<img src="https://a.example/b.png" alt="c" onerror="x()">', '<img alt="c">'),
        ("[x](javascript:alert(1))", None),
        ("[x](data:text/html;base64,QUJD)", None),
        ("<script>alert(1)</script>ok", "ok"),
        ("a <span data-said='M-4' id='decision' class='lead'>5</span>", "<p>a 5</p>"),
    ],
)
def test_a_note_shows_and_does_nothing(text: str, html: str | None) -> None:
    shown = str(rendered(text)).strip()
    if html is None:
        assert "javascript:" not in shown and "data:" not in shown
    else:
        assert shown == html


def test_tables_and_lists_are_set() -> None:
    shown = rendered("| a | b |\n|---|--:|\n| 1 | 2 |\n\n- x\n- y")
    assert "<th>a</th>" in shown and "<td>2</td>" in shown and "<li>y</li>" in shown and "style" not in shown


class _Balance(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {n for n, _ in attrs} - {"href", "title", "src", "alt", "start"}
        if tag not in ("img", "br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag


pieces = st.sampled_from(
    ["</aside>", "</p>", "<p>", "<div>", "</div>", "<b>", "<table>", "<tr>", "<!--", "-->", "<td", ">", "*", "`", "```\n", "\n\n", "# ", "- ", "> ", "| a |\n|--|\n",
     "<script>", "<style>", "<aside data-analyst>", "<textarea>", "<svg>", "<math>", "<!DOCTYPE", "&lt;", "text 42", "<li>", "</ul>", "[x](", ")"]
)  # fmt: skip


@given(st.lists(pieces, max_size=12).map("".join))
def test_whatever_a_note_holds_its_tags_are_closed_within_it(text: str) -> None:
    assert _Balance(str(rendered(text))).open == []
