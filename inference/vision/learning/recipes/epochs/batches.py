"""What the epochs are fed with: images drawn and changed at random by seed and epoch, or what stands for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.recipes.augmentation import augment, changes_pixels, draw_mix, mix_pixels, mix_targets
from inference.vision.learning.recipes.settings import AugmentationSettings

if TYPE_CHECKING:
    import torch

_ORDER = 3


class Batches:
    """Training and validation images by number, as a network takes them.

    `pixels` uint8 (N, H, W, 3) and `truth` int64 (N,) are of all images; `train` and `val` are numbers of images,
    `weights` float64 (N,) say how often each is drawn. With `kept`, tensors (N, …) that stand for the images, the
    network is given those, and no pixel.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        truth: NDArray[np.int64],
        *,
        train: NDArray[np.int64],
        val: NDArray[np.int64],
        weights: NDArray[np.float64],
        augmentation: AugmentationSettings,
        seed: int,
        kept: list[torch.Tensor] | None = None,
    ) -> None:
        self.truth, self.train, self.val = truth, train, val
        self.pixels, self.weights, self.augmentation, self.seed = pixels, weights, augmentation, seed
        self._kept = kept

    def count_batches(self, size: int) -> int:
        """Return how many batches an epoch has."""
        return max(1, math.ceil(len(self.train) / size))

    def deal(self, epoch: int, count: int) -> list[NDArray[np.int64]]:
        """Return the images of an epoch in `count` batches of about one size, none of them of a single image.

        Each image comes once; where weights differ, they are drawn by weight, so many as there are.
        """
        rng = np.random.default_rng((self.seed, _ORDER, epoch))
        weights = self.weights[self.train]
        if np.ptp(weights) == 0.0:
            drawn = rng.permutation(self.train)
        else:
            # One draw in each of n equal stretches of the weights' sum: an image comes as often as its weight says,
            # give or take one.
            edges = np.cumsum(weights) / weights.sum()
            chosen = np.searchsorted(edges, (np.arange(len(weights)) + rng.random()) / len(weights), side="right")
            drawn = rng.permutation(self.train[chosen.clip(0, len(weights) - 1)])
        return [np.asarray(one, np.int64) for one in np.array_split(drawn, count)]

    def training(
        self, places: NDArray[np.int64], epoch: int, step: int, count: int
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return what the network is given of these images, changed at random, and float32 (N, K) targets."""
        import torch

        targets = np.eye(count, dtype=np.float32)[self.truth[places]]
        if self._kept is not None and not changes_pixels(self.augmentation):
            return [one[places] for one in self._kept], torch.from_numpy(targets)
        images = np.stack(
            [
                augment(self.pixels[place], self.augmentation, seed=self.seed, epoch=epoch, index=int(place))
                for place in places
            ]
        )
        mix = draw_mix(
            self.augmentation,
            seed=self.seed,
            epoch=epoch,
            step=step,
            count=len(places),
            size_px=(images.shape[1], images.shape[2]),
        )
        if mix is None:
            return [torch.from_numpy(images)], torch.from_numpy(targets)
        mixed = mix_pixels(images.astype(np.float32), mix)
        return [torch.from_numpy(mixed)], torch.from_numpy(mix_targets(targets, mix))

    def unchanged(self, places: NDArray[np.int64]) -> list[torch.Tensor]:
        """Return what the network is given of these images as they are."""
        import torch

        if self._kept is not None:
            return [one[places] for one in self._kept]
        return [torch.from_numpy(np.array(self.pixels[places]))]
