"""Credentials for devices: how to ask them, kept sealed, tried from the form, each for its own addresses."""
