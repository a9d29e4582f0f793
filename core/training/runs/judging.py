"""What a trained network says of an image, and how right that is: one judge a task, and the figures of many images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inference.vision.learning.recipes.contract import GOOD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.learning.recipes.contract import Example
    from inference.vision.learning.trained_network.decoding import ScoredBox, SegmentedImage
    from inference.vision.learning.trained_network.description import NetworkDescription

Outputs = Mapping[str, "NDArray[np.float32]"]
# So many of the likeliest labels are kept of an image.
_MOST_LABELS = 10
# From which overlap on an image is segmented right; and what is a whole, for figures that were added up.
_RIGHT_SHARE, _WHOLE = 0.5, 1.0 - 1e-9
# Boxes of lower scores make no difference to a curve.
_LOWEST_SCORE = 0.01


@dataclass(frozen=True)
class Judgment:
    """What was said of an image: see `ImageResult`. `detail` is what the figures of the task are made of."""

    named: str
    right: bool
    quality: float
    score: float | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[Mapping[str, Any], ...] = ()
    detail: Any = field(default=None, repr=False, compare=False)


class Judge(ABC):
    """Reads the outputs of a network of one task."""

    def __init__(self, description: NetworkDescription) -> None:
        self.description = description

    @abstractmethod
    def judge(self, example: Example, outputs: Outputs, size_px: tuple[int, int]) -> Judgment:
        """Return what the outputs of one image say, and how right it is; `size_px` is the image's (width, height).

        Raises ImageError for marks that cannot be read.
        """

    @abstractmethod
    def draw_map(self, outputs: Outputs, named: str, size_px: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return the map of what was named, float32 H×W; None where the network gives none."""

    @abstractmethod
    def measure(self, judged: Sequence[tuple[Example, Judgment]]) -> dict[str, Any]:
        """Return the figures of these images as plain values."""


