"""One bench for each system: how its simulator is set up, and where its drawers are."""
