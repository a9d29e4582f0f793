"""Sentences about trainings: tracking."""

TRACKING_MESSAGES: dict[str, str] = {}
