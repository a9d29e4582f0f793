"""The weights that a recipe begins with: of a network that is known here, or of any architecture where it takes one."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from core.errors import BadInput, NotReady
from core.models.weight_paths import find_added, find_weights
from core.training.configuration.nearest import show_value
from core.training.recipes.registry import ADAPTER, RecipeSpec
from inference.vision.networks.specifications import find_backbone, list_backbones

if TYPE_CHECKING:
    from pathlib import Path

    from core.services import Services
    from core.training.configuration.records import ModelSection

_ARCHITECTURE = re.compile(r"[a-z][a-z0-9_]{1,80}(?:\.[a-z0-9_]{1,40})?")


def find_recipe_weights(services: Services, model: ModelSection, spec: RecipeSpec) -> Path | None:
    """Return the file of weights that a run begins with, None for one from scratch and for an adapter.

    Whether timm has an architecture is said by the dry step: importing it takes seconds. Raises BadInput
    config_backbone_unknown, NotReady backbone_weights_missing.
    """
    if spec.name == ADAPTER:
        return None
    name = model.backbone
    known = [one.name for one in list_backbones()]
    if name not in known and not (spec.any_backbone and _ARCHITECTURE.fullmatch(name)):
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
        raise BadInput(
            "config_backbone_unknown",
            at="",
            field="model.backbone",
            value=show_value(name),
            choices=", ".join(near or known),
        )
    if model.scratch:
        return None
    found = find_weights(services.settings, name) if name in known else find_added(services.settings.weights_dir, name)
    if found is None:
        raise NotReady("backbone_weights_missing", name=find_backbone(name).title if name in known else name)
    return found
