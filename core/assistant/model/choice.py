"""Which model writes replies, if any: the one that a quality engineer chose on *Models* for text, and nothing else.

That an address or a key is set sends nothing anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import AppError
from core.guidance.writer_choice import check_text_choice, current_text_choice, get_writer
from core.services import Services

CLAUDE, COMPATIBLE = "claude", "compatible"
SERVERS = (CLAUDE, COMPATIBLE)


@dataclass(frozen=True)
class ChosenModel:
    """A model at its server: `server` is claude or compatible, `name` the model's id there."""

    server: str
    name: str
    base_url: str | None
    api_key: str | None = field(repr=False)


def chosen_model(services: Services) -> tuple[ChosenModel | None, AppError | None]:
    """Return the chosen model, None where the manual's own words were chosen; or why the chosen one cannot be used."""
    choice = current_text_choice(services)
    if choice.writer not in SERVERS or not get_writer(choice).has_models:
        return None, None
    try:
        checked = check_text_choice(services.settings, choice)
    except AppError as error:
        return None, error
    settings = services.settings
    if checked.writer == CLAUDE:
        return ChosenModel(CLAUDE, checked.model, settings.anthropic_base_url, settings.anthropic_api_key), None
    return ChosenModel(COMPATIBLE, checked.model, settings.llm_base_url, settings.llm_api_key), None
