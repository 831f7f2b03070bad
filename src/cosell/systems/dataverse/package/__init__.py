"""What the connector needs in a Dynamics 365 environment: said once, brought in over the Web API or as a file."""
