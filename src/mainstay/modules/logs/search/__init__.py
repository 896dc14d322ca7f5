"""Searching the stored log lines: the query language, and the operations that answer from it."""
