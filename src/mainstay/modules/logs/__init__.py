"""Logs: received, understood, searched."""
