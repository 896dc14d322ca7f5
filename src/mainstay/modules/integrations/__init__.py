"""Connections with other systems: messages out, registrations, providers."""
