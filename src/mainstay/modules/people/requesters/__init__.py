"""Requesters: the people who ask for help, inside and outside, with or without a log-in to the portal."""
