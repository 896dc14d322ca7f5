"""Logs: intake, pipelines, search, templates and rules."""
