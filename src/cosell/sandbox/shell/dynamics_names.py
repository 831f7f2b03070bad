"""What the columns of a connector are called in one Dynamics 365, and which of them there are at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse import Dataverse

TWINS: Mapping[str, str] = {
    "cosell_syncwithpartnercenter": "msft_microsoftpartnercenterreferralsync",
    "cosell_referralidentifier": "msft_microsoftpartnercenterreferralidentifier",
    "cosell_referrallink": "msft_microsoftpartnercenterreferrallink",
    "cosell_howcanmicrosofthelp": "msft_microsoftpartnercenterhelp",
    "cosell_visibletomicrosoft": "msft_microsoftpartnercenterreferralvisible",
    "cosell_microsoftcrmidentifier": "msft_microsoftcrmidentifier",
    "cosell_referralprogram": "msft_microsoftpartnercenterreferralprogram",
    "cosell_audit": "msft_microsoftpartnercenterreferralsyncaudit",
}
"""The columns of a connector, and those of Microsoft's own that say the same (sheet section 7)."""
SOLUTIONS = "msft_microsoftpartnercentersolutions"
"""Where Microsoft's solution keeps the ids of a deal's solutions."""
Row = dict[str, Any]


class Names:
    """Looks the schema over anew at each question: columns come and go while the sandbox runs."""

    def __init__(self, org: Dataverse) -> None:
        self._org = org

    def actual(self, table: str, name: str) -> str | None:
        """The column behind a name; Microsoft's own where there is no other, None where there is neither."""
        columns = self._org.schema.table(table).columns
        if name in columns:
            return name
        twin = TWINS.get(name)
        return twin if twin in columns else None

    def fields(self, table: str, fields: Mapping[str, Any]) -> Row:
        """Values under the names of their columns; what has no column here is left out."""
        named = ((self.actual(table, name), value) for name, value in fields.items())
        return {name: value for name, value in named if name is not None}

    def told(self, table: str, row: Row) -> Row:
        """A row that has every column of a connector, empty where this environment has none."""
        if table not in ("opportunity", "lead"):
            return row
        found = {name: row.get(self.actual(table, name) or "") for name in TWINS}
        return {**found, **row}

    def has(self, table: str) -> bool:
        return table in self._org.schema.tables
