"""Partner Center is supported."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .benches.partner_center import PartnerCenterBench, partner_center
from .suite import Conformance


class TestPartnerCenter(Conformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[PartnerCenterBench]:
        async with partner_center() as one:
            yield one
