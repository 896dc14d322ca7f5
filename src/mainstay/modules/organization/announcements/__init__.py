"""Announcements: what everybody, or a chosen audience, sees for a time."""
