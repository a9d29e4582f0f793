"""Detectors of torchvision and transformers as the loop trains them: whole networks, on pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from inference.vision.learning.dense.augmentation import NO_CHANGE, change_boxes, change_pixels, draw_change
from inference.vision.learning.dense.detecting import judge_detector
from inference.vision.learning.dense.foreign.targets import Targets
from inference.vision.learning.dense.inputs import DenseInput
from inference.vision.learning.dense.preparation import Prepared, weights_of
from inference.vision.learning.dense.training_loop import Judgement
from inference.vision.learning.recipes.contract import RecipeContext
from inference.vision.learning.recipes.settings import RecipeSettings

# What was trained on millions of images changes slowly.
_BACKBONE_RATE = 0.1
RETINANET = "retinanet"


class ForeignNetwork(Protocol):
    """A detector behind one interface. Pixels are uint8 N×H×W×3."""

    module: torch.nn.Module

    def compute(
        self, pixels: torch.Tensor, targets: Sequence[Targets]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the mean loss of the images, boxes N×Q×4 in shares of the input, scores N×Q×K."""
        ...

    def graph(self) -> torch.nn.Module:
        """Return what is exported: pixels to boxes in shares of the input, and scores."""
        ...


@dataclass(frozen=True)
class Share:
    """A batch: pixels and targets, and the seed of what the network itself draws at random."""

    pixels: torch.Tensor
    targets: tuple[Targets, ...]
    seed: int


class ForeignTrainee:
    """A whole network, trained on images that are changed at random."""

    def __init__(self, network: ForeignNetwork, prepared: Prepared, settings: RecipeSettings, *, device: str) -> None:
        self.description = prepared.description
        self.module = network.module.to(device)
        self._network = network
        self._prepared = prepared
        self._settings = settings
        self._device = device

    def weights(self) -> NDArray[np.float64]:
        """Return how often each training image is drawn."""
        return weights_of(self._prepared.train)

    def rate_of(self, name: str) -> float:
        """Return the share of the learning rate: a given backbone learns slowly."""
        return _BACKBONE_RATE if "backbone" in name and not self._settings.scratch else 1.0

    def shares(self, places: NDArray[np.int64], rng: np.random.Generator, count: int) -> list[Share]:
        """Return the batch as one share: matching and normalization look at all of it."""
        inputs = [self._prepared.train[place] for place in places]
        changes = [draw_change(self._settings.augmentation, self._prepared.size_px, rng) for _ in inputs]
        pixels = [change_pixels(one.pixels, change) for one, change in zip(inputs, changes, strict=True)]
        targets = [
            self._targets(*change_boxes(one.boxes, one.labels, change, self._prepared.size_px))
            for one, change in zip(inputs, changes, strict=True)
        ]
        return [Share(self._stack(pixels), tuple(targets), int(rng.integers(2**31)))]

    def loss(self, share: Share) -> torch.Tensor:
        """Return the loss of the batch."""
        torch.manual_seed(share.seed)
        return self._network.compute(share.pixels, share.targets)[0]

    def judge(self, hear: Callable[[], None]) -> Judgement:
        """Return mAP on the images that judge."""
        return judge_detector(self, self._prepared.judged, hear)

    def look(self, inputs: Sequence[DenseInput]) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Return boxes, scores and the sum of the loss of the images."""
        pixels = [change_pixels(one.pixels, NO_CHANGE) for one in inputs]
        targets = [self._targets(one.boxes, one.labels) for one in inputs]
        loss, boxes, scores = self._network.compute(self._stack(pixels), targets)
        return boxes.cpu().numpy(), scores.cpu().numpy(), float(loss) * len(inputs)

    def graph(self) -> torch.nn.Module:
        """Return what is exported."""
        self.module.to("cpu").eval()
        return self._network.graph().eval()

    def _targets(self, boxes: NDArray[np.float32], labels: NDArray[np.int64]) -> Targets:
        known = labels >= 0
        return Targets(
            torch.from_numpy(np.ascontiguousarray(boxes[known])).to(self._device),
            torch.from_numpy(np.ascontiguousarray(labels[known])).to(self._device),
        )

    def _stack(self, pixels: Sequence[Any]) -> torch.Tensor:
        return torch.from_numpy(np.stack(pixels)).to(self._device)


def open_foreign(
    architecture: str, prepared: Prepared, settings: RecipeSettings, context: RecipeContext
) -> ForeignTrainee:
    """Return the detector of an architecture, from weights in `context.weights` or, with `scratch`, small and random.

    Raises ModelError: `detector_weights_missing`, `detector_weights_unreadable`.
    """
    count = len(prepared.description.labels)
    weights = context.weights
    network: ForeignNetwork
    if architecture == RETINANET:
        from inference.vision.learning.dense.foreign.retinanet import RetinaNetwork

        network = RetinaNetwork.open(weights, count, size_px=prepared.size_px, scratch=settings.scratch)
    else:
        from inference.vision.learning.dense.foreign.transformer import TransformerNetwork

        network = TransformerNetwork.open(
            architecture, weights, count, size_px=prepared.size_px, scratch=settings.scratch
        )
    return ForeignTrainee(network, prepared, settings, device=context.device)
