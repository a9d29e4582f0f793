"""A detector in a few lines, on no network: how far a small gray picture of a part is from the mean of good ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import InferenceError
from inference.vision.detection.detection import Detection, locate
from inference.vision.detection.detector import KIND, ImageSource, Progress, UnseenScores
from inference.vision.detection.specification import DetectorSpec, OptionField
from inference.vision.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class ToyConfig:
    preprocessing: Preprocessing
    side_px: int = 16


@dataclass(frozen=True)
class ToyPictures:
    config: ToyConfig
    pictures: dict[str, np.ndarray]
    skipped: dict[str, InferenceError] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.pictures)


@dataclass(frozen=True)
class ToyModel:
    config: ToyConfig
    mean: np.ndarray
    training_keys: tuple[str, ...]
    runtime_name: str = "numpy"

    @property
    def input_size_px(self) -> tuple[int, int]:
        return (self.config.side_px, self.config.side_px)

    def inspect(self, image: np.ndarray) -> Detection:
        distances = np.abs(shrink(image, self.config) - self.mean)
        place = locate(int(distances.argmax()), distances.shape)
        size_px = (image.shape[1], image.shape[0])
        return Detection(float(distances.max()), distances, size_px, self.training_keys[0], place, place)

    def inspect_many(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        return map(self.inspect, images)

    def score_reference(self) -> tuple[float, np.ndarray]:
        found = self.inspect(np.zeros((*self.input_size_px, 3), np.uint8))
        return found.score, found.anomaly_map

    def save(self, folder: Path, *, metadata: Mapping[str, Any] = {}) -> Manifest:
        score, anomaly_map = self.score_reference()
        kept = {"side_px": self.config.side_px, "preprocessing": self.config.preprocessing.to_dict()}
        document = {"detector": "toy", "config": kept, "keys": self.training_keys, "golden": {"score": score}}
        tensors = {"mean": self.mean, "golden_map": anomaly_map}
        return write_bundle(folder, kind=KIND, metadata={**document, "user": dict(metadata)}, tensors=tensors)


class ToySpec(DetectorSpec[ToyConfig, ToyPictures, ToyModel]):
    name, title, description = "toy", "Mean picture", "Compares a part with the mean of good ones."
    options = (OptionField("side_px", "Side (px)", "Larger pictures show smaller defects.", 8, 64, 4, 16),)
    no_tiles = "The mean picture has no tiles."

    def input_size_px(self, backbone: str | None) -> int:
        return 16

    def read_config(self, values: Mapping[str, Any]) -> ToyConfig:
        return ToyConfig(Preprocessing.from_dict(values["preprocessing"]), int(values.get("side_px", 16)))

    def extract(
        self, sources: Sequence[ImageSource], config: ToyConfig, *, progress: Progress | None = None, **_: Any
    ) -> ToyPictures:
        return ToyPictures(config, {source.key: shrink(source.load(), config) for source in sources})

    def fit(self, features: ToyPictures, **_: Any) -> ToyModel:
        return ToyModel(features.config, np.mean(list(features.pictures.values()), axis=0), features.keys)

    def cross_fit(self, features: ToyPictures, **_: Any) -> UnseenScores:
        total, count = sum(features.pictures.values()), max(len(features.keys) - 1, 1)
        return UnseenScores(
            {key: float(np.abs(one - (total - one) / count).max()) for key, one in features.pictures.items()}
        )

    def distance_scale(self, model: ToyModel) -> float:
        return 1.0

    def describe(self, model: ToyModel) -> dict[str, float | int | str | None]:
        return {"detector": self.name, "n_pictures": len(model.training_keys)}

    def load(self, bundle: Bundle, **_: Any) -> ToyModel:
        config = self.read_config(bundle.metadata["config"])
        return ToyModel(config, bundle.tensors["mean"], tuple(bundle.metadata["keys"]))


def shrink(image: np.ndarray, config: ToyConfig) -> np.ndarray:
    gray = cv2.cvtColor(config.preprocessing.apply(image), cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, (config.side_px, config.side_px), interpolation=cv2.INTER_AREA).astype(np.float32)
