"""A strict simulator of the Partner Center webhooks API and the sender behind it.

    webhooks = Webhooks(frame, base_url="http://127.0.0.1:8802", entra=entra)

`.app` is a plain Starlette application (wrap it in `frame.Watched(app, "webhooks", frame)`); `announce`
queues an event and returns at once; `await webhooks.settled()` waits until nothing is on its way;
`await webhooks.aclose()` stops the sender.
"""

from __future__ import annotations

from cosell.sandbox.webhooks.service import Webhooks
from cosell.sandbox.webhooks.switches import Switches

__all__ = ["Switches", "Webhooks"]
