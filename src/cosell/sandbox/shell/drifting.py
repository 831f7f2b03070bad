"""What the desk of a CRM can do to the fields of its organisation; both desks know the first four."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Fields(Protocol):
    """An administrator who changes fields; `name` may be the one a field had or the one it has now."""

    def remove_field(self, table: str, name: str) -> None:
        """Deletes a field with its values."""
        ...

    def rename_field(self, table: str, name: str, new: str) -> None:
        """Gives a field another name."""
        ...

    def hide_field(self, table: str, name: str) -> None:
        """Takes the right to see a field from the integration."""
        ...

    def restore_field(self, table: str, name: str) -> None:
        """Makes a field what it was before its first change."""
        ...


@runtime_checkable
class Details(Protocol):
    """What an administrator can change about a field besides."""

    def lock_field(self, table: str, name: str) -> None:
        """Takes the right to write a field from the integration."""
        ...

    def retype_field(self, table: str, name: str, kind: str) -> None:
        """Turns a field into another type."""
        ...

    def require_field(self, table: str, name: str) -> None:
        """Makes a field one that every new record must have."""
        ...

    def add_value(self, table: str, name: str, value: str) -> None:
        """Adds a value to a picklist."""
        ...

    def remove_value(self, table: str, name: str, value: str) -> None:
        """Takes a value off a picklist."""
        ...

    def rename_value(self, table: str, name: str, value: str, new: str) -> None:
        """Gives a value of a picklist another name."""
        ...

    def changed_fields(self) -> list[str]:
        """The fields that are not as they were."""
        ...
