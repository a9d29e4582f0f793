"""What a draft is called and what is said about it, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.assistant.drafting.draft import DEFAULT, FROM_DATA, SAID, Draft, flatten
from core.assistant.speech import Speech
from core.assistant.tools.training import TASKS
from core.errors import NotFound, describe
from core.i18n import N_
from core.training.recipes.registry import find_recipe

MARKS: dict[str, str] = {SAID: N_("said"), FROM_DATA: N_("from the data"), DEFAULT: N_("default")}
_QUESTIONS: dict[str, str] = {
    "product": N_("Which product is it about?"),
    "data.view": N_("Which view is to be learned?"),
    "defect_type": N_("Which defect type is meant?"),
}
# Shown first, whatever their mark.
_FIRST = (
    "product", "task", "model.recipe", "model.backbone", "data.dataset", "data.view", "input.width_px",
    "input.height_px", "training.epochs", "limits.minutes", "report.goals", "seed",
)  # fmt: skip
_HIDDEN = frozenset({"version"})
_RECIPE = "model.recipe"
_EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


@dataclass(frozen=True)
class DraftField:
    """One setting of a draft as a card shows it: `mark` is said, data or default."""

    path: str
    label: str
    value: Any
    mark: str
    is_first: bool


def list_draft_fields(draft: Draft, speech: Speech) -> list[DraftField]:
    """Return the settings of a draft, what matters most first, each with its mark."""
    from core.training.configuration.fields import is_used, list_fields

    labels = {one.path: one.label for section in list_fields() for one in section.fields}
    values = flatten(draft.configuration) if draft.configuration else {**draft.from_data, **draft.said}
    recipe = str(values.get(_RECIPE, ""))
    shown = [path for path in values if path not in _HIDDEN and path in labels and is_used(recipe, path)]
    # What is left empty matters to nobody at a first look.
    first = [path for path in _FIRST if path in shown and values[path] not in _EMPTY]
    first += [path for path in shown if path not in first and draft.mark(path) != DEFAULT]
    rest = [path for path in shown if path not in first]
    return [
        DraftField(path, speech.say(labels[path]), values[path], draft.mark(path), path in first)
        for path in (*first, *rest)
    ]


def ask_for(field: str, speech: Speech) -> str:
    """Return the question for a setting or an argument."""
    return speech.say(_QUESTIONS.get(field, N_("What is meant?")))


def describe_draft(draft: Draft, speech: Speech, *, images: tuple[int, int] | None, changed: bool) -> list[str]:
    """Return what is said beside the card: what is drafted, what is wrong or missing, and what starts it."""
    say = speech.say
    if draft.problem is not None:
        code, params = draft.problem
        return [describe(code, dict(params), speech.language)]
    if draft.missing:
        return [ask_for(draft.missing[0].field, speech)]
    words = [say(N_("The draft is changed.") if changed else N_("Here is the draft of a training."))]
    if images is not None:
        normal, defect = images
        words.append(
            say(N_("The product has {normal} normal and {defect} defect images."), normal=normal, defect=defect)
        )
    words.append(say(N_("Nothing is started yet: look at it, then press Confirm.")))
    return words


def show_field(one: DraftField, speech: Speech) -> str:
    """Return the value of a draft's setting as people read it: tasks and recipes by their names."""
    if one.path == "task" and one.value in TASKS:
        return speech.say(TASKS[one.value])
    if one.path == "model.backbone":
        from inference.vision.networks.specifications import list_backbones

        return next((network.title for network in list_backbones() if network.name == one.value), str(one.value))
    if one.path == _RECIPE:
        try:
            return speech.say(find_recipe(str(one.value)).title)
        except NotFound:
            return str(one.value)
    return show_value(one.value, speech)


def show_value(value: Any, speech: Speech) -> str:
    """Return a setting's value as people read it."""
    if isinstance(value, bool):
        return speech.say(N_("on") if value else N_("off"))
    if value in _EMPTY:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name} {one:g}" if isinstance(one, float) else f"{name} {one}" for name, one in value.items()
        )
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
