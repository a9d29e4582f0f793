"""The settings of a training as a form, the command line and the conversation need them: kind, limits, words.

Kinds, limits and defaults come from the dataclasses; nobody else keeps any.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Any, Literal

from core.training.configuration.field_words import FIELD_WORDS, SECTION_TITLES
from core.training.configuration.records import (
    DataSection,
    LimitsSection,
    ModelSection,
    ReportSection,
    RunConfiguration,
    ThresholdSection,
)
from inference.vision.learning.recipes.settings import AugmentationSettings, InputSettings, TrainingSettings

Kind = Literal["int", "float", "bool", "choice", "text", "labels", "weights", "goals", "options"]
SECTION_TYPES: dict[str, type[Any]] = {
    "data": DataSection,
    "model": ModelSection,
    "input": InputSettings,
    "augmentation": AugmentationSettings,
    "training": TrainingSettings,
    "threshold": ThresholdSection,
    "report": ReportSection,
    "limits": LimitsSection,
}
# Where an image was taken.
DOMAINS = ("studio", "line", "field")
LOWEST_WEIGHT, HIGHEST_WEIGHT = 0.0, 100.0
HIGHEST_DATASET = 2**31 - 1
# Those whose kind their default does not show.
_KINDS: dict[str, Kind] = {
    "data.dataset": "int",
    "data.labels": "labels",
    "data.domains": "weights",
    "model.options": "options",
    "report.goals": "goals",
}
_LIMITS: dict[str, tuple[float, float]] = {
    "data.dataset": (1, HIGHEST_DATASET),
    "data.domains": (LOWEST_WEIGHT, HIGHEST_WEIGHT),
    "report.goals": (0.0, 1.0),
}
_FROM_WEIGHTS = ("training.trained_stages",)
_STEPWISE = tuple(f"training.{one.name}" for one in fields(TrainingSettings))
_AUGMENTED = tuple(f"augmentation.{one.name}" for one in fields(AugmentationSettings))
_CLASSES_ONLY = ("augmentation.mixup", "augmentation.cutmix", "training.label_smoothing")
# What recipes of ours do not look at; one that is not named here is taken to use everything.
_UNUSED: dict[str, tuple[str, ...]] = {
    "probe": (*_STEPWISE, *_AUGMENTED, "model.scratch"),
    "fine_tune": ("model.scratch", "training.processes"),
    "full": _FROM_WEIGHTS,
    "segmenter": (*_CLASSES_ONLY, "training.processes"),
    "detector": (*_CLASSES_ONLY, "training.processes"),
    # Another program brings its own network.
    "adapter": ("model.backbone", "model.scratch"),
}


@dataclass(frozen=True)
class FieldSpec:
    """One setting. `label` and `explanation` are msgids; `section` is empty at the top of the configuration.

    `kind` says what a value is: `weights` and `goals` are numbers by name, `labels` a list of words, `options` any
    values by name. `lowest` and `highest` are the limits of numbers (of each one by name), None where there is none;
    `is_optional` says whether there may be no value at all.
    """

    section: str
    name: str
    kind: Kind
    label: str
    explanation: str
    default: Any
    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False

    @property
    def path(self) -> str:
        """Return `section.name`, as YAML files and sentences name it; the name alone at the top."""
        return f"{self.section}.{self.name}" if self.section else self.name


@dataclass(frozen=True)
class SectionFields:
    """The settings of one section in order; `title` is a msgid, `name` empty for those at the top."""

    name: str
    title: str
    fields: tuple[FieldSpec, ...]


@cache
def list_fields() -> tuple[SectionFields, ...]:
    """Return every section with its settings, those at the top first."""
    top = tuple(_specify("", one) for one in fields(RunConfiguration) if one.name not in SECTION_TYPES)
    sections = [
        SectionFields(name, SECTION_TITLES[name], tuple(_specify(name, one) for one in fields(kind)))
        for name, kind in SECTION_TYPES.items()
    ]
    return (SectionFields("", SECTION_TITLES[""], top), *sections)


@cache
def fields_by_path() -> dict[str, FieldSpec]:
    """Return every setting by its path."""
    return {one.path: one for section in list_fields() for one in section.fields}


def find_field(path: str) -> FieldSpec:
    """Return the setting of a path such as `training.epochs`. Raises KeyError for one that there is not."""
    return fields_by_path()[path]


def is_used(recipe: str, path: str) -> bool:
    """Return whether a recipe looks at a setting at all, as far as can be said without measuring."""
    if path == "model.adapter":
        return recipe == "adapter"
    return path not in _UNUSED.get(recipe, ())


def read_value(configuration: RunConfiguration, path: str) -> Any:
    """Return the value of a setting. Raises KeyError for a path that there is not."""
    spec = find_field(path)
    return getattr(getattr(configuration, spec.section) if spec.section else configuration, spec.name)


def _specify(section: str, one: Field[Any]) -> FieldSpec:
    path = f"{section}.{one.name}" if section else one.name
    label, explanation = FIELD_WORDS[path]
    default = _default_of(one)
    lowest, highest = _LIMITS.get(path, (one.metadata.get("lowest"), one.metadata.get("highest")))
    choices = tuple(one.metadata.get("choices", ()))
    return FieldSpec(
        section,
        one.name,
        _KINDS.get(path) or _kind_of(default, choices),
        label,
        explanation,
        default,
        lowest,
        highest,
        choices,
        is_optional=path == "data.dataset",
    )


def _default_of(one: Field[Any]) -> Any:
    if one.default_factory is not MISSING:
        return one.default_factory()
    return "" if one.default is MISSING else one.default


def _kind_of(default: Any, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice"
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int):
        return "int"
    return "float" if isinstance(default, float) else "text"
