"""Accounts, passwords, sign-in, sessions."""
