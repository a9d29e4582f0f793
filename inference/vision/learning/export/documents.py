"""What stands beside an exported graph, for programs to read: how an image becomes its input, what its outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.trained_network.description import INPUT_NAME, LETTERBOX_GRAY, NetworkDescription

FORMAT, FORMAT_VERSION = "geomsa-network-input", 1
_EDGES = (
    "inside = floor(start·side + 1e-9) … ceil((start + length)·side - 1e-9) of the region of interest, "
    "without ceil(start·side - 1e-9) … floor((start + length)·side + 1e-9) of each ignored rectangle"
)


@dataclass(frozen=True)
class ClassWords:
    """A label of the network with its names, and whether it is one of good parts."""

    label: str
    name_ko: str
    name_en: str
    is_good: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as `classes.json` holds them."""
        return {"label": self.label, "name_ko": self.name_ko, "name_en": self.name_en, "is_good": self.is_good}


def describe_classes(description: NetworkDescription, words: Sequence[ClassWords]) -> dict[str, Any]:
    """Return what `classes.json` holds: the labels in the order of the outputs, by name where `words` knows it."""
    known = {one.label: one for one in words}
    found = [
        known.get(label) or ClassWords(label, label, label, label in description.good_labels)
        for label in description.labels
    ]
    return {"classes": [{"index": place, **one.to_json()} for place, one in enumerate(found)]}


def describe_input(description: NetworkDescription) -> dict[str, Any]:
    """Return what `preprocessing.json` holds: every step from a file's bytes to the input, then what comes out."""
    preprocessing = description.preprocessing
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "task": description.task,
        "input": {
            "name": INPUT_NAME,
            "dtype": "uint8",
            "layout": "NHWC",
            "channels": "RGB",
            "height_px": description.height_px,
            "width_px": description.width_px,
            "batch": "any",
            "normalization": "inside the graph: give the bytes as they are",
        },
        "decode": _describe_decoding(preprocessing),
        "steps": [*_list_contrast_steps(preprocessing), *_list_size_steps(description)],
        "outputs": _list_outputs(description),
        "postprocessing": _describe_meaning(description),
    }


def _describe_decoding(preprocessing: Preprocessing) -> dict[str, Any]:
    window = preprocessing.window
    return {
        "formats": ["png", "jpeg", "bmp", "tiff", "webp"],
        "bits_per_channel": 8,
        "more_bits": {
            "bit_depth": preprocessing.bit_depth or "as the file declares",
            "window": None if window is None else window.to_dict(),
            "rule": "16-bit values are divided by 256; with a bit depth its highest 8 bits are taken; of a window only "
            "its values are spread over the 8 bits",
        },
        "gray": "the same value in all three channels",
        "exif_orientation": "applied",
        "color_profiles": "not applied",
        "alpha": "flattened on white: (value·alpha + 255·(255 - alpha) + 127) // 255; ignored where it is 0 everywhere",
        "pages": "the first",
    }


def _list_contrast_steps(preprocessing: Preprocessing) -> list[dict[str, Any]]:
    """Return the steps before the size changes, in their order; those that are off are left out."""
    steps: list[dict[str, Any]] = []
    if preprocessing.smoothing != "none":
        rule = {
            "gaussian": "cv2.GaussianBlur(image, (size, size), 0)",
            "median": "cv2.medianBlur(image, size)",
            "bilateral": "cv2.bilateralFilter(image, size, 40, size / 2)",
        }[preprocessing.smoothing]
        steps.append(
            {
                "name": "smoothing",
                "kind": preprocessing.smoothing,
                "size_px": preprocessing.smoothing_size_px,
                "rule": rule,
            }
        )
    if preprocessing.grayscale:
        steps.append({"name": "grayscale", "rule": "(9798·R + 19235·G + 3735·B + 16384) >> 15 in all three channels"})
    operations: list[dict[str, Any]] = []
    if preprocessing.normalize:
        operations.append(
            {
                "name": "normalize",
                "percent": 0.5,
                "least_range": 32,
                "rule": "low, high = the first levels whose cumulated share reaches .5 % and 99.5 %; unless they are "
                "the same: round_half_even((level - (low + high)/2)·255/max(high - low, 32) + 127.5), held to 0…255",
            }
        )
    if preprocessing.equalize:
        operations.append({"name": "equalize", "rule": "cv2.equalizeHist"})
    if preprocessing.clahe:
        operations.append(
            {
                "name": "clahe",
                "clip_limit": preprocessing.clahe_clip_limit,
                "tile_grid": preprocessing.clahe_tile_grid,
                "rule": "cv2.createCLAHE(clip_limit, (tile_grid, tile_grid)).apply",
            }
        )
    if operations:
        steps.append(
            {
                "name": "contrast",
                "operations": operations,
                "rule": "one after the other on the gray values of an image with R = G = B everywhere; else on L of "
                "CIELAB (8 bits, cv2.COLOR_RGB2LAB), and back (cv2.COLOR_LAB2RGB) after the last",
            }
        )
    return steps


