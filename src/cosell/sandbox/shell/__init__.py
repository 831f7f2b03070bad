"""Puts the simulators together: ports, controls, a seed of deals, and pages for people."""

from cosell.sandbox.shell.composition import Options, Sandbox, run_forever
from cosell.sandbox.shell.serving import PortInUse

__all__ = ["Options", "PortInUse", "Sandbox", "run_forever"]
