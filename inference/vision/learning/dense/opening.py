"""From settings to a backbone in two parts, and the source of its frozen maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from inference.vision.learning.dense.features import FrozenFeatures
from inference.vision.learning.dense.preparation import MapSource, Prepared
from inference.vision.learning.dense.trunk import Trunk, find_dense_backbone, open_trunk

if TYPE_CHECKING:
    from inference.vision.learning.recipes.contract import Listener, RecipeContext
    from inference.vision.learning.recipes.settings import RecipeSettings

_CALIBRATED = 16


def open_source(
    prepared: Prepared, settings: RecipeSettings, context: RecipeContext, *, trained_stages: int, listener: Listener
) -> tuple[Trunk, MapSource]:
    """Return the backbone and the source of its maps, those of all images computed.

    Raises ModelError (`backbone_unknown`, `dense_backbone_unsuited`, `backbone_weights_…`, `device_failed`) and what
    the listener raises.
    """
    trunk = open_trunk(
        find_dense_backbone(settings.backbone),
        context.weights,
        size_px=prepared.size_px,
        trained_stages=trained_stages,
        scratch=settings.scratch,
        seed=settings.seed,
    )
    if settings.scratch:
        _calibrate(trunk, prepared)
    source = MapSource(FrozenFeatures(trunk.frozen, size_px=prepared.size_px, device=context.device))
    source.fill((*prepared.train, *prepared.judged) if prepared.judged_on == "val" else prepared.train, listener)
    return trunk, source


def _calibrate(trunk: Trunk, prepared: Prepared) -> None:
    """Give the normalization of random weights the figures of a few images, once: it keeps them from then on."""
    pixels = torch.from_numpy(np.stack([one.pixels for one in prepared.train[:_CALIBRATED]]))
    norms = [
        one
        for module in (trunk.frozen, trunk.trained)
        for one in module.modules()
        if isinstance(one, torch.nn.BatchNorm2d)
    ]
    usual = [one.momentum for one in norms]
    for one in norms:
        one.train()
        one.momentum = 1.0
    with torch.no_grad():
        trunk.trained(trunk.frozen(pixels))
    for one, momentum in zip(norms, usual, strict=True):
        one.eval()
        one.momentum = momentum
