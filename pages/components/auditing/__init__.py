"""The audit log on its screen."""
