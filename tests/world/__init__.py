"""Worlds: the whole engine in one thread on virtual time, among hostile systems and busy people.

Reading order: loop (time), fakes, partner_center and crm (what the remote systems do), client (the bad
network), process (death and the disk), faults, people (scripts), ledger (what is judged as it happens),
checks (what is judged at rest), scene (all of it in one place), world (from a seed to an outcome). Beside
them: scenarios (crash at every I/O), planted (mistakes that must be caught), sometimes (what must have
happened), shrink, found (worlds that failed once).
"""
