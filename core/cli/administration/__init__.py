"""Commands of whoever looks after an installation: people, keys, checks, repairs."""
