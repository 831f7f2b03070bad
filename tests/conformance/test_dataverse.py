"""Dynamics 365 is supported."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .benches.dataverse import DataverseBench, dataverse
from .suite import Conformance


class TestDataverse(Conformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[DataverseBench]:
        async with dataverse() as one:
            yield one
