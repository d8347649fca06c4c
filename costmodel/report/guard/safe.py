"""Foreign text made harmless: names of models and layers, reasons, and errors come from files that anyone may edit."""

from __future__ import annotations

import re

from costmodel.report.answer import json_text

#: Longer than any name that people give; what a hostile file holds loses its middle, for a message ends with the fix.
_LONGEST = 1000
_END = 300

_ANYWHERE = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)


def plain(text: str) -> str:
    r"""``text`` on one line of printable characters, which no terminal and no CI reads as a command.

    GitHub's runner takes a line that begins with ``::`` for a command, and ``##[`` anywhere; that of Azure Pipelines
    ``##vso[`` too.

    >>> print(plain("\x1b[31mred\n::error::no ##[group] ##vso[task]"))
    \x1b[31mred\n::error::no #\x23[group] #\x23vso[task]
    >>> print(plain("::stop-commands::x"))
    \x3a:stop-commands::x
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _END]} ... {text[-_END:]}"
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    shown = _ANYWHERE.sub(r"#\\x23", shown)
    # The runner ignores spaces in front.
    return re.sub(r"^(\s*):(?=:)", r"\1\\x3a", shown)


def code(text: str) -> str:
    """``text`` as a Markdown code span, in which neither Markdown nor HTML nor mentions mean anything.

    Not for the cell of a table, which a pipe would end even there.

    >>> code("a`b<b>"), code("")
    ('``a`b<b>``', '` `')
    """
    shown = plain(text)
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    edge = " " if shown[:1] in ("`", " ", "") or shown[-1:] in ("`", " ") else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}" if shown else "` `"


def json(document: object) -> str:
    r"""``document`` as JSON, which reads the same and has no command of a CI in it.

    >>> print(json({"name": "##[group]"}))
    {
      "name": "#\u0023[group]"
    }
    """
    return _ANYWHERE.sub(r"#\\u0023", json_text(document))  # outside of its strings there is none


def annotation(text: str) -> str:
    """``text`` as the message of a workflow command of GitHub.

    >>> annotation("13.7 %")
    '13.7 %25'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotation_property(text: str) -> str:
    """``text`` as a property of a workflow command of GitHub.

    >>> annotation_property("a:b,c")
    'a%3Ab%2Cc'
    """
    return annotation(text).replace(":", "%3A").replace(",", "%2C")
