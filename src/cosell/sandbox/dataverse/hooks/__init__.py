"""Registered webhook steps: what they hear of, what is sent to them, and what became of it (4.3)."""
