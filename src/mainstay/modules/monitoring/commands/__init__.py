"""Commands run on items by SSH: accounts to log in with, host keys that are trusted, and the runs themselves."""
