"""Sentences about configurations of trainings."""

from core.i18n import N_

CONFIGURATION_MESSAGES: dict[str, str] = {
    "recipe_unknown": N_("There is no recipe “{name}”. There are: {choices}."),
}