class ClassificationJudge(Judge):
    """The likeliest label, and how sure it is of any defect."""

    def judge(self, example: Example, outputs: Outputs, size_px: tuple[int, int]) -> Judgment:
        """Return what the outputs of one image say."""
        import numpy as np

        shares = outputs["probabilities"].astype(np.float64)
        labels, good = self.description.labels, self.description.good_labels
        order = np.argsort(-shares, kind="stable")
        named = labels[int(order[0])]
        right = named == example.label
        return Judgment(
            named=named,
            right=right,
            quality=float(right),
            score=float(sum(share for label, share in zip(labels, shares, strict=True) if label not in good)),
            probabilities={labels[int(place)]: float(shares[place]) for place in order[:_MOST_LABELS]},
            detail=shares,
        )

    def draw_map(self, outputs: Outputs, named: str, size_px: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return the evidence by place of the label that was named."""
        activation = outputs.get("activation")
        if activation is None or named not in self.description.labels:
            return None
        found: NDArray[np.float32] = activation[self.description.labels.index(named)]
        return found

    def measure(self, judged: Sequence[tuple[Example, Judgment]]) -> dict[str, Any]:
        """Return top-1, top-5, macro F1, figures of each label and domain, and the confusion matrix."""
        import numpy as np

        from inference.vision.learning.measures.classification import measure_classification

        found: dict[str, Any] = measure_classification(
            self.description.labels,
            self.description.good_labels,
            [example.label for example, _ in judged],
            np.stack([judgment.detail for _, judgment in judged]),
            [example.domain for example, _ in judged],
        ).to_json()
        return found


class SegmentationJudge(Judge):
    """Where each defect is, pixel by pixel."""

    def judge(self, example: Example, outputs: Outputs, size_px: tuple[int, int]) -> Judgment:
        """Return what the outputs of one image say."""
        import numpy as np

        from inference.vision.learning.measures.segmentation import count_pixels, measure_pixels

        found, labels = self._decode(outputs, size_px), self.description.labels
        areas = {label: int(mask.sum()) for label, mask in found.mask_by_label.items() if mask.any()}
        named = max(areas, key=lambda label: (areas[label], label)) if areas else GOOD
        counts = count_pixels(labels, example.load_marks(), found.mask_by_label)
        overlap = measure_pixels(labels, [counts]).miou
        quality = 1.0 if overlap is None else float(overlap)
        is_named = named == example.label or not (example.is_defect or areas)
        boxes = tuple(_write_box(box) for box in found.boxes)
        score = float(found.map.max()) if found.map.size else 0.0
        right = is_named and quality >= _RIGHT_SHARE
        return Judgment(named, right, quality, score, boxes=boxes, detail=np.asarray(counts))

    def draw_map(self, outputs: Outputs, named: str, size_px: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return the probability of any defect by place."""
        found: NDArray[np.float32] = self._decode(outputs, size_px).map
        return found

    def measure(self, judged: Sequence[tuple[Example, Judgment]]) -> dict[str, Any]:
        """Return mean IoU, that of all defects against the rest, and figures of each label and domain."""
        from inference.vision.learning.measures.segmentation import measure_pixels

        labels = self.description.labels
        found: dict[str, Any] = measure_pixels(labels, [one.detail for _, one in judged]).to_json()
        for domain in sorted({example.domain for example, _ in judged}):
            own = measure_pixels(labels, [one.detail for example, one in judged if example.domain == domain])
            figures = {"n": own.n, "miou": own.miou, "mask_iou": own.mask_iou, "f1": own.f1}
            found["per_domain"] = {**found["per_domain"], domain: figures}
        return found

    def _decode(self, outputs: Outputs, size_px: tuple[int, int]) -> SegmentedImage:
        from inference.vision.learning.trained_network.decoding import decode_segmentation
        from inference.vision.learning.trained_network.input import place_image

        placement = place_image(*size_px, self.description)
        return decode_segmentation(outputs["probabilities"], self.description, placement, size_px)


class DetectionJudge(Judge):
    """Boxes with labels."""

    def judge(self, example: Example, outputs: Outputs, size_px: tuple[int, int]) -> Judgment:
        """Return what the outputs of one image say."""
        from inference.vision.learning.measures.detection import measure_detection
        from inference.vision.learning.trained_network.decoding import decode_boxes
        from inference.vision.learning.trained_network.input import place_image

        description = self.description
        placement = place_image(*size_px, description)
        found = decode_boxes(
            outputs["boxes"], outputs["scores"], description, placement, size_px, threshold=_LOWEST_SCORE
        )
        told = [box for box in found if box.score >= description.threshold]
        truth = example.load_boxes()
        figures = measure_detection(description.labels, [truth], [told], threshold=description.threshold)
        quality = figures.f1 if truth or told else 1.0
        return Judgment(
            named=told[0].label if told else GOOD,
            right=quality >= _WHOLE,
            quality=quality,
            score=found[0].score if found else 0.0,
            boxes=tuple(_write_box(box) for box in told),
            detail=(truth, found),
        )

    def draw_map(self, outputs: Outputs, named: str, size_px: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return None: boxes are drawn as they are."""
        return None

    def measure(self, judged: Sequence[tuple[Example, Judgment]]) -> dict[str, Any]:
        """Return mAP50, mAP50-95, figures of each label and domain, and curves."""
        from inference.vision.learning.measures.detection import measure_detection

        found: dict[str, Any] = measure_detection(
            self.description.labels,
            [one.detail[0] for _, one in judged],
            [one.detail[1] for _, one in judged],
            [example.domain for example, _ in judged],
            threshold=self.description.threshold,
        ).to_json()
        return found


_JUDGES: Mapping[str, type[Judge]] = {
    "classification": ClassificationJudge,
    "segmentation": SegmentationJudge,
    "detection": DetectionJudge,
}


def open_judge(description: NetworkDescription) -> Judge:
    """Return the judge of a network's task."""
    return _JUDGES[description.task](description)


def _write_box(box: ScoredBox) -> dict[str, Any]:
    return {
        "x": round(float(box.x), 2),
        "y": round(float(box.y), 2),
        "width": round(float(box.width), 2),
        "height": round(float(box.height), 2),
        "score": round(float(box.score), 5),
        "label": box.label,
    }
