"""The two levels at which a system is tested."""

from __future__ import annotations

from .drifting import Drifting
from .records import Records
from .relations import Relations
from .trouble import Trouble
from .watching import Watching
from .wire import Wire


class Contract(Records, Relations, Watching, Drifting, Trouble):
    """The port: what the engine relies on, whatever stands behind it. A class gives it `bench`."""


class Conformance(Contract, Wire):
    """The port and the HTTP under it: what «supported» means."""
