"""Monitoring: what the network says and what is measured on it."""
