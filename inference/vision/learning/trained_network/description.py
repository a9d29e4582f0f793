"""What a trained network is: its task, its labels, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from inference.errors import ArtifactError
from inference.vision.images.preprocessing import Preprocessing

Task = Literal["classification", "segmentation", "detection"]
TASKS: tuple[Task, ...] = get_args(Task)
# The figure that a task is judged by first: epochs, runs and models are compared by it.
PRIMARY_FIGURES: Mapping[str, str] = {"classification": "macro_f1", "segmentation": "miou", "detection": "map50"}
INPUT_NAME = "images"
# What fills the input beside an image that keeps its proportions.
LETTERBOX_GRAY = 114


@dataclass(frozen=True)
class NetworkDescription:
    """A network's input is uint8 N×`height_px`×`width_px`×3 (RGB, preprocessed, resized); normalization is inside.

    Its outputs, by task, over `labels` in their order (K of them):

    * classification: `probabilities` float32 N×K, each row adds up to 1; where `has_activation`, also `activation`
      float32 N×K×h×w, the evidence of each label by place;
    * segmentation: `probabilities` float32 N×(K+1)×h×w over nothing and the labels, which are those of defects;
    * detection: `boxes` float32 N×Q×4 (left, top, right, bottom in shares of the input) and `scores` float32 N×Q×K,
      before overlapping boxes are removed.

    `good_labels` are those of good parts. `threshold` is the score from which a box or pixel counts (segmentation,
    detection) or a part is defective (classification); `backbone` and `licenses` say what it was made from.
    """

    task: Task
    recipe: str
    labels: tuple[str, ...]
    good_labels: frozenset[str]
    width_px: int
    height_px: int
    resize: str
    preprocessing: Preprocessing
    threshold: float
    has_activation: bool = False
    overlap: float = 0.5
    backbone: str = ""
    licenses: Mapping[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the graph's outputs, in order."""
        if self.task == "detection":
            return ("boxes", "scores")
        return ("probabilities", "activation") if self.has_activation else ("probabilities",)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the bundle's manifest and exports hold them."""
        return {
            "task": self.task,
            "recipe": self.recipe,
            "labels": list(self.labels),
            "good_labels": sorted(self.good_labels),
            "input": {"width_px": self.width_px, "height_px": self.height_px, "resize": self.resize},
            "preprocessing": self.preprocessing.to_dict(),
            "threshold": self.threshold,
            "has_activation": self.has_activation,
            "overlap": self.overlap,
            "backbone": self.backbone,
            "licenses": dict(self.licenses),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NetworkDescription:
        """Return the description in plain values. Raises ArtifactError(`artifact_damaged`) for others."""
        try:
            task, given = values["task"], values["input"]
            if task not in TASKS:
                raise ValueError(task)
            return cls(
                task=task,
                recipe=str(values["recipe"]),
                labels=tuple(str(label) for label in values["labels"]),
                good_labels=frozenset(str(label) for label in values["good_labels"]),
                width_px=int(given["width_px"]),
                height_px=int(given["height_px"]),
                resize=str(given["resize"]),
                preprocessing=Preprocessing.from_dict(values["preprocessing"]),
                threshold=float(values["threshold"]),
                has_activation=bool(values["has_activation"]),
                overlap=float(values["overlap"]),
                backbone=str(values["backbone"]),
                licenses={str(name): str(text) for name, text in values["licenses"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error
