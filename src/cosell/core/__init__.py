"""Every decision about values, states and plans, and nothing else: no clock, no network, no disk."""
