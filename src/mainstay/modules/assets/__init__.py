"""Assets: what the organization has, of which kind, and what depends on what."""
