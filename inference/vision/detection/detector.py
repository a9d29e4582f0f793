"""What every detector is given and what it must be able to do, as protocols; what only some can do, apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from inference.artifact import Manifest
    from inference.errors import InferenceError
    from inference.vision.detection.detection import Detection
    from inference.vision.detection.scoring import PatchDistances
    from inference.vision.images.preprocessing import Preprocessing
    from inference.vision.networks.runtime import FeatureRuntime

# The kind of bundle that every detector is kept in, by the name of the first one that there was.
KIND = "memory_bank"
Progress = Callable[[str, int, int], None]
# The weights file of a network by its name, None for the carried one.
FindWeights = Callable[[str], Path | None]
Refusal = Literal["set_otherwise", "lit_otherwise"]


@dataclass(frozen=True)
class ImageSource:
    """An image that is loaded when it is needed; `load` gives RGB uint8 H×W×3, or raises ImageError.

    `part` is what all exposures of one part share; empty: the image is a part of its own.
    """

    key: str
    load: Callable[[], np.ndarray]
    part: str = ""

    @property
    def part_key(self) -> str:
        """Return the part, or the image's own key where it has none."""
        return self.part or self.key


@dataclass(frozen=True)
class LabeledSource:
    """A defect image of a known type. `load_mask` gives bool H×W where the defect lies, None where nobody marked it.

    `load_marks`, of an image that shows several types, gives by label where each of them lies, bool H×W.
    """

    source: ImageSource
    label: str
    load_mask: Callable[[], np.ndarray | None]
    load_marks: Callable[[], Mapping[str, np.ndarray]] | None = None


class DetectorConfig(Protocol):
    """What a detector is built with; it travels in the bundle."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done with every image first."""
        ...


class Features(Protocol):
    """What a detector has taken of a set of images: it is fitted and calibrated from this alone."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The images that were used, in order."""
        ...

    @property
    def skipped(self) -> Mapping[str, InferenceError]:
        """The images that could not be used, by key."""
        ...


@dataclass(frozen=True)
class UnseenScores:
    """What models say of normal images that they have not seen, by key.

    `distances` are those of the images' patches, for a detector that has patches: a defect head is taught with them.
    """

    scores: Mapping[str, float]
    distances: Mapping[str, PatchDistances] = field(default_factory=dict, repr=False)


class Detector(Protocol):
    """A built model, ready to inspect: read-only, safe to share between threads."""

    @property
    def training_keys(self) -> tuple[str, ...]:
        """The images that it has learnt from."""
        ...

    @property
    def runtime_name(self) -> str:
        """What computes it: `openvino-cpu`, `torch-cuda` …"""
        ...

    @property
    def input_size_px(self) -> tuple[int, int]:
        """(height, width) that images are brought to."""
        ...

    def inspect(self, image: np.ndarray) -> Detection:
        """Inspect one image, RGB uint8 H×W×3 of any size. Raises ModelError."""
        ...

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Inspect images in order, as `inspect` does but in batches where that is faster. Raises ModelError."""
        ...

    def score_reference(self) -> tuple[float, np.ndarray]:
        """Return score and map of the reference image that the bundle carries."""
        ...

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = ...) -> Manifest:
        """Write the bundle into a new folder; `metadata` is kept beside the model's own."""
        ...


@runtime_checkable
class LooksCloser(Protocol):
    """A detector that names the type of a defect better at a second look, which only a defect is worth."""

    def look_closer(self, image: np.ndarray, detection: Detection) -> Detection:
        """Return the detection of the image, RGB uint8 H×W×3, with its type named better. Raises ModelError."""
        ...


def look_closer(model: Detector, image: np.ndarray, detection: Detection) -> Detection:
    """Return the detection with what the model sees of the type at a second look; score and map stay as they are.

    A model that looks no closer leaves all as it is. Raises ModelError.
    """
    return model.look_closer(image, detection) if isinstance(model, LooksCloser) else detection


class GraphDetector(Detector, Protocol):
    """A detector on the graph of a network, which every runtime of a machine can compute: they have to agree."""

    @property
    def runtime(self) -> FeatureRuntime:
        """What computes the graph."""
        ...

    @property
    def weights_sha256(self) -> str:
        """The hash of the weights that the graph was made from."""
        ...

    def score_reference(self, runtime: FeatureRuntime | None = None) -> tuple[float, np.ndarray]:
        """Return score and map of the reference image, by the model's own runtime or another one of the same graph."""
        ...


class ExtendableDetector(Detector, Protocol):
    """A detector that can learn a few more images without seeing the old ones again."""

    @property
    def reach(self) -> float:
        """How far any part of a training image may be from what the model keeps: it grows as the model is extended.

        A distance in the model's own space; infinite where that is not known.
        """
        ...

    def refuse_extension(
        self, sources: Sequence[ImageSource], config: Any, *, weights: Path | None, progress: Progress | None = None
    ) -> Refusal | None:
        """Return why a build of `config` from all these images cannot begin with this model; None where it can.

        It was set otherwise (settings, weights), or the light of the images has to be treated otherwise now.
        """
        ...

    def extract(self, sources: Sequence[ImageSource], *, progress: Progress | None = None) -> Features:
        """Take of more normal images what the model was built from, in the same way. Raises ModelError."""
        ...

    def extend(self, features: Any, *, progress: Progress | None = None) -> ExtendableDetector:
        """Return a new model that knows the images of `features` (from `extract`) too. Raises ModelError."""
        ...

    def score_unseen(
        self, features: Any, *, seen_parts: Collection[str] = (), progress: Progress | None = None
    ) -> UnseenScores:
        """Return the scores of images (from `extract`) that this model has not seen, nor their parts.

        Images of `seen_parts` (as `ImageSource.part_key`) have no score: the model knows them by another exposure.
        Raises ModelError.
        """
        ...
