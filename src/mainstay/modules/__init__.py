"""Features, by area. Imports run one way: see the architecture page."""
