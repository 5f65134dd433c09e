"""An analyst's note, Markdown, as HTML that can neither run nor load anything, nor close what it stands in."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup, escape

# What a note may show. Of attributes, none that the page goes by (id, class, data-said).
_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "hr", "i", "img", "li", "ol", "p", "pre", "s", "strong",
    "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
})  # fmt: skip
_ATTRIBUTES = {"a": ("href", "title"), "abbr": ("title",), "img": ("alt", "src"), "ol": ("start",)}
# With what is in them, which a list of tags alone would leave as text.
_NOT_SHOWN = re.compile(r"<(style|script)\b.*?</\1\s*>", re.S | re.I)
_CARRIED = "data:image/"


def rendered(text: str) -> Markup:
    """The note's HTML: GitHub's tables, strikethrough and bare addresses as links; HTML in it as far as it only shows something. A picture
    stays where the note carries it; of another its name stands there. Headings become bold lines: the outline of the page is its own."""
    import bleach
    import mistune

    class Renderer(mistune.HTMLRenderer):
        def heading(self, text: str, level: int, **attrs: Any) -> str:
            return f"<p><strong>{text}</strong></p>\n"

        def image(self, text: str, url: str, title: str | None = None) -> str:
            if not url.startswith(_CARRIED):
                return str(escape(f"[{text or url}]"))
            return f'<img src="{escape(url)}" alt="{escape(text)}">'

    def may_stay(tag: str, name: str, value: str) -> bool:
        carried = value.strip().lower().startswith("data:")
        return (
            name in _ATTRIBUTES.get(tag, ())
            and (name != "src" or value.startswith(_CARRIED))
            and not (name == "href" and carried)
        )

    markdown = mistune.create_markdown(renderer=Renderer(escape=False), plugins=["table", "strikethrough", "url"])
    shown = _NOT_SHOWN.sub("", str(markdown(text)))
    return Markup(
        bleach.clean(shown, tags=_TAGS, attributes=may_stay, protocols=["http", "https", "mailto", "data"], strip=True)
    )
