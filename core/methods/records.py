"""What a method is, what it is trained on, and what comes of that: the words that all methods share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.errors import AppError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from inference.artifact import Bundle, Manifest
    from inference.vision.comparison.predictions import Method
    from inference.vision.images.preprocessing import Preprocessing

Split = Literal["train", "val", "test"]
ImageKind = Literal["normal", "defect"]
# The stage, what is done of it, and all of it. What it raises ends the training and comes through.
Progress = Callable[[str, int, int], None]
# The label of a good part without a kind.
GOOD = "good"


@dataclass(frozen=True)
class Sample:
    """One image of a dataset version, loaded when it is needed.

    `key` is `image:7`; `label` the code of its type, `good` for a good part without a kind; `part` the name of its
    part, the key where it is a part of its own. `load` gives RGB uint8 H×W×3 or raises ImageError; `load_mask` gives
    bool H×W where the defect lies, None where nobody marked it; `load_marks` the same by the code of each type, for an
    image that shows several; empty where it shows only its own.
    """

    key: str
    image_id: int
    image_type: ImageKind
    label: str
    part: str
    view: str
    split: Split
    content_sha256: str
    load: Callable[[], NDArray[np.uint8]] = field(repr=False, compare=False)
    load_mask: Callable[[], NDArray[np.bool_] | None] = field(repr=False, compare=False)
    load_marks: Callable[[], Mapping[str, NDArray[np.bool_]]] = field(repr=False, compare=False)

    @property
    def is_defect(self) -> bool:
        """Return whether it shows a defect."""
        return self.image_type == "defect"


@dataclass(frozen=True)
class LabelWords:
    """What a label means: its names, whether it is a kind of good part, and what a model of words asks for."""

    label: str
    name_ko: str
    name_en: str
    is_good: bool
    phrase: str = ""
    description: str = ""


@dataclass(frozen=True)
class TrainingSet:
    """The images of one view of a dataset version, with what is needed to understand them.

    `view` is empty for a product without views, and then `samples` are all images. `labels` are those that occur among
    the samples, in alphabetical order, `good` included; `modality` is that of the view (`rgb` without one).
    `preprocessing` is what is set for the view: methods that are trained apply it and keep it.
    """

    dataset_version_id: int
    content_hash: str
    product_id: int
    product_code: str
    product_name_ko: str
    product_name_en: str
    view: str
    modality: str
    preprocessing: Preprocessing
    labels: tuple[LabelWords, ...]
    samples: tuple[Sample, ...]

    def of(self, *splits: Split, image_type: ImageKind | None = None) -> tuple[Sample, ...]:
        """Return the samples of these splits, in order, of one kind of image or of both."""
        return tuple(
            sample for sample in self.samples if sample.split in splits and image_type in (None, sample.image_type)
        )

    def find_label(self, label: str) -> LabelWords | None:
        """Return what the label means, None for one that does not occur."""
        return next((words for words in self.labels if words.label == label), None)


class MethodConfig(Protocol):
    """What a method is trained or asked with: a frozen dataclass that raises ModelError(`config_invalid`)."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values, from which `MethodSpec.read_config` makes the same."""
        ...


