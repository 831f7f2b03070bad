"""Failing worlds of the past, each kept as a script under the name of what it found."""
