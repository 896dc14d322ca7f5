"""The service desk: tickets and the people who work on them."""
