"""Sentences of people, the audit log, backups and operation."""
