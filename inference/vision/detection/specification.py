"""What a detector's package says of itself: all that the rest of the program needs to offer, build and load it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from inference.build_cost import BuildCost
from inference.errors import ModelError
from inference.vision.detection.detector import (
    Detector,
    DetectorConfig,
    ExtendableDetector,
    Features,
    FindWeights,
    GraphDetector,
    ImageSource,
    LabeledSource,
    Progress,
    UnseenScores,
)

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.errors import InferenceError
    from inference.vision.detection.defect_head.figures import HeadFigures
    from inference.vision.detection.input_choice import InputChoice
    from inference.vision.detection.purity import Outliers
    from inference.vision.images.preprocessing import Preprocessing
    from inference.vision.networks.runtime import Device

Config = TypeVar("Config", bound=DetectorConfig)
Taken = TypeVar("Taken", bound=Features)
Model = TypeVar("Model", bound=Detector)


@dataclass(frozen=True)
class TaughtModel(Generic[Model]):
    """A model that was taught with labeled defects, and what cross-validation says of it.

    `normal_scores` and `defect_scores` are those of the images, by key, by models that have not seen them. `skipped`
    are the labeled images that could not be used.
    """

    model: Model
    figures: HeadFigures
    normal_scores: Mapping[str, float]
    defect_scores: Mapping[str, float]
    skipped: Mapping[str, InferenceError]


@dataclass(frozen=True)
class OptionField:
    """A whole number that a model can be built with. `label` and `explanation` are msgids; None: the model's own."""

    name: str
    label: str
    explanation: str
    lowest: int
    highest: int
    step: int
    default: int | None


class DetectorSpec(ABC, Generic[Config, Taken, Model]):
    """A detector: its words, its options, and how it is built, calibrated and loaded.

    `name` stands in databases and bundles. `title` and `description` are msgids; `{backbone}` in the title stands for
    the network's name. It can be built on each of `backbones`; without any it needs no network. `no_tiles` is the
    msgid of the reason why it cannot inspect in tiles, empty where it can. `can_extend` says whether a model can learn
    a few more images without the old ones (`as_extendable`).

    An implementation imports what it computes with inside its methods: the specifications are read at every start.
    """

    name: str
    title: str
    description: str
    backbones: tuple[str, ...] = ()
    options: tuple[OptionField, ...] = ()
    no_tiles: str = ""
    can_extend: bool = False

    def make_config(
        self,
        *,
        backbone: str | None,
        preprocessing: Preprocessing,
        memory_budget_bytes: int,
        options: Mapping[str, Any],
    ) -> Config:
        """Return the configuration of a build; `options` are those that differ from the detector's own.

        Raises ModelError: `backbone_unknown`, `config_invalid`, `tiles_not_supported`.
        """
        if preprocessing.tile_size_px and self.no_tiles:
            raise ModelError("tiles_not_supported")
        return self.read_config(
            {
                **options,
                "backbone": backbone,
                "preprocessing": preprocessing.to_dict(),
                "memory_budget_bytes": memory_budget_bytes,
            }
        )

    def cost(
        self, of_network: BuildCost, *, backbone: str | None, size_px: int, options: Mapping[str, Any]
    ) -> BuildCost:
        """Return what a build costs, from what taking the features of its network at `size_px` costs.

        `of_network.image_bytes` are the features of one image, `bundle_bytes` those of the network's graph.
        """
        return of_network

    def as_extendable(self, model: Model) -> ExtendableDetector | None:
        """Return the model as one that can be extended, None where this one cannot."""
        return None

    def as_graph(self, model: Model) -> GraphDetector | None:
        """Return the model as one that several runtimes can compute, None where there is no such choice."""
        return None

    def choose_input(
        self,
        normals: Sequence[ImageSource],
        defects: Sequence[LabeledSource],
        config: Config,
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[Config, InputChoice | None]:
        """Return the configuration with the input that tells defects best, and why; None: there is no such choice.

        Raises as `extract`.
        """
        return config, None

    @abstractmethod
    def input_size_px(self, backbone: str | None) -> int:
        """Return the side of the input where no other is set."""

    @abstractmethod
    def read_config(self, values: Mapping[str, Any]) -> Config:
        """Return the configuration in plain values; absent ones have their default. Raises as `make_config`."""

    @abstractmethod
    def extract(
        self,
        sources: Sequence[ImageSource],
        config: Config,
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> Taken:
        """Take of normal images what a model is built from; those that cannot be used are skipped.

        `weights` is the network's file, None for the carried one. `progress` gets a stage (`features`, `calibration`,
        `fit`, `teaching`), the images done and all; what it raises comes through. Raises ModelError:
        `no_usable_images`, `out_of_memory`, `backbone_weights_missing`, `device_…`.
        """

    @abstractmethod
    def fit(self, features: Taken, *, weights: Path | None = None, progress: Progress | None = None) -> Model:
        """Return the model of the features. Raises ModelError(`out_of_memory`) and what `progress` raises."""

    @abstractmethod
    def cross_fit(self, features: Taken, *, progress: Progress | None = None) -> UnseenScores:
        """Return the scores of normal images by models that have not seen them. Raises as `fit`."""

    def leave_out(self, features: Taken, keys: Collection[str]) -> Taken | None:
        """Return the features without these images; None where they have to be taken again."""
        return None

    def find_odd(self, features: Taken, *, kept: Collection[str] = (), progress: Progress | None = None) -> Outliers:
        """Return images that do not belong to the others beside those that the cross-fitted scores tell.

        A person has said of `kept` that they are good. Raises what `progress` raises.
        """
        from inference.vision.detection.purity import NOBODY

        return NOBODY

    def teach(
        self,
        model: Model,
        features: Taken,
        unseen: UnseenScores,
        labeled: Sequence[LabeledSource],
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> TaughtModel[Model] | None:
        """Return the model taught with labeled defects; None where it cannot be, or there are too few of them.

        `features` and `unseen` are those of its normal images, `device` and `weights` as of `extract`. Raises as `fit`.
        """
        return None

    @abstractmethod
    def distance_scale(self, model: Model) -> float:
        """Return a distance that counts as different for this model, for a calibration whose scores are all 0."""

    @abstractmethod
    def describe(self, model: Model) -> dict[str, float | int | str | None]:
        """Return figures of the build, to keep with the version; None for a figure that is not finite."""

    @abstractmethod
    def load(
        self,
        bundle: Bundle,
        *,
        device: Device = "auto",
        find_weights: FindWeights | None = None,
        threads: int | None = None,
    ) -> Model:
        """Return the model in a verified bundle. `threads` None: as many as the process may use.

        Raises ArtifactError(`artifact_damaged`) and ModelError: `backbone_weights_changed`, `device_…`,
        `config_invalid`.
        """


AnyDetectorSpec = DetectorSpec[Any, Any, Any]
