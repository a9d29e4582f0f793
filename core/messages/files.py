"""Sentences of images, archives and folders that are taken in."""

from core.i18n import N_

FILE_MESSAGES: dict[str, str] = {}
