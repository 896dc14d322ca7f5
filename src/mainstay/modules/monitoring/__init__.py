"""Monitoring: what devices are, how they are, and what they say."""
