"""The decoder of masks as the loop trains it, and the judgement of either head."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inference.vision.learning.dense.augmentation import NO_CHANGE, change_mask, draw_change
from inference.vision.learning.dense.cell_head import shrink_mask
from inference.vision.learning.dense.decoder import Decoder, DecoderNetwork, measure_pixel_loss
from inference.vision.learning.dense.features import stack_maps
from inference.vision.learning.dense.inputs import UNKNOWN, DenseInput
from inference.vision.learning.dense.pixel_judgement import THRESHOLDS, PixelCounts, choose_threshold, count_image
from inference.vision.learning.dense.preparation import MapSource, Prepared, weights_of
from inference.vision.learning.dense.training_loop import Judgement
from inference.vision.learning.dense.trunk import Trunk
from inference.vision.learning.measures.segmentation import SegmentationFigures, measure_pixels
from inference.vision.learning.recipes.settings import RecipeSettings

_MEASURED = 16
_AT_ONCE = 4
_LEAST_COVER = 0.5
# Marked pixels are rare: they count for more, up to so much.
_MOST_BALANCE = 10.0


@dataclass(frozen=True)
class Share:
    """Part of a batch: its maps, the label of each pixel at stride 4, the known pixels of the batch, its part of it."""

    maps: list[torch.Tensor]
    truth: torch.Tensor
    normalizer: float
    part: float


@dataclass(frozen=True)
class JudgedHead:
    """A head at its threshold of the best F1 on the images that judge."""

    threshold: float
    figures: SegmentationFigures
    counts: tuple[PixelCounts, ...]
    place: int

    def per_domain(self, labels: Sequence[str], inputs: Sequence[DenseInput]) -> dict[str, dict[str, Any]]:
        """Return the figures of the images of each domain."""
        found: dict[str, dict[str, Any]] = {}
        for domain in sorted({one.example.domain for one in inputs}):
            own = measure_pixels(
                labels,
                [
                    count.confusion(self.place)
                    for count, one in zip(self.counts, inputs, strict=True)
                    if one.example.domain == domain
                ],
            )
            found[domain] = {"n": own.n, "miou": own.miou, "mask_iou": own.mask_iou, "f1": own.f1}
        return found


def judge_head(
    head: torch.nn.Module, source: MapSource, prepared: Prepared, hear: Callable[[], None], *, device: str
) -> JudgedHead:
    """Return a head, from maps to probabilities, at its best threshold on the images that judge."""
    counts: list[PixelCounts] = []
    for start in range(0, len(prepared.judged), _AT_ONCE):
        hear()
        inputs = prepared.judged[start : start + _AT_ONCE]
        with torch.inference_mode():
            maps = stack_maps(source.maps(inputs, [NO_CHANGE] * len(inputs)), device)
            probabilities = head(maps).cpu().numpy()
        counts += [count_image(own, one.mask) for own, one in zip(probabilities, inputs, strict=True)]
    place, figures = choose_threshold(prepared.description.labels, counts)
    return JudgedHead(THRESHOLDS[place], figures, tuple(counts), place)


class SegmenterTrainee:
    """The decoder over maps of the frozen backbone."""

    def __init__(
        self, trunk: Trunk, source: MapSource, prepared: Prepared, settings: RecipeSettings, *, device: str
    ) -> None:
        self._source = source
        self._prepared = prepared
        self._settings = settings
        self._device = device
        self._labels = len(prepared.description.labels)
        height, width = prepared.size_px
        self._shape = (height // trunk.strides[0], width // trunk.strides[0])
        self._balance = self._measure_balance().to(device)
        self.decoder = Decoder(trunk.channels, self._labels)
        with torch.no_grad():
            rows = [stack_maps(source.maps([one], [NO_CHANGE])) for one in prepared.train[:_MEASURED]]
            self.decoder.measure([torch.cat([row[place] for row in rows]) for place in range(len(rows[0]))])
        self.module: torch.nn.Module = self.decoder.to(device).to(memory_format=torch.channels_last)

    def weights(self) -> NDArray[np.float64]:
        """Return how often each training image is drawn."""
        return weights_of(self._prepared.train)

    def rate_of(self, name: str) -> float:
        """Return 1: all of the decoder learns alike."""
        return 1.0

    def shares(self, places: NDArray[np.int64], rng: np.random.Generator, count: int) -> list[Share]:
        """Return a batch in shares, each image changed at random."""
        inputs = [self._prepared.train[place] for place in places]
        changes = [draw_change(self._settings.augmentation, self._prepared.size_px, rng) for _ in inputs]
        maps = self._source.maps(inputs, changes)
        masks = [self._shrink(change_mask(one.mask, change)) for one, change in zip(inputs, changes, strict=True)]
        normalizer = float(max(1, sum(int((mask != UNKNOWN).sum()) for mask in masks)))
        return [
            Share(
                stack_maps([maps[place] for place in part], self._device),
                torch.from_numpy(np.stack([masks[place] for place in part]).astype(np.int64)).to(self._device),
                normalizer,
                len(part) / len(inputs),
            )
            for part in np.array_split(np.arange(len(inputs)), min(count, len(inputs)))
        ]

    def loss(self, share: Share) -> torch.Tensor:
        """Return the loss of a share."""
        logits = self.module(share.maps)
        return measure_pixel_loss(logits, share.truth, self._balance, share.normalizer, share.part)

    def judge(self, hear: Callable[[], None]) -> Judgement:
        """Return mIoU and the IoU of defect against rest at the best threshold; mIoU is what counts."""
        judged = self.judge_decoder(hear)
        miou = judged.figures.miou or 0.0
        figures = {"miou": miou, "mask_iou": judged.figures.mask_iou or 0.0, "f1": judged.figures.f1 or 0.0}
        return Judgement(miou, self._judge_loss(hear), figures)

    def judge_decoder(self, hear: Callable[[], None]) -> JudgedHead:
        """Return the decoder at its best threshold."""
        self.module.eval()
        return judge_head(DecoderNetwork(self.decoder).eval(), self._source, self._prepared, hear, device=self._device)

    def _judge_loss(self, hear: Callable[[], None]) -> float:
        total = 0.0
        for one in self._prepared.judged:
            hear()
            truth = self._shrink(one.mask)
            with torch.inference_mode():
                logits = self.module(stack_maps(self._source.maps([one], [NO_CHANGE]), self._device))
                target = torch.from_numpy(truth.astype(np.int64)).unsqueeze(0).to(self._device)
                known = float(max(1, int((truth != UNKNOWN).sum())))
                total += float(measure_pixel_loss(logits, target, self._balance, known, 1.0))
        return total / len(self._prepared.judged)

    def _shrink(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return shrink_mask(mask, self._labels, self._shape, least_cover=_LEAST_COVER)

    def _measure_balance(self) -> torch.Tensor:
        """Return how much pixels of each label count: the root of how rare they are beside “nothing”."""
        counts = np.zeros(self._labels + 1, np.float64)
        for one in self._prepared.train:
            found = np.bincount(self._shrink(one.mask).ravel(), minlength=UNKNOWN + 1)
            counts += found[: self._labels + 1]
        balance = [1.0]
        balance += [
            min(_MOST_BALANCE, max(1.0, math.sqrt(counts[0] / count))) if count else 1.0 for count in counts[1:]
        ]
        return torch.tensor(balance, dtype=torch.float32)
