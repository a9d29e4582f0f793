"""How well the defaults inspect each demo product, plain and in a light that varies by ±30 % between images.

    python -m benchmarks.bench_products [--products solar-mono,…] [--share 0.3] [--seeds 3] [--test-parts 150]

Every test image gets an exposure and a contrast of its own, drawn by seed from 1 ± share, clipped to 0–255;
“everywhere” varies the training images, too, as where the light varied already while they were taken. Coresets begin
with other rows for each seed; figures are means over the seeds. Prints progress to stderr and one JSON object as the
last line of stdout: image AUROC by condition, and for plain images pixel AUROC and AUPRO (false-positive rate up to
0.3) where there are masks. Of generated products `--test-parts` good and as many defective parts are tested, of which
the demo's are the first (0: those alone).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_patchcore import GRAPHS, THREADS, say
from core.demo.images.catalog import PRODUCTIONS, PRODUCTS
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.metrics import aupro, image_auroc, pixel_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.decode import decode, decode_mask
from inference.vision.images.illumination import draw_illumination, vary_illumination
from inference.vision.networks.runtime import keep_graphs_in

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """A test image, its label and its mask."""

    pixels: Pixels
    is_defect: bool
    mask: NDArray[np.bool_] | None


def load(code: str, *, test_parts: int) -> tuple[list[Pixels], list[Shot]]:
    """Return normal training images and all test images of a demo product."""
    product = next(item for item in PRODUCTS if item.code == code)
    images, production = product.images(), PRODUCTIONS.get(code)
    if production is not None and test_parts > 0:
        kinds = len(production.defect_codes)
        images = production.images(test_normals=test_parts, test_defects=test_parts // kinds)
    train, test = [], []
    for image in images:
        pixels = decode(image.content).pixels
        if image.split == "test":
            mask = None if image.mask_png is None else decode_mask(image.mask_png)
            test.append(Shot(pixels, image.defect_code is not None, mask))
        elif image.defect_code is None:
            train.append(pixels)
    return train, test


def in_light(images: list[Pixels], *, share: float, seed: int) -> list[Pixels]:
    """Return each image with an exposure and a contrast of its own."""
    rng = np.random.default_rng(seed)
    varied = []
    for pixels in images:
        exposure, contrast = draw_illumination(rng, share=share)
        varied.append(vary_illumination(pixels, exposure=exposure, contrast=contrast))
    return varied


def fit(images: list[Pixels], *, seed: int) -> PatchCore:
    sources = [ImageSource(str(place), lambda pixels=pixels: pixels) for place, pixels in enumerate(images)]  # type: ignore[misc]
    return PatchCore.fit(sources, PatchCoreConfig(seed=seed), device="cpu", threads=THREADS)


def measure(code: str, *, share: float, seeds: int, test_parts: int) -> dict[str, float | None]:
    """Return the figures of one product."""
    train, test = load(code, test_parts=test_parts)
    labels = np.array([shot.is_defect for shot in test])
    rows: list[dict[str, float | None]] = []
    for seed in range(seeds):
        model = fit(train, seed=seed)
        found = list(model.inspect_many(shot.pixels for shot in test))
        row = {"plain": image_auroc(np.array([one.score for one in found]), labels)}
        varied = in_light([shot.pixels for shot in test], share=share, seed=1_000 + seed)
        row["light"] = image_auroc(np.array([one.score for one in model.inspect_many(varied)]), labels)
        everywhere = fit(in_light(train, share=share, seed=2_000 + seed), seed=seed)
        row["light_everywhere"] = image_auroc(np.array([one.score for one in everywhere.inspect_many(varied)]), labels)
        if any(shot.mask is not None for shot in test):
            maps = [
                one.anomaly_map
                for one, shot in zip(found, test, strict=True)
                if shot.mask is not None or not shot.is_defect
            ]
            masks = [_to_map(shot.mask, maps[0].shape) for shot in test if shot.mask is not None or not shot.is_defect]
            row["pixel_auroc"], row["aupro"] = pixel_auroc(maps, masks), aupro(maps, masks)
        rows.append(row)
        say(code, seed, json.dumps(row))
    return {name: _mean([row[name] for row in rows]) for name in rows[0]}


def _to_map(mask: NDArray[np.bool_] | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask is None:
        return np.zeros(shape, dtype=bool)
    resized = cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized, dtype=bool)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", default=",".join(one.code for one in PRODUCTS if not one.views))
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test-parts", type=int, default=150)
    options = parser.parse_args()
    keep_graphs_in(GRAPHS)
    result: dict[str, Any] = {}
    for code in options.products.split(","):
        result[code] = measure(code, share=options.share, seeds=options.seeds, test_parts=options.test_parts)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
