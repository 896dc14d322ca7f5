"""Invitations: a one-time link by e-mail with which somebody takes up an account."""
