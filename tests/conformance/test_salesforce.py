"""Salesforce is supported."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .benches.salesforce import SalesforceBench, salesforce
from .suite import Conformance


class TestSalesforce(Conformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SalesforceBench]:
        async with salesforce() as one:
            yield one
