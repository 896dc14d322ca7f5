"""Log-in, log-out, tokens, the caller: how people and programs prove who they are."""
