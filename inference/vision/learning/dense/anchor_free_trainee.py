"""The small detector as the loop trains it: frozen maps that are kept, targets of each cell, loss, judgement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from inference.vision.learning.dense.anchor_free import DetectorGraph, DetectorNetwork, measure_loss
from inference.vision.learning.dense.assignment import IGNORED, assign_boxes, make_grid
from inference.vision.learning.dense.augmentation import NO_CHANGE, Change, change_boxes, draw_change
from inference.vision.learning.dense.detecting import judge_detector
from inference.vision.learning.dense.features import Maps, stack_maps
from inference.vision.learning.dense.inputs import DenseInput
from inference.vision.learning.dense.preparation import MapSource, Prepared, weights_of
from inference.vision.learning.dense.training_loop import Judgement
from inference.vision.learning.dense.trunk import Trunk
from inference.vision.learning.recipes.settings import RecipeSettings

# Images by which the spread of the levels is measured.
_MEASURED = 16
# Stages of the backbone know a lot already.
_TRUNK_RATE = 0.1


@dataclass(frozen=True)
class Share:
    """Part of a batch: its maps, the box of each cell, and how many cells of the whole batch are to find one."""

    maps: list[torch.Tensor]
    owners: torch.Tensor
    targets: torch.Tensor
    labels: torch.Tensor
    normalizer: float


class AnchorFreeTrainee:
    """Head and last stages of the backbone over the maps of the frozen ones."""

    def __init__(
        self, trunk: Trunk, source: MapSource, prepared: Prepared, settings: RecipeSettings, *, device: str
    ) -> None:
        self.description = prepared.description
        self._trunk = trunk
        self._source = source
        self._prepared = prepared
        self._settings = settings
        self._device = device
        self._grid = make_grid(prepared.size_px, trunk.strides[1:])
        self._network = DetectorNetwork(trunk, len(self.description.labels), self._grid)
        self._measure()
        self.module: torch.nn.Module = self._network.to(device).to(memory_format=torch.channels_last)

    def weights(self) -> NDArray[np.float64]:
        """Return how often each training image is drawn."""
        return weights_of(self._prepared.train)

    def rate_of(self, name: str) -> float:
        """Return the share of the learning rate: stages of the backbone learn slowly, unless from scratch."""
        return _TRUNK_RATE if name.startswith("trunk.") and not self._settings.scratch else 1.0

    def shares(self, places: NDArray[np.int64], rng: np.random.Generator, count: int) -> list[Share]:
        """Return a batch in shares, each image changed at random."""
        inputs = [self._prepared.train[place] for place in places]
        changes = [draw_change(self._settings.augmentation, self._prepared.size_px, rng) for _ in inputs]
        maps = self._source.maps(inputs, changes)
        targets = [self._target(one, change) for one, change in zip(inputs, changes, strict=True)]
        normalizer = float(max(1, sum(int(found[0].sum()) for found in targets)))
        parts = np.array_split(np.arange(len(inputs)), min(count, len(inputs)))
        return [
            self._share([maps[place] for place in part], [targets[place] for place in part], normalizer)
            for part in parts
        ]

    def loss(self, share: Share) -> torch.Tensor:
        """Return the loss of a share."""
        logits, boxes = self.module(share.maps)
        return measure_loss(logits, boxes, share.owners, share.targets, share.labels) / share.normalizer

    def judge(self, hear: Callable[[], None]) -> Judgement:
        """Return mAP on the images that judge."""
        return judge_detector(self, self._prepared.judged, hear)

    def look(self, inputs: Sequence[DenseInput]) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Return boxes, scores and the sum of the loss of the images."""
        maps = self._source.maps(inputs, [NO_CHANGE] * len(inputs))
        targets = [self._target(one, NO_CHANGE) for one in inputs]
        share = self._share(maps, targets, float(max(1, sum(int(found[0].sum()) for found in targets))))
        logits, boxes = self.module(share.maps)
        loss = measure_loss(logits, boxes, share.owners, share.targets, share.labels) / share.normalizer
        height, width = self._prepared.size_px
        shares = boxes.cpu().numpy() / np.array([width, height, width, height], np.float32)
        return shares, torch.sigmoid(logits).cpu().numpy(), float(loss) * len(inputs)

    def graph(self) -> torch.nn.Module:
        """Return what is exported."""
        return DetectorGraph(self._trunk, self._network, self._prepared.size_px).to("cpu").eval()

    def _target(self, one: DenseInput, change: Change) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which cells are to find a box (Q,), that box (Q, 4) and its label (Q,), −2 where it is ignored."""
        boxes, labels = change_boxes(one.boxes, one.labels, change, self._prepared.size_px)
        owner = assign_boxes(boxes, labels, self._grid)
        finds = owner >= 0
        target = np.zeros((len(owner), 4), np.float32)
        target[finds] = boxes[owner[finds]]
        label = np.where(owner == IGNORED, -2, -1)
        label[finds] = labels[owner[finds]]
        return finds, target, label

    def _share(self, maps: list[Maps], targets: list[tuple[np.ndarray, np.ndarray, np.ndarray]], norm: float) -> Share:
        owners, boxes, labels = (
            torch.from_numpy(np.stack([found[part] for found in targets])).to(self._device) for part in range(3)
        )
        return Share(stack_maps(maps, self._device), owners, boxes, labels, norm)

    def _measure(self) -> None:
        few = self._prepared.train[:_MEASURED]
        with torch.no_grad():
            rows = [self._network.trunk(stack_maps(self._source.maps([one], [NO_CHANGE]))) for one in few]
            self._network.head.measure([torch.cat([row[place] for row in rows]) for place in range(len(rows[0]))])
