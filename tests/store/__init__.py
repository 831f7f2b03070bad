"""The store on real SQLite, in a thread and inline."""
