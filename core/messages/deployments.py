"""Sentences of jobs, models and inspection."""

from core.i18n import N_

DEPLOYMENT_MESSAGES: dict[str, str] = {}
