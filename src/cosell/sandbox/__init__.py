"""Simulators of Partner Center, Entra ID, Salesforce and Dynamics 365, to run, to try and to test against.

    from cosell.sandbox import Sandbox

    async with Sandbox.serve(base_port=0) as sandbox:
        print(sandbox.description)

Written from the vendors' published contracts; nothing of the connector is known here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Options, Sandbox, run_forever
    from cosell.sandbox.shell.serving import PortInUse
    from cosell.sandbox.shell.verbs import Control, SandboxRefused, SandboxUnreachable

__all__ = [
    "Control",
    "Options",
    "PortInUse",
    "Sandbox",
    "SandboxRefused",
    "SandboxUnreachable",
    "run_forever",
]

_HOMES = {
    "Control": "verbs",
    "Options": "composition",
    "PortInUse": "serving",
    "Sandbox": "composition",
    "SandboxRefused": "verbs",
    "SandboxUnreachable": "verbs",
    "run_forever": "composition",
}


def __getattr__(name: str) -> Any:
    # Late, so that a verb on the command line does not wait for web servers and cryptography to load.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cosell.sandbox.shell.{_HOMES[name]}"), name)
