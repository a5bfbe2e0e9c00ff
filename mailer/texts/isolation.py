"""Keeps what is put into a right-to-left sentence together: names, addresses, numbers, file names.

An address in an Arabic sentence takes the sentence's direction at its edges: "123@um.example" would
be read as "um.example@123". So in languages written from right to left every value that a
translated sentence takes is set between the isolates of Unicode (UAX 9, FSI and PDI), which any
reader of HTML and of plain text obeys; templates need not think of it, and those for other languages
stay free of them. A subject has none: it goes into a header, where no such sign may stand.

What stands alone in HTML has `<bdi>` in its template, or `dir="ltr"` in a field.
"""

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import escape

FSI, PDI = "\u2068", "\u2069"  # FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE


Translate = Callable[..., str]


def isolating(translate: Translate) -> Translate:
    """A gettext function of Jinja's new style that isolates the values it sets in."""

    @pass_context
    def translated(context: Context, *said: Any, **values: Any) -> str:
        if (context.name or "").endswith("subject.txt"):
            return translate(context, *said, **values)
        if said and isinstance(said[-1], int):  # ngettext's number, which `%(num)s` may name
            values.setdefault("num", said[-1])
        html = context.eval_ctx.autoescape
        isolated = {name: _isolated(value, html=html) for name, value in values.items()}
        return translate(context, *said, **isolated)

    return translated


def _isolated(value: object, *, html: bool) -> str:
    if html:
        return escape(FSI) + escape(value) + PDI
    return f"{FSI}{value!s}{PDI}"
