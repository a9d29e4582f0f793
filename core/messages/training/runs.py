"""Sentences about trainings: runs."""

RUNS_MESSAGES: dict[str, str] = {}
