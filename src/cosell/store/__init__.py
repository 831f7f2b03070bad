"""The store: seven tables in the domain's verbs, on SQLite."""

from cosell.store.sqlite import Memory
from cosell.store.store import SqlStore, memory, migrate, open_store, schema_version

__all__ = ["Memory", "SqlStore", "memory", "migrate", "open_store", "schema_version"]
