"""Tags: names that group people and assets, and what follows when they change."""
