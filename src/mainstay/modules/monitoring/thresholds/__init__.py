"""Thresholds: when a measurement becomes an event, for the whole organization down to one part of one device."""
