"""The people who work in the org: they write as themselves, not as the integration user."""

from __future__ import annotations

from typing import Any


class Sellers:
    """Does what a person does on the pages of Salesforce; the rules of the org hold for people too."""

    def create(self, sobject: str, fields: dict[str, Any], *, user: str | None = None) -> str:
        """Creates a row and gives its id."""
        raise NotImplementedError

    def update(self, sobject: str, row_id: str, fields: dict[str, Any], *, user: str | None = None) -> None:
        """Changes a row."""
        raise NotImplementedError

    def delete(self, sobject: str, row_id: str, *, user: str | None = None) -> None:
        """Deletes a row as the Delete button does."""
        raise NotImplementedError

    def get(self, sobject: str, row_id: str) -> dict[str, Any]:
        """The row with every field of the object."""
        raise NotImplementedError

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        """All rows that are not deleted, oldest first."""
        raise NotImplementedError
