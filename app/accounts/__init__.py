"""People: their accounts, passwords, sessions, tokens and what they may do on the server."""
