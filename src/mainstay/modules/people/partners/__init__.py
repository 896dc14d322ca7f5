"""Partners: outside companies that work with the organization, and their portal accounts."""
