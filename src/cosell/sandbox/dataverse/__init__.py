"""A strict simulator of Microsoft Dataverse with Dynamics 365 Sales, and a side door for sellers."""
