"""Relations between items: typed, directed, walked for impact and dependencies, kept by rules."""
