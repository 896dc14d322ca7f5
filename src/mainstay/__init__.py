"""Mainstay: a self-hosted IT operations platform."""

__version__ = "0.1.0"
