"""What a method says of an image, the same for all methods, so that they can stand side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from inference.errors import InferenceError


@dataclass(frozen=True)
class PredictedBox:
    """A place in the original image, in its pixels, with its score and the code of the type that the method names."""

    x: float
    y: float
    width: float
    height: float
    score: float
    label: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the table of predictions keeps them."""
        return {
            "x": self.x,
            "y": self.y,
            "width": self.width,
            "height": self.height,
            "score": self.score,
            "label": self.label,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PredictedBox:
        """Return the box in plain values. Raises KeyError and ValueError for others."""
        x, y, width, height, score = (float(values[name]) for name in ("x", "y", "width", "height", "score"))
        return cls(x, y, width, height, score, str(values.get("label", "")))


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one method says of one image.

    `score` grows with how defective the image seems, in the method's own unit; None where there is no prediction, and
    then `error` says why. `class_probabilities` are by code of the type (`good` for good parts without a kind) and add
    up to 1; empty for a method that names no types. `boxes` and `anomaly_map` (float32 H'×W', any size, over the whole
    image) show where. `words` is the method's own reason, as it gave it. `ms` is the time that this image took.
    """

    score: float | None
    class_probabilities: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[PredictedBox, ...] = ()
    anomaly_map: np.ndarray | None = field(default=None, repr=False)
    words: str = ""
    ms: float = 0.0
    error: InferenceError | None = None


class Method(Protocol):
    """A method that is ready to be asked: trained, loaded or reached. Safe to use from one thread at a time."""

    @property
    def name(self) -> str:
        """The code by which it is registered."""
        ...

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return what the method says of images, RGB uint8 H×W×3, in their order.

        An image on which it fails has a Prediction with `error`; the others have theirs. Raises ModelError where the
        method cannot be asked at all.
        """
        ...
