"""Puts the simulators together: ports, controls, a seed of deals, and pages for people.

`composition` holds the whole, `verbs` the client that moves it from another program.
"""
