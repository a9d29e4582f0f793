"""The pooled features of a training's images, and of changed copies of them: kept by content, else computed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.recipes.augmentation import augment, changes_pixels, fit_to_modality
from inference.vision.learning.recipes.heads.pooled_trunk import POOLING, pool_levels
from inference.vision.learning.recipes.inputs import read_pixels
from inference.vision.learning.recipes.ticking import Ticker
from inference.vision.learning.trunk_features import PooledFeatures
from inference.vision.networks.backbones import hash_weights
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime

if TYPE_CHECKING:
    from inference.vision.learning.recipes.contract import Example, Listener, RecipeContext
    from inference.vision.learning.recipes.settings import AugmentationSettings, RecipeSettings
    from inference.vision.learning.trained_network.description import NetworkDescription
    from inference.vision.networks.graphs import GraphSpec

# So many changed copies of each training image are looked at where augmentation is on.
COPIES_OPTION, _COPIES, _MOST_COPIES = "copies", 2, 16
_KEEP_EVERY_S = 10.0


@dataclass(frozen=True)
class Copies:
    """How many changed copies of a training image are looked at beside itself, and how they are changed."""

    count: int
    augmentation: AugmentationSettings
    seed: int

    @classmethod
    def of(cls, settings: RecipeSettings, modality: str) -> Copies:
        """Return what the settings ask for. Raises ModelError(`config_invalid`) for the option `copies`."""
        fitting = fit_to_modality(settings.augmentation, modality)
        # A frozen network is shown one image at a time: there is nothing to mix.
        fitting = replace(fitting, mixup=0.0, cutmix=0.0)
        wanted = settings.options.get(COPIES_OPTION, _COPIES)
        if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 <= wanted <= _MOST_COPIES:
            raise ModelError("config_invalid", field=COPIES_OPTION, value=wanted)
        count = wanted if changes_pixels(fitting) else 0
        return cls(count, fitting, settings.seed)

    def __bool__(self) -> bool:
        return self.count > 0

    def key(self, content_sha256: str, number: int) -> str:
        """Return what the features of a copy are kept under: 64 hexadecimal digits, as those of an image."""
        if not number:
            return content_sha256
        described = json.dumps([content_sha256, number, asdict(self.augmentation), self.seed], sort_keys=True)
        return hashlib.sha256(described.encode()).hexdigest()

    def change(self, pixels: NDArray[np.uint8], content_sha256: str, number: int) -> NDArray[np.uint8]:
        """Return the image itself as number 0, changed ones from 1 on: the same for the same content."""
        if not number:
            return pixels
        index = int(hashlib.sha256(content_sha256.encode()).hexdigest()[:12], 16)
        return augment(pixels, self.augmentation, seed=self.seed, epoch=number, index=index)


class FeatureReader:
    """Reads the pooled features of examples: those that are kept, and the others through the frozen network."""

    def __init__(
        self, graph: GraphSpec, weights: Path, description: NetworkDescription, context: RecipeContext, folder: Path
    ) -> None:
        self._graph, self._weights, self._description = graph, weights, description
        self._device: Device = "cuda" if context.device == "cuda" else "cpu"
        self._kept = PooledFeatures(
            folder,
            graph,
            weights_sha256=hash_weights(weights),
            preprocessing=description.preprocessing,
            pooling=f"{POOLING}:{description.resize}:{self._device}",
        )
        self._runtime: FeatureRuntime | None = None

    def read(
        self, examples: Sequence[Example], copies: Copies, skipped: dict[str, str], listener: Listener
    ) -> dict[str, list[NDArray[np.float32]]]:
        """Return by key the features of each example that can be read, and after them those of its copies."""
        ticker = Ticker(listener, "features", len(examples))
        found: dict[str, list[NDArray[np.float32]]] = {}
        waiting: list[tuple[Example, NDArray[np.uint8]]] = []
        last_kept, fresh = time.monotonic(), False
        try:
            for place, example in enumerate(examples):
                numbers = range(1 + (copies.count if example.split == "train" else 0))
                kept = [self._kept.find(copies.key(example.content_sha256, number)) for number in numbers]
                if all(one is not None for one in kept):
                    found[example.key] = [one for one in kept if one is not None]
                else:
                    waiting.extend(read_pixels([example], self._description, skipped))
                if sum(1 + copies.count for _ in waiting) >= BATCH_SIZE or (waiting and place + 1 == len(examples)):
                    self._compute(waiting, copies, found)
                    waiting, fresh = [], True
                ticker.set(place + 1)
                if fresh and time.monotonic() - last_kept > _KEEP_EVERY_S:
                    self._kept.keep()
                    last_kept = time.monotonic()
        finally:
            # Also when the training is broken off: it goes on from here.
            if fresh:
                self._kept.keep()
        return found

    def _compute(
        self,
        waiting: Sequence[tuple[Example, NDArray[np.uint8]]],
        copies: Copies,
        found: dict[str, list[NDArray[np.float32]]],
    ) -> None:
        shown = [
            (example, number, copies.change(pixels, example.content_sha256, number))
            for example, pixels in waiting
            for number in range(1 + (copies.count if example.split == "train" else 0))
        ]
        for start in range(0, len(shown), BATCH_SIZE):
            part = shown[start : start + BATCH_SIZE]
            levels = self.runtime.features(np.stack([pixels for _, _, pixels in part]))
            for place, (example, number, _) in enumerate(part):
                row = pool_levels([level[place] for level in levels])
                self._kept.put(copies.key(example.content_sha256, number), row)
                found.setdefault(example.key, []).append(row)

    @property
    def runtime(self) -> FeatureRuntime:
        """Return what computes the levels; it is opened when the first image wants it."""
        if self._runtime is None:
            self._runtime = open_runtime(self._graph, weights=self._weights, device=self._device)
        return self._runtime
