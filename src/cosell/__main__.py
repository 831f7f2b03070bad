"""Lets `python -m cosell` be the command line."""

from __future__ import annotations

from cosell.cli import main

if __name__ == "__main__":
    main()
