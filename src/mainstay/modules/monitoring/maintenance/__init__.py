"""Maintenance windows: when something is worked on, and its events are to be expected."""
