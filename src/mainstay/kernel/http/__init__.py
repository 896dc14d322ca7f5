"""HTTP: from a request to an operation's context and back."""
