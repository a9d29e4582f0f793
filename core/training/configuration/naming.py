"""The name of a run, made of the values that matter."""

from __future__ import annotations

import re
from typing import Any

from core.training.configuration.defaults import with_recipe_defaults
from core.training.configuration.fields import is_used, list_fields, read_value
from core.training.configuration.records import RunConfiguration

LONGEST_NAME = 190
_MOST_EXTRAS = 6
# What every run tells of itself, or what stands in a place of its own.
_TOLD = {
    "version", "product", "task", "name", "experiment", "seed", "data.dataset", "data.view", "data.labels",
    "model.recipe", "model.adapter", "model.backbone", "model.scratch", "input.width_px", "input.height_px",
    "training.learning_rate",
}  # fmt: skip
_SHORT: dict[str, str] = {
    "training.epochs": "e",
    "training.batch_size": "b",
    "training.accumulate": "acc",
    "training.weight_decay": "wd",
    "training.label_smoothing": "ls",
    "training.trained_stages": "stages",
    "augmentation.mixup": "mixup",
    "augmentation.cutmix": "cutmix",
    "augmentation.rotation_deg": "rot",
    "limits.minutes": "max-min",
}
_FAMILY = re.compile(r"^(?:tf_)?efficientnet_|^(?:tf_)?efficientnetv2_")


def name_run(configuration: RunConfiguration) -> str:
    """Return the run's name: the one that was given, or one of its key values.

    As `pills fine_tune lite0 256px lr1e-3 s0`: product, view, recipe, network, input, learning rate, then what differs
    from the recipe's defaults, and the seed.
    """
    if configuration.name:
        return configuration.name
    model, size = configuration.model, configuration.input
    recipe = model.adapter or model.recipe
    network = shorten_backbone(model.backbone) if is_used(model.recipe, "model.backbone") else ""
    parts = [configuration.product, configuration.data.view, recipe, network]
    if configuration.data.dataset is not None:
        parts.append(f"d{configuration.data.dataset}")
    if model.scratch and is_used(model.recipe, "model.scratch"):
        parts.append("scratch")
    square = size.width_px == size.height_px
    parts.append(f"{size.width_px}px" if square else f"{size.width_px}x{size.height_px}px")
    if is_used(model.recipe, "training.learning_rate"):
        parts.append(f"lr{_write_number(configuration.training.learning_rate)}")
    if configuration.data.labels:
        parts.append(f"{len(configuration.data.labels)}cls")
    seed = f"s{configuration.seed}"
    head = " ".join(part for part in parts if part)
    return f"{_add_extras(head, configuration, LONGEST_NAME - len(seed) - 1)} {seed}"


def shorten_backbone(name: str) -> str:
    """Return a network's name without its family where that says nothing: `lite0` for `efficientnet_lite0`."""
    if name.startswith(("efficientnet_lite", "tf_efficientnet_lite")):
        return _FAMILY.sub("", name)
    return name


def _add_extras(head: str, configuration: RunConfiguration, longest: int) -> str:
    standard = with_recipe_defaults(configuration.model.recipe, configuration.product)
    extras = []
    for section in list_fields():
        for one in section.fields:
            if one.path in _TOLD or not is_used(configuration.model.recipe, one.path):
                continue
            value = read_value(configuration, one.path)
            if one.kind in ("int", "float", "bool", "choice") and value != read_value(standard, one.path):
                extras.append(_write_extra(one.path, one.name, value))
    written = head[:longest]
    for extra in extras[:_MOST_EXTRAS]:
        if len(written) + 1 + len(extra) > longest:
            break
        written = f"{written} {extra}"
    return written


def _write_extra(path: str, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no-{name}"
    if isinstance(value, str):
        return value
    short = _SHORT.get(path)
    return f"{short or name + '='}{_write_number(value)}"


def _write_number(value: float) -> str:
    """Return 0.001 as `1e-3`, 0.05 as `0.05`, 20.0 as `20`."""
    if value and abs(value) < 0.01:
        return re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:.6g}" if "e" in f"{value:.6g}" else _scientific(value))
    return f"{value:.6g}"


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.5e}".split("e")
    return f"{float(mantissa):g}e{exponent}"
