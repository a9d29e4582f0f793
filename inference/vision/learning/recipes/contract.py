"""What every recipe is given and gives back, so that runs, scoring and export are written once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from inference.vision.learning.trained_network.description import NetworkDescription, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.images.preprocessing import Preprocessing
    from inference.vision.learning.recipes.settings import RecipeSettings

Split = Literal["train", "val", "test"]
# The label of a good part without a kind.
GOOD = "good"
# Why a training ended before its last epoch: the time that it may take was up.
TIME_LIMIT = "time_limit"
# The stages of what is done within an epoch: there progress, too, may raise EndEarly.
EPOCH_STAGES = frozenset({"epoch", "train"})


class EndEarly(Exception):
    """What a listener raises when the time is up: the best epoch so far is what is wanted.

    It comes once, and never before an epoch was told. A recipe catches it and returns the best of the epochs that it
    has told, `stopped_for` being `time_limit`; an epoch that is not whole is given up.
    """


@dataclass(frozen=True)
class LabeledBox:
    """A defect's place in pixels of the original image, and the code of its type."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Example:
    """One image to learn from or to measure on, loaded when it is needed.

    `key` is `image:7`; `label` the code of its type, `good` for a good part without a kind; `part` the name of its
    part; `weight` how often it is drawn beside the others. `load` gives RGB uint8 H×W×3 as the camera gave it
    (preprocessing is the recipe's to apply) or raises ImageError. `load_marks` gives bool H×W by the code of each
    marked type, empty where nobody marked the image; `load_boxes` the same as boxes.
    """

    key: str
    label: str
    is_defect: bool
    part: str
    split: Split
    domain: str
    content_sha256: str
    load: Callable[[], NDArray[np.uint8]] = field(repr=False, compare=False)
    load_marks: Callable[[], Mapping[str, NDArray[np.bool_]]] = field(repr=False, compare=False)
    load_boxes: Callable[[], tuple[LabeledBox, ...]] = field(repr=False, compare=False)
    weight: float = 1.0


@dataclass(frozen=True)
class ExampleSet:
    """The images of a training: `labels` in the order of the network's outputs, `good_labels` those of good parts."""

    labels: tuple[str, ...]
    good_labels: frozenset[str]
    preprocessing: Preprocessing
    modality: str
    examples: tuple[Example, ...] = field(repr=False)

    def of(self, *splits: Split) -> tuple[Example, ...]:
        """Return the examples of these splits, in order."""
        return tuple(example for example in self.examples if example.split in splits)

    @property
    def defect_labels(self) -> tuple[str, ...]:
        """Return the labels of defects, in order."""
        return tuple(label for label in self.labels if label not in self.good_labels)


@dataclass(frozen=True)
class RecipeContext:
    """Where a recipe computes: its weights file, the device (`cpu` or `cuda`), a folder for features that are kept."""

    weights: Path | None
    device: str = "cpu"
    cache: Path | None = None


@dataclass(frozen=True)
class EpochFigures:
    """What an epoch gave: `epoch` counts from 1; `val` are figures of validation by name; `seconds` its own time."""

    epoch: int
    epochs: int
    images_seen: int
    train_loss: float | None
    val_loss: float | None
    val: Mapping[str, float]
    learning_rate: float | None
    seconds: float


class Listener(Protocol):
    """Hears how far a training is. What it raises ends the training and comes through; called at least every second."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Hear that so much of a stage is done. Raises EndEarly within an epoch (EPOCH_STAGES) that takes too long."""
        ...

    def epoch(self, figures: EpochFigures) -> None:
        """Hear that an epoch is over, and its checkpoint written: what is heard here is not trained again.

        Whoever goes on from a checkpoint tells its last epoch once more: it may have been killed before it could.
        Raises EndEarly where it is to be the last.
        """
        ...


@dataclass(frozen=True)
class TrainingCost:
    """What a training is expected to take; `measured` says whether a few of its steps were timed for it.

    `ignored` names settings that the recipe does not use.
    """

    seconds: float
    memory_bytes: int
    images: int
    epochs: int
    measured: bool
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainedNetwork:
    """What a training gave: the best epoch's graph and what it is.

    `graph` is an ONNX model: input `images`, uint8 N×H×W×3 RGB, prepared and of the input's size, with N free; outputs
    as `NetworkDescription` says. `val` are the figures of validation of the best epoch, `figures` plain JSON of
    whatever else is worth keeping; `skipped` the keys of images that could not be read, with the code of the reason.
    """

    graph: bytes = field(repr=False)
    description: NetworkDescription
    best_epoch: int
    epochs_done: int
    val: Mapping[str, Any]
    figures: Mapping[str, Any] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    stopped_for: str = ""


class Recipe(ABC):
    """A way of training. `name` stands in configurations and rows; `goal` is the figure of validation that it improves.

    The same examples, settings and device give the same graph, to the last bit, also when the training was killed and
    went on from its last epoch in `scratch`.
    """

    name: str
    task: Task
    goal: str

    @abstractmethod
    def estimate(self, examples: ExampleSet, settings: RecipeSettings, context: RecipeContext) -> TrainingCost:
        """Return what the training will take, by measuring a few steps on a few of its images (some seconds).

        Raises ModelError, ImageError.
        """

    @abstractmethod
    def train(
        self,
        examples: ExampleSet,
        settings: RecipeSettings,
        context: RecipeContext,
        *,
        scratch: Path,
        listener: Listener,
    ) -> TrainedNetwork:
        """Return the network trained on `train`, its best epoch chosen on `val`; `test` is not looked at.

        `scratch` stays until the training has ended: it goes on from the last whole epoch in it. Raises ModelError,
        ImageError, and what the listener raises.
        """

    def read_checkpoint(self, scratch: Path) -> bytes | None:
        """Return the state of the last whole epoch as safetensors, None before the first: kept with the run."""
        return None
