"""Worlds: the whole engine in one thread on virtual time, among hostile systems and busy people."""
