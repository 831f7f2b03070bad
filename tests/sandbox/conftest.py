"""Fixtures of the simulator tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cosell.sandbox.frame import Org

from .dynamics import Dynamics, served_environment
from .microsoft import Microsoft, served_microsoft
from .sales import Sales, served_org


@pytest.fixture
async def microsoft() -> AsyncIterator[Microsoft]:
    """Partner Center, its webhooks and Entra ID, served over HTTP."""
    async with served_microsoft() as served:
        yield served


@pytest.fixture
async def sales() -> AsyncIterator[Sales]:
    """A Salesforce org, served over HTTP."""
    async with served_org() as served:
        yield served


@pytest.fixture
async def bare_org() -> AsyncIterator[Sales]:
    """A Salesforce org in which nothing of the kind was ever installed."""
    async with served_org(Org.BARE) as served:
        yield served


@pytest.fixture
async def dynamics() -> AsyncIterator[Dynamics]:
    """A Dataverse environment and its directory, served over HTTP."""
    async with served_environment() as served:
        yield served


@pytest.fixture
async def bare() -> AsyncIterator[Dynamics]:
    """A customer's own Dataverse, in which nothing of ours was ever installed."""
    async with served_environment(Org.BARE) as served:
        yield served