@dataclass(frozen=True)
class ConfigField:
    """A value that a person may set. `label`, `explanation` and the titles in `choices` (value, title) are msgids.

    `kind` says what it is; `lowest`, `highest` and `step` are those of numbers.
    """

    name: str
    label: str
    explanation: str
    kind: Literal["int", "float", "choice", "text"]
    default: Any
    lowest: float = 0.0
    highest: float = 0.0
    step: float = 1.0
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MethodThresholds:
    """Where the score of a method is for review and for reject, by the images of validation alone.

    `method` says how they were chosen: `f1_max`, `percentile`, `mean_std`.
    """

    review_at: float
    reject_at: float
    method: str
    figures: Mapping[str, float | int | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the row of a trained method keeps them."""
        return {
            "review_at": self.review_at,
            "reject_at": self.reject_at,
            "method": self.method,
            "figures": dict(self.figures),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MethodThresholds | None:
        """Return what a row keeps, None where it has none. Raises KeyError and ValueError for other values."""
        if not values:
            return None
        return cls(
            float(values["review_at"]),
            float(values["reject_at"]),
            str(values["method"]),
            dict(values.get("figures", {})),
            tuple(values.get("warnings", ())),
        )


class SavableMethod(Protocol):
    """A method that a bundle can hold: `Method`, and `save`."""

    @property
    def name(self) -> str:
        """The code by which it is registered."""
        ...

    def predict(self, images: Sequence[np.ndarray]) -> Any:
        """Return what the method says of images, as `Method.predict` does."""
        ...

    def save(self, folder: Path) -> Manifest:
        """Write the bundle into a new folder. Raises as `write_bundle`."""
        ...


@dataclass(frozen=True)
class TrainedMethod:
    """What training gave: the method, ready to be asked, its thresholds, and figures to keep with its row.

    `figures` are plain JSON. `thresholds` are None where the validation images were too few or unreadable.
    """

    method: SavableMethod
    thresholds: MethodThresholds | None
    figures: Mapping[str, Any]


class MethodSpec(ABC):
    """A method: its words, what can be set, and what it needs. It is a `TrainedSpec` or an `AskedSpec`.

    `name` stands in databases and files; `title` and `description` are msgids. `kind` is the kind of its bundle, empty
    for a method without one. `revision` grows when the same configuration would train another model, so that models of
    before are not taken for it. `names_types` says whether its predictions have class probabilities, `hangs_on_stored`
    whether what can be set hangs on what is stored (`list_choices`).

    An implementation imports what it computes with inside its methods.
    """

    name: str
    title: str
    description: str
    fields: tuple[ConfigField, ...] = ()
    is_trained: bool
    names_types: bool = False
    hangs_on_stored: bool = False
    kind: str = ""
    revision: int = 1

    @abstractmethod
    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values; absent ones have their default.

        Raises BadInput(`method_option_unknown`, `method_option_out_of_range`, `method_option_no_choice`).
        """

    def find_obstacle(self, services: Services) -> AppError | None:
        """Return what must be set or added before the method can be used on this machine; None where it can."""
        return None

    def find_data_obstacle(self, training: TrainingSet) -> AppError | None:
        """Return what these images lack for the method (no good ones, one class only …); None where they will do."""
        return None

    def list_choices(self, services: Services, training: TrainingSet) -> Mapping[str, tuple[tuple[Any, str], ...]]:
        """Return, by field, values that hang on what is stored, each with the name that people gave it (no msgid)."""
        return {}

    def find_no_choice(self, services: Services, training: TrainingSet) -> AppError | None:
        """Return why a field of `list_choices` has nothing to choose from; None for a method without such a field."""
        return None

    def find_choice_obstacle(self, services: Services, training: TrainingSet, config: MethodConfig) -> AppError | None:
        """Return why this configuration cannot be used on these images; None where it can."""
        return None


class TrainedSpec(MethodSpec):
    """A method that is trained on a dataset version and kept as a bundle."""

    is_trained = True

    @abstractmethod
    def train(
        self,
        services: Services,
        training: TrainingSet,
        config: MethodConfig,
        *,
        scratch: Path,
        progress: Progress,
    ) -> TrainedMethod:
        """Return the method trained on the split `train`, with thresholds by the split `val`.

        `scratch` is a folder that stays until the method is trained: a training that was killed goes on from there, and
        ends with the same model. The same call gives the same model, to the last digit. Raises NotReady, ModelError,
        ImageError, and what `progress` raises.
        """

    @abstractmethod
    def load(self, services: Services, bundle: Bundle) -> Method:
        """Return the method in a verified bundle. Raises ArtifactError, ModelError."""


class AskedSpec(MethodSpec):
    """A method that is asked as it is: nothing of it is trained here."""

    is_trained = False

    @abstractmethod
    def open(self, services: Services, training: TrainingSet, config: MethodConfig) -> Method:
        """Return a method that is not trained, for the labels, modality and good samples of these images.

        Raises AppError as `find_obstacle` returns it, ModelError.
        """
