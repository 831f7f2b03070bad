"""The texts of the catalogue (reliability.md 8.3), each short enough for every field it is put into."""

from __future__ import annotations

TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}} ${jndi:ldap://x}",
    "{% raw %} {7*7} %(name)s {0}",
    "O'Neil % _ \\ \" ;--",
    "' or Name != '",
    "a+b&c=d#e?f;g$filter=x",
    '=HYPERLINK("http://x";"y")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "-2+3",
    "\ttab first",
    "\rreturn first",
    "CR\r\nSet-Cookie: a=b",
    "line\nbreak and\rreturn",
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "\x9b31m one byte escape",
    "[bold red]markup[/] [link=x:y]z[/]",
    ":warning: :bomb:",
    "\u202eredrum \u2066x\u2069",
    "zero\u200bwidth\ufeff\u2060",
    "Z\u0351\u036b\u0343\u036a\u0302\u036ba\u0335\u0321lgo",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001d518",
    "e\u0301 decomposed",
    "\u00e9 composed",
    "hard\u00a0space",
    "\uff11\uff12\uff13 full width",
    "\u0130stanbul \u0131 Stra\u00dfe",
    "\ud55c\uad6d\uc5b4 \u4e2d\u6587 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\u0939\u093f\u0928\u094d\u0926\u0940",
    "  outer spaces  ",
    "NUL\x00inside",
    "0",
    "007",
    "1e999",
    "true",
    "null",
    "2026-02-29",
    "!!python/object:os.system",
    "~",
    "x",
)
LONG = "word " * 6000
"""What a note may hold and no name."""


def obeyed(text: str) -> list[str]:
    """The letters a terminal would obey instead of showing them; a line may end."""
    return [letter for letter in text if letter != "\n" and not (letter.isprintable() or letter == "\u00a0")]
