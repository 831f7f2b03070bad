"""A third CRM of one package is supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from .benches.toy import ToyBench
from .suite import Contract


class TestToy(Contract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> ToyBench:
        return ToyBench(tmp_path / "deals.json")
