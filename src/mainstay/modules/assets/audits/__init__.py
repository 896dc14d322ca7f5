"""Stock-taking: what should be where, what was found, and the difference brought into the items."""
