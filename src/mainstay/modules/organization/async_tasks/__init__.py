"""Async Tasks: the background work of the organization, to be watched, paused, resumed and cancelled."""
