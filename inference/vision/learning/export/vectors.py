"""Images whose way through an exported network is written down: their bytes, the input, and what comes out.

Whoever builds a client proves with them that it does the same, step by step. Six are images as they are; one is shrunk
below the input and one cut to an odd size, so that every branch of the rule by which sizes change is gone through.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.images.decode import decode
from inference.vision.images.encoding import encode_png
from inference.vision.learning.export.parity import TOLERANCE, name_each
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime

COUNT = 8
INDEX_NAME = "vectors.json"
# Larger images are shrunk first: it is the steps that are tried, not the camera.
_LONGEST_PX = 1600
# Of an input without 64 px a side nothing would be left.
_SMALLER, _CUT = 0.6, (0.83, 0.91)


@dataclass(frozen=True)
class Vector:
    """One image as PNG, the input that it becomes, uint8 H×W×3, and the outputs by name, float32 without N."""

    name: str
    image: bytes = field(repr=False)
    tensor: NDArray[np.uint8] = field(repr=False)
    outputs: Mapping[str, NDArray[np.float32]] = field(repr=False)


def make_vectors(
    images: Sequence[NDArray[np.uint8]], description: NetworkDescription, reference: NetworkRuntime
) -> tuple[Vector, ...]:
    """Return eight vectors of one image or more, RGB uint8 H×W×3, in their order; few images are used again.

    What is written down comes from the PNG's bytes by the one decoder. Raises ModelError(`export_without_images`).
    """
    if not images:
        raise ModelError("export_without_images")
    plain = [_shrink(image, _LONGEST_PX) for image in images]
    chosen = [plain[place % len(plain)] for place in range(COUNT)]
    # An image that is used again is mirrored, so that no two vectors are the same.
    chosen = [np.ascontiguousarray(one[:, ::-1]) if place >= len(plain) else one for place, one in enumerate(chosen)]
    longest = round(_SMALLER * min(description.width_px, description.height_px))
    chosen[-2] = _shrink(chosen[-2], max(8, longest))
    chosen[-1] = _cut(chosen[-1])
    vectors = []
    for place, pixels in enumerate(chosen, start=1):
        data = encode_png(pixels)
        tensor = prepare_input(decode(data).pixels, description)
        outputs = {name: values[0] for name, values in reference.compute([tensor]).items()}
        vectors.append(Vector(f"{place:02d}", data, tensor, outputs))
    return tuple(vectors)


def write_vectors(vectors: Sequence[Vector], description: NetworkDescription) -> dict[str, bytes]:
    """Return the files of vectors by name: PNG, raw little-endian arrays in C order, and `vectors.json`."""
    files: dict[str, bytes] = {}
    listed: list[dict[str, Any]] = []
    for one in vectors:
        files[f"{one.name}.png"] = one.image
        files[f"{one.name}.input.bin"] = one.tensor.tobytes()
        outputs = {}
        for name, values in one.outputs.items():
            files[f"{one.name}.{name}.bin"] = np.ascontiguousarray(values, "<f4").tobytes()
            outputs[name] = {"file": f"{one.name}.{name}.bin", "dtype": "float32", "shape": list(values.shape)}
        place = int(name_each(description.task, {name: values[None] for name, values in one.outputs.items()})[0])
        listed.append(
            {
                "name": one.name,
                "image": f"{one.name}.png",
                "image_sha256": hashlib.sha256(one.image).hexdigest(),
                "input": {"file": f"{one.name}.input.bin", "dtype": "uint8", "shape": list(one.tensor.shape)},
                "outputs": outputs,
                "likeliest": description.labels[place] if place >= 0 else "",
            }
        )
    document = {"tolerance": TOLERANCE, "byte_order": "little", "vectors": listed}
    files[INDEX_NAME] = (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
    return files


def _shrink(image: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    share = longest_px / max(height, width)
    if share >= 1.0:
        return image
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _cut(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the image without its right and lower rim, odd sides: no factor of the input's fits into them."""
    height, width = (max(1, round(side * share) | 1) for side, share in zip(image.shape[:2], _CUT, strict=True))
    return np.ascontiguousarray(image[:height, :width])
