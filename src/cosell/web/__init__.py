"""The connector's own web."""

from __future__ import annotations

from cosell.web.app import Face, build
from cosell.web.scraping import Numbers
from cosell.web.serving import listen, serving

__all__ = ["Face", "Numbers", "build", "listen", "serving"]
