"""What the bank's network sees in a cut-out: the features within the defect, at several levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inference.vision.detection.region_types.cut_outs import CutOut
from inference.vision.networks.backbones import find_backbone
from inference.vision.networks.graphs import GraphSpec, PortableGraph
from inference.vision.networks.runtime import BATCH_SIZE, Device, FeatureRuntime, open_runtime
from inference.vision.networks.specifications import LEVELS

SIDE_PX = 160
# Finer levels describe edges and spots that every type has.
_FINEST_STRIDE = 8
# A cell counts for the maximum where this share of what the most defective cell has is defective.
_LEAST_WEIGHT = 0.3
# As it is, mirrored both ways and turned round: a part may lie on its belt either way round. What runs across it does
# not run along it: the same four with rows and columns exchanged are of use only where types do not care.
UPRIGHT_VIEWS, ALL_VIEWS = 4, 8
# What an inspection looks at: a cut-out as it is and turned round, the two of the four that are least alike. All four
# named three of 200 real defects otherwise, no better, in twice the time: it is the dearest step of a defective part.
INSPECTED_VIEWS = (0, 3)


def region_graph(backbone: str) -> GraphSpec:
    """Return the graph that looks at cut-outs. Raises ModelError(`backbone_unknown`)."""
    spec = find_backbone(backbone)
    known = LEVELS[backbone]
    # A transformer's levels are all of one stride: those that detection uses.
    same = len({stride for _, stride in known.values()}) == 1
    levels = spec.levels if same else tuple(name for name, (_, stride) in known.items() if stride >= _FINEST_STRIDE)
    chosen = spec.with_levels(levels)
    unit = chosen.strides[-1]
    side = round(SIDE_PX / unit) * unit
    return GraphSpec(chosen, (side, side))


@dataclass(frozen=True)
class RegionNetwork:
    """Describes cut-outs. Read-only, safe to share between threads."""

    runtime: FeatureRuntime

    @property
    def dimension(self) -> int:
        """Numbers that describe a cut-out."""
        return _count(self.runtime.graph)

    def describe(self, cut_outs: Sequence[CutOut], *, views: Sequence[int] = INSPECTED_VIEWS) -> np.ndarray:
        """Return the features of these views of each cut-out, by their numbers: float32 (n, views, D).

        Raises ModelError.
        """
        side = self.runtime.graph.size_px[0]
        inputs, weights = [], []
        for one in cut_outs:
            smaller = one.pixels.shape[0] > side
            pixels = cv2.resize(one.pixels, (side, side), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
            inside = cv2.resize(one.weights, (side, side), interpolation=cv2.INTER_LINEAR)
            for view in views:
                inputs.append(_turn(pixels, view))
                weights.append(_turn(inside, view))
        rows = []
        for start in range(0, len(inputs), BATCH_SIZE):
            part = slice(start, start + BATCH_SIZE)
            rows.append(_pool(self.runtime.features(np.stack(inputs[part])), weights[part]))
        found = np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.float32)
        return found.reshape(len(cut_outs), len(views), self.dimension)


def open_network(
    backbone: str,
    *,
    weights: Path | None,
    weights_sha256: str,
    portable: PortableGraph | None = None,
    device: Device = "auto",
    threads: int | None = None,
) -> RegionNetwork:
    """Return the network on the runtime that others of its kind share. Raises as `open_runtime`."""
    return RegionNetwork(
        open_runtime(
            region_graph(backbone),
            weights=weights,
            weights_sha256=weights_sha256,
            portable=portable,
            device=device,
            threads=threads,
        )
    )


def count_features(backbone: str) -> int:
    """Return how many numbers describe a cut-out. Raises ModelError(`backbone_unknown`)."""
    return _count(region_graph(backbone))


def _count(graph: GraphSpec) -> int:
    return 2 * graph.backbone.dimension  # mean and maximum of every channel


def _turn(values: np.ndarray, view: int) -> np.ndarray:
    turned = values if view < UPRIGHT_VIEWS else values.swapaxes(0, 1)
    return np.ascontiguousarray(turned[:: -1 if view & 1 else 1, :: -1 if view & 2 else 1])


def _pool(levels: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> np.ndarray:
    """Return weighted mean and maximum within the defect, level by level: float32 (n, D) from maps (n, C, h, w)."""
    parts = []
    for level in levels:
        rows, columns = level.shape[2:]
        cells = np.stack([cv2.resize(one, (columns, rows), interpolation=cv2.INTER_AREA) for one in weights])
        cells = cells / np.maximum(cells.max(axis=(1, 2), keepdims=True), 1e-6)
        shares = cells / np.maximum(cells.sum(axis=(1, 2), keepdims=True), 1e-6)
        parts.append(np.einsum("nchw,nhw->nc", level, shares))
        inside = np.where((cells >= _LEAST_WEIGHT)[:, None], level, -np.inf)
        highest = inside.max(axis=(2, 3))
        parts.append(np.where(np.isfinite(highest), highest, level.max(axis=(2, 3))))
    return np.asarray(np.concatenate(parts, axis=1), np.float32)
