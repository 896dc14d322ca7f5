"""Notifications: who is told what, on which channel, and what became of every message.

A change of an event or a ticket (``matching``, a consumer of the change feed) meets the subscriptions; what matches is
rendered and stored as rows of ``notification`` in the same transaction. The ``Sender`` works that table: each target
in its own order, many targets at once, at least once each.
"""
