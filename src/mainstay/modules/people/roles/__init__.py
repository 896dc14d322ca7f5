"""Roles: named sets of privileges, per module."""
