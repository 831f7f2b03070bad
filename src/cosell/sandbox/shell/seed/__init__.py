"""Fills an empty sandbox with believable deals."""

from cosell.sandbox.shell.seed.plant import plant

__all__ = ["plant"]
