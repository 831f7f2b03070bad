"""The fakes of the worlds keep the contract of the port as the real systems do."""

from __future__ import annotations

import pytest

from cosell.core.records import Side
from tests.world.loop import VirtualLoop

from .benches.fakes import FakeBench
from .suite import Contract

FAKES = {
    "crm of whole seconds": (Side.CRM, "second"),
    "crm of exact versions": (Side.CRM, "version"),
    "partner center": (Side.PARTNER_CENTER, "version"),
}


class TestFakes(Contract):
    loop = VirtualLoop

    @pytest.fixture(params=FAKES)
    async def bench(self, request: pytest.FixtureRequest) -> FakeBench:
        return FakeBench(*FAKES[request.param])
