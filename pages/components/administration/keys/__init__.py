"""API keys: the list, making one, revoking one."""
