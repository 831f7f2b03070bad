"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("COSELL_EXAMPLES")
"""How many examples the night draws for each law, looking for news. The gate judges a change: without this
it draws the same hundred for the same test every time."""
# How fast a machine draws examples says nothing about the product; figures are taken by `make bench`.
settings.register_profile(
    "cosell",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=EXAMPLES is None,
    max_examples=int(EXAMPLES or 100),
)
settings.load_profile("cosell")
