"""The life of a reconcile: read, settle, plan, guard, apply. Knows systems only through their ports."""

from cosell.engine.engine import Engine
from cosell.engine.preview import Preview
from cosell.engine.room import Pace

__all__ = ["Engine", "Pace", "Preview"]
