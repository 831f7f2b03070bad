"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about the product; figures are taken by `make bench`.
settings.register_profile("cosell", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cosell")
