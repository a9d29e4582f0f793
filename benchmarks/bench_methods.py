"""How well the classifier names types of defects on boards that it has not seen.

    python -m benchmarks.bench_methods [FOLDER] [--size 192] [--per-type 50] [--folds 3]

FOLDER is a copy of DeepPCB. Its boards show several defects each, so an image as a whole has no one label: a window of
64 px is cut around one marked defect (of one type alone), and from a template for a good part. Boards are dealt into
folds, every window of one board into the same; the classifier, the choice of its strength included, is fitted on the
others (`inference.vision.learning.probe`). `whole` are the same boards in windows of 256 px, where a defect fills a
fiftieth of the picture. Progress goes to stderr; the last line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_real import say, write_deeppcb
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.probe import fit_probe, measure_probe
from inference.vision.learning.splits import fold_parts
from inference.vision.learning.trunk_features import pool_features, prepare_pixels, trunk_graph
from inference.vision.networks.runtime import open_runtime

Pixels = NDArray[np.uint8]
_WINDOW_PX, _BACKBONE = 64, "efficientnet_lite0"


def read_windows(folder: Path, *, whole: bool) -> tuple[list[Pixels], list[str], list[str]]:
    """Return windows, their labels and boards, of a folder that `write_deeppcb` wrote."""
    images: list[Pixels] = []
    labels: list[str] = []
    boards: list[str] = []
    files = sorted(path for path in folder.rglob("*.png") if not path.stem.endswith("_mask"))
    for number, path in enumerate(files):
        pixels = decode(path.read_bytes()).pixels
        label = "good" if path.parent.name == "normal" else path.parent.name
        if not whole:
            pixels = _cut(pixels, path, label, np.random.default_rng(number))
        images.append(pixels)
        labels.append(label)
        boards.append(path.stem.split("_")[0])
    return images, labels, boards


def _cut(pixels: Pixels, path: Path, label: str, rng: np.random.Generator) -> Pixels:
    """Return the window around the largest marked place of a defect, anywhere in a good part."""
    last = np.array(pixels.shape[:2]) - _WINDOW_PX
    top, left = rng.integers(0, last)
    if label != "good":
        mask = cv2.imread(str(path.with_name(f"{path.stem}_mask.png")), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        _, _, boxes, middles = cv2.connectedComponentsWithStats(mask)
        largest = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
        top, left = (middles[largest][::-1] - _WINDOW_PX // 2).clip(0, last).astype(int)
    return np.ascontiguousarray(pixels[top : top + _WINDOW_PX, left : left + _WINDOW_PX])


def measure(folder: Path, *, whole: bool, size_px: int, folds: int) -> dict[str, Any]:
    """Return the figures on boards that were not learned from."""
    images, labels, boards = read_windows(folder, whole=whole)
    begun = time.perf_counter()
    runtime = open_runtime(trunk_graph(_BACKBONE, size_px), device="cpu")
    features = pool_features(runtime, (prepare_pixels(image, Preprocessing(), size_px) for image in images))
    features_s = time.perf_counter() - begun
    names = tuple(sorted(set(labels)))
    truth = np.array([names.index(label) for label in labels], np.int64)
    named = np.zeros(len(truth), np.int64)
    fold_of = fold_parts(boards, folds=folds, seed=0, labels=labels)
    for fold in range(int(fold_of.max()) + 1):
        inside = fold_of == fold
        seen = np.flatnonzero(~inside).tolist()
        probe = fit_probe(features[~inside], [labels[place] for place in seen], [boards[place] for place in seen])
        places = np.array([names.index(label) for label in probe.labels])
        named[inside] = places[probe.probabilities(features[inside]).argmax(axis=1)]
        say(f"  fold {fold}: C {probe.strength}")
    figures = measure_probe(names, truth, named)
    return {
        "n": len(images),
        "boards": len(set(boards)),
        "ms_per_image": round(1000.0 * features_s / len(images), 1),
        **figures.to_json(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("/work/shared/data/deeppcb"))
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--per-type", type=int, default=50)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="measure windows of 256 px, too")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="geomsa-methods-") as place:
        folder = Path(place) / "windows"
        write_deeppcb(options.folder, folder, normals=3 * options.per_type, per_type=options.per_type)
        for name, whole in (("cut_outs", False), *((("whole", True),) if options.whole else ())):
            found = measure(folder, whole=whole, size_px=options.size, folds=options.folds)
            say(f"{name}: macro-F1 {found['macro_f1']:.3f} on {found['n']} windows of {found['boards']} boards")
            results[name] = found
    print(json.dumps({"bench": "methods", "backbone": _BACKBONE, "size_px": options.size, "classifier": results}))


if __name__ == "__main__":
    main()
