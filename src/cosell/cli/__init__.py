"""The command line: the same verbs as everywhere, for people and for scripts."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and ends the program with its exit code."""
    if sys.argv[1:] in (["--version"], ["version"]):
        # Asked by scripts and by impatient people: answered before anything is loaded.
        from importlib.metadata import version

        sys.stdout.write(f"cosell {version('cosell')}\n")
        return
    from cosell.cli.entry import run

    sys.exit(run(sys.argv[1:]))
