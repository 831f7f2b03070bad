"""Fills an empty sandbox with believable deals."""
