"""People and how they come in: accounts, passwords, sign-in, sessions."""
