"""What people do at their desks: the deals of each system in words that scripts and pages share."""
