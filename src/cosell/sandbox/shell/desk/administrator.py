"""What an administrator of a CRM does to its fields while the connector runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cosell.sandbox.shell.wishes import Refused


class Drift(Protocol):
    """Changes the fields of one system, and takes the changes back.

    KeyError where there is no such thing; ValueError, as the end of a sentence, where it cannot be done.
    """

    def remove(self, table: str, name: str) -> None: ...

    def rename(self, table: str, name: str, new: str) -> None: ...

    def hide(self, table: str, name: str) -> None: ...

    def lock(self, table: str, name: str) -> None: ...

    def restore(self, table: str, name: str) -> None: ...

    def retype(self, table: str, name: str, kind: str) -> None: ...

    def require(self, table: str, name: str) -> None: ...

    def add_value(self, table: str, name: str, value: str) -> None: ...

    def remove_value(self, table: str, name: str, value: str) -> None: ...

    def rename_value(self, table: str, name: str, value: str, new: str) -> None: ...

    def changed(self) -> list[str]: ...


class Managed(Protocol):
    """A system with fields."""

    @property
    def drift(self) -> Drift: ...


class Administrator:
    """Does to fields what people may do to them at any time."""

    def __init__(self, vendor: str, managed: Managed) -> None:
        self._vendor, self._managed = vendor, managed

    def remove_field(self, table: str, name: str) -> None:
        """Deletes a field with its values."""
        self._arranged(lambda drift: drift.remove(table, name))

    def rename_field(self, table: str, name: str, new: str) -> None:
        """Gives a field another name."""
        self._arranged(lambda drift: drift.rename(table, name, new))

    def hide_field(self, table: str, name: str) -> None:
        """Takes the right to see a field from the connector."""
        self._arranged(lambda drift: drift.hide(table, name))

    def lock_field(self, table: str, name: str) -> None:
        """Takes the right to write a field from the connector."""
        self._arranged(lambda drift: drift.lock(table, name))

    def restore_field(self, table: str, name: str) -> None:
        """Makes a field what it was before its first change."""
        self._arranged(lambda drift: drift.restore(table, name))

    def retype_field(self, table: str, name: str, kind: str) -> None:
        """Turns a field into another type, such as Number."""
        self._arranged(lambda drift: drift.retype(table, name, kind))

    def require_field(self, table: str, name: str) -> None:
        """Makes a field required."""
        self._arranged(lambda drift: drift.require(table, name))

    def add_value(self, table: str, name: str, value: str) -> None:
        """Adds a value to a choice; to that of stages a stage."""
        self._arranged(lambda drift: drift.add_value(table, name, value))

    def remove_value(self, table: str, name: str, value: str) -> None:
        """Deactivates a value of a choice, or a stage."""
        self._arranged(lambda drift: drift.remove_value(table, name, value))

    def rename_value(self, table: str, name: str, value: str, new: str) -> None:
        """Gives a value of a choice, or a stage, another name."""
        self._arranged(lambda drift: drift.rename_value(table, name, value, new))

    def changed_fields(self) -> list[str]:
        """The fields that are not as they were."""
        return self._managed.drift.changed()

    def _arranged(self, act: Callable[[Drift], None]) -> None:
        try:
            act(self._managed.drift)
        except KeyError as unknown:
            raise Refused(f"{self._vendor} has no “{unknown.args[0]}”.", status=404) from None
        except ValueError as wrong:
            raise Refused(f"{self._vendor} does not take this: {wrong}.") from None
