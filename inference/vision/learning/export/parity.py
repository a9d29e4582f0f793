"""The proof that an exported network says what the trained one says: the same images, from bytes, on every runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.export.runtimes import ExportRuntime, Outputs
from inference.vision.learning.trained_network.description import NetworkDescription, Task
from inference.vision.learning.trained_network.runtime import NetworkRuntime

# How far a probability may differ between runtimes; other outputs by this share of their largest value.
TOLERANCE = 1e-3
# More than one at once: whoever uses the graph will.
BATCH = 4


@dataclass(frozen=True)
class RuntimeParity:
    """How far one runtime is from the network as it inspects here.

    `difference` is the largest of all probabilities and places, `changed` how many images it calls otherwise.
    """

    runtime: str
    difference: float
    changed: int
    ms_per_image: float

    @property
    def agrees(self) -> bool:
        """Return whether it says the same."""
        return self.difference <= TOLERANCE and self.changed == 0

    def to_json(self, *, with_times: bool = True) -> dict[str, Any]:
        """Return plain values; without times they are the same for the same network on the same machine."""
        found: dict[str, Any] = {
            "runtime": self.runtime,
            "max_difference": self.difference,
            "changed": self.changed,
        }
        return found | ({"ms_per_image": round(self.ms_per_image, 3)} if with_times else {})


@dataclass(frozen=True)
class ParityFigures:
    """What came of the comparison on so many images."""

    images: int
    runtimes: tuple[RuntimeParity, ...] = field(default=())

    def to_json(self, *, with_times: bool = True) -> dict[str, Any]:
        """Return plain values; without times they are the same for the same network on the same machine."""
        return {
            "images": self.images,
            "tolerance": TOLERANCE,
            "runtimes": [one.to_json(with_times=with_times) for one in self.runtimes],
        }

    def require(self) -> None:
        """Raise ModelError(`export_parity_failed`) with the figures of the first runtime that does not agree."""
        for one in self.runtimes:
            if not one.agrees:
                raise ModelError(
                    "export_parity_failed",
                    runtime=one.runtime,
                    difference=f"{one.difference:.2g}",
                    limit=f"{TOLERANCE:g}",
                    changed=one.changed,
                    count=self.images,
                )


def measure_parity(
    reference: NetworkRuntime,
    runtimes: Sequence[ExportRuntime],
    inputs: Iterable[NDArray[np.uint8]],
    *,
    limit_s: float = float("inf"),
    at_least: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> ParityFigures:
    """Return how far runtimes are from the reference on prepared inputs, uint8 H×W×3 each, in batches of 4.

    After `limit_s` seconds no further batch is begun, once `at_least` inputs are compared. Raises ModelError.
    """
    begun, images = clock(), 0
    differences = dict.fromkeys((one.name for one in runtimes), 0.0)
    changed = dict.fromkeys(differences, 0)
    seconds = dict.fromkeys(differences, 0.0)
    waiting: list[NDArray[np.uint8]] = []

    def compare() -> None:
        expected = reference.compute(waiting)
        for one in runtimes:
            started = time.perf_counter()
            found = one.compute(np.stack(waiting))
            seconds[one.name] += time.perf_counter() - started
            differences[one.name] = max(differences[one.name], find_difference(expected, found))
            changed[one.name] += count_changed(reference.description, expected, found)
        waiting.clear()

    for pixels in inputs:
        waiting.append(pixels)
        images += 1
        if len(waiting) == BATCH:
            compare()
            if images >= at_least and clock() - begun > limit_s:
                break
    if waiting:
        compare()
    return ParityFigures(
        images,
        tuple(
            RuntimeParity(
                one.name, differences[one.name], changed[one.name], 1000.0 * seconds[one.name] / max(1, images)
            )
            for one in runtimes
        ),
    )


def find_difference(expected: Outputs, found: Outputs) -> float:
    """Return the largest difference of all outputs, each in shares of its largest value where that is above 1.

    Infinite where a shape differs or a number is none.
    """
    largest = 0.0
    for name, values in expected.items():
        other = found[name]
        if other.shape != values.shape or not np.isfinite(other).all() or not np.isfinite(values).all():
            return float("inf")
        if values.size:
            scale = max(1.0, float(np.abs(values).max()))
            largest = max(largest, float(np.abs(values - other).max()) / scale)
    return largest


def count_changed(description: NetworkDescription, expected: Outputs, found: Outputs) -> int:
    """Return of how many images the likeliest label is another one."""
    one, other = (name_each(description.task, outputs) for outputs in (expected, found))
    return int((one != other).sum()) if one.shape == other.shape else len(one)


def name_each(task: Task, outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int64]:
    """Return for each image the number of the label that its outputs speak most for: int64 N.

    Of a segmentation that of the strongest place beside nothing, of a detection that of the highest score.
    """
    if task == "classification":
        return np.asarray(outputs["probabilities"].argmax(axis=1), np.int64)
    if task == "segmentation":
        return np.asarray(outputs["probabilities"][:, 1:].max(axis=(2, 3)).argmax(axis=1), np.int64)
    scores = outputs["scores"]
    if scores.shape[1] == 0:
        return np.full(len(scores), -1, np.int64)
    return np.asarray(scores.max(axis=1).argmax(axis=1), np.int64)