def _list_size_steps(description: NetworkDescription) -> list[dict[str, Any]]:
    """Return the steps from an image of any size to the input."""
    preprocessing = description.preprocessing
    steps: list[dict[str, Any]] = [
        {
            "name": "resize",
            "mode": description.resize,
            "width_px": description.width_px,
            "height_px": description.height_px,
            "letterbox_size": "share = min(width_px / width, height_px / height); "
            "each side round_half_even(side·share), from 1 to that of the input",
            "interpolation": {
                "neither_side_grows": "area",
                "otherwise": "linear",
                "same_size": "none",
            },
            "area": "cv2.INTER_AREA: the mean of the pixels below each new one, weighed by how much of them it covers, "
            "in the middle round_half_even; at exactly half both sides (a + b + c + d + 2) >> 2",
            "linear": "cv2.INTER_LINEAR: pixel middles at (x + .5)·scale - .5, weights in 1/2048, "
            "((b0·(row0 >> 4) >> 16) + (b1·(row1 >> 4) >> 16) + 2) >> 2",
        }
    ]
    if preprocessing.region_of_interest is not None or preprocessing.ignore:
        region = preprocessing.region_of_interest
        steps.append(
            {
                "name": "mask",
                "region_of_interest": None if region is None else list(region),
                "ignore": [list(one) for one in preprocessing.ignore],
                "fill": LETTERBOX_GRAY,
                "rule": f"after the resize, (x, y, width, height) in shares of the resized image; {_EDGES}",
            }
        )
    if description.resize == "letterbox":
        steps.append(
            {
                "name": "pad",
                "fill": LETTERBOX_GRAY,
                "rule": "left = (width_px - width) // 2, top = (height_px - height) // 2",
            }
        )
    return steps


def _list_outputs(description: NetworkDescription) -> list[dict[str, Any]]:
    count = len(description.labels)
    shapes = {
        ("classification", "probabilities"): (["n", count], "each row adds up to 1, in the order of classes.json"),
        ("classification", "activation"): (["n", count, "h", "w"], "the evidence of each label by place"),
        ("segmentation", "probabilities"): (
            ["n", count + 1, "h", "w"],
            "by place: nothing first, then the labels in the order of classes.json",
        ),
        ("detection", "boxes"): (["n", "q", 4], "left, top, right, bottom in shares of the input"),
        ("detection", "scores"): (["n", "q", count], "by box and label, before overlapping boxes are removed"),
    }
    return [
        {
            "name": name,
            "dtype": "float32",
            "shape": shapes[description.task, name][0],
            "meaning": shapes[description.task, name][1],
        }
        for name in description.outputs
    ]


def _describe_meaning(description: NetworkDescription) -> dict[str, Any]:
    good = [label for label in description.labels if label in description.good_labels]
    if description.task == "classification":
        return {
            "threshold": description.threshold,
            "good_labels": good,
            "rule": "score = 1 - the sum over good_labels; defective from the threshold on; named: the highest",
        }
    if description.task == "segmentation":
        return {
            "threshold": description.threshold,
            "rule": "a place is defective where 1 - nothing reaches the threshold, and of the label of the highest; "
            "the score of an image is the highest 1 - nothing on it",
        }
    return {
        "threshold": description.threshold,
        "overlap": description.overlap,
        "rule": "scores below the threshold are left out; of boxes of one label that overlap by more than `overlap` "
        "(IoU) only the highest stays; from shares of the input to pixels by what resize and pad did",
    }
