"""The Metadata API: deploys over REST, layouts over SOAP (reference 12)."""
