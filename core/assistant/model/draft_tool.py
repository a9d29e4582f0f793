"""The one tool of a model that is no look-up: it drafts a training of what the person said. It starts nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.assistant.names import Names
from core.assistant.offline.naming import blank_products, find_products
from core.assistant.offline.words.settings_words import RECIPES, TASKS, read_settings
from core.assistant.offline.words.text import normalize

_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")


@dataclass(frozen=True)
class DraftTool:
    """The tool as a model sees it."""

    name: str
    about: str
    schema: dict[str, Any]


# Argument: path of the setting, kind, what it is.
_ARGUMENTS: dict[str, tuple[str, str, str]] = {
    "task": ("task", "string", "classification, segmentation or detection"),
    "recipe": ("model.recipe", "string", "probe, fine_tune, full, segmenter or detector"),
    "minutes": ("limits.minutes", "number", "the most minutes it may take"),
    "epochs": ("training.epochs", "integer", "epochs"),
    "batch_size": ("training.batch_size", "integer", "images a batch"),
    "learning_rate": ("training.learning_rate", "number", "learning rate"),
    "width_px": ("input.width_px", "integer", "width of the network's input"),
    "height_px": ("input.height_px", "integer", "height of the network's input"),
    "seed": ("seed", "integer", "seed"),
    "dataset": ("data.dataset", "integer", "number of a dataset version"),
    "view": ("data.view", "string", "code of a view"),
}
DRAFT_TOOL = DraftTool(
    "draft_training",
    "Drafts a training, or changes the draft that waits. Give only what the person said; it is started by nobody but "
    "the person. Goals are figures by name such as map50, miou, top1, macro_f1.",
    {
        "type": "object",
        "properties": {
            "product": {"type": "string", "description": "The product's code or name, as the person said it."},
            **{name: {"type": kind, "description": about} for name, (_path, kind, about) in _ARGUMENTS.items()},
            "goals": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "additionalProperties": False,
    },
)


def read_draft_arguments(
    arguments: Mapping[str, Any], words: str, names: Names
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the settings and products of a model's call that the person's own words hold.

    The parser's reading of the words counts first; a number that the person did not say is left out, so that it stays
    at its default.
    """
    text = normalize(words)
    blank = blank_products(text, names)
    read = read_settings(blank)
    spoken = {float(found) for found in _NUMBER.findall(blank)}
    spoken |= {one / 100.0 for one in spoken} | {one * 60.0 for one in spoken}
    said: dict[str, Any] = {}
    for name, (path, kind, _about) in _ARGUMENTS.items():
        value = arguments.get(name)
        if value is None or isinstance(value, bool):
            continue
        if kind == "string":
            if _is_known(path, str(value)):
                said[path] = str(value)
        elif isinstance(value, int | float) and float(value) in spoken:
            said[path] = int(value) if kind == "integer" or float(value).is_integer() else float(value)
    goals = (
        {
            str(name): float(value)
            for name, value in (arguments.get("goals") or {}).items()
            if isinstance(value, int | float) and not isinstance(value, bool) and float(value) in spoken
        }
        if isinstance(arguments.get("goals"), Mapping)
        else {}
    )
    if goals:
        said["report.goals"] = goals
    product = str(arguments.get("product") or "")
    found = find_products(text, names) or (find_products(product, names) if product else ())
    return {**said, **read}, tuple(one.code for one in found)


def _is_known(path: str, value: str) -> bool:
    if path == "task":
        return value in {task for task, _pattern in TASKS}
    if path == "model.recipe":
        return value in {*(recipe for recipe, _pattern in RECIPES), "segmenter", "detector"}
    return bool(value) and len(value) <= 64
