"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about the product; figures are taken by `make bench`.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
UNTIMED = settings.get_profile("untimed")
# The gate judges a change, so it draws the same examples for the same tests; the night looks for news.
settings.register_profile("gate", UNTIMED, derandomize=True)
settings.register_profile("night", UNTIMED, max_examples=int(os.environ.get("COSELL_EXAMPLES", "10000")))
settings.load_profile(os.environ.get("COSELL_HYPOTHESIS", "gate"))
