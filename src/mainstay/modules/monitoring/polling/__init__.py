"""Polling: devices asked again and again; measurements, thresholds, availability."""
