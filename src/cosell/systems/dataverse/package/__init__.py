"""What the connector needs in an environment: said once, brought in over the Web API or as a file."""
