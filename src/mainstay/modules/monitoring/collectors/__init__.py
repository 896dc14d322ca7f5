"""Collectors: ``mainstay collector`` at another site receives, polls and hands over through one outbound connection."""
