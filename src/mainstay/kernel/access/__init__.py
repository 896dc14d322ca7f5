"""Who may do what: organizations, accounts, roles, API keys, sessions, tokens, log-in."""
