"""What a PaDiM model is built with; kept in its bundle, so that inspection never depends on today's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from inference.errors import InferenceError, ModelError
from inference.vision.detection.config import PatchCoreConfig
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.backbones import CARRIED, BackboneSpec, find_backbone

_GIBIBYTE = 1024**3
_MAX_IMAGES = 600
_MIN_IMAGES = 16


@dataclass(frozen=True)
class PadimConfig:
    """The settings of a PaDiM model.

    `channel_count` of the backbone's channels are drawn at random, by `seed` (the paper finds 100 as good as a few
    hundred). `memory_budget_bytes` bounds the features held while building and, to a quarter of it, the covariances.
    All others mean what they mean in `PatchCoreConfig`.
    Raises ModelError(`config_invalid`, `backbone_unknown`, `tiles_not_supported`).
    """

    backbone: str = CARRIED
    levels: tuple[str, ...] | None = None
    input_size_px: int | None = None
    channel_count: int = 100
    patch_window: int = 3
    score_share: float = 0.01
    blur_sigma_px: float = 4.0
    even_light: bool | None = PatchCoreConfig.even_light
    seed: int = 0
    memory_budget_bytes: int = 2 * _GIBIBYTE
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    def __post_init__(self) -> None:
        if self.preprocessing.tile_size_px:
            # It compares each place with the same place of other parts; tiles belong to no place.
            raise ModelError("tiles_not_supported")
        highest = self.extraction.spec.dimension
        covariance_bytes = 4 * self._cell_count * self.channel_count**2
        right = 2 <= self.channel_count <= highest and covariance_bytes <= self.memory_budget_bytes // 4
        if not right:
            raise ModelError("config_invalid", field="channel_count", value=self.channel_count)

    @property
    def extraction(self) -> PatchCoreConfig:
        """How features are taken: as for PatchCore, so that both see an image in the same way."""
        return PatchCoreConfig(
            backbone=self.backbone,
            levels=self.levels,
            # The covariances of all places grow with the input's area, so it is the network's own unless given.
            input_size_px=self.input_size_px or find_backbone(self.backbone).input_size_px,
            patch_window=self.patch_window,
            score_share=self.score_share,
            colour_weight=0.0,
            blur_sigma_px=self.blur_sigma_px,
            even_light=self.even_light,
            seed=self.seed,
            memory_budget_bytes=self.memory_budget_bytes,
            preprocessing=self.preprocessing,
        )

    @property
    def spec(self) -> BackboneSpec:
        """The backbone with the levels of this configuration."""
        return self.extraction.spec

    @property
    def image_limit(self) -> int:
        """How many images are learnt from: more do not sharpen a Gaussian of so few channels, but cost memory."""
        # A third more cells than a square has, for inputs whose sides are rounded up.
        image_bytes = 4 * self.spec.dimension * self._cell_count * 4 // 3
        return min(max(self.memory_budget_bytes // (2 * image_bytes), _MIN_IMAGES), _MAX_IMAGES)

    @property
    def _cell_count(self) -> int:
        extraction = self.extraction
        return int((extraction.size_px // extraction.spec.strides[0]) ** 2)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` reads them back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["levels"] = None if self.levels is None else list(self.levels)
        values["preprocessing"] = self.preprocessing.to_dict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PadimConfig:
        """The configuration in `values`; absent fields have their default. Raises ModelError(`config_invalid`)."""
        known = {item.name for item in fields(cls)}
        for name in values:
            if name not in known:
                raise ModelError("config_invalid", field=str(name), value="set here")
        given = dict(values)
        if given.get("levels") is not None:
            given["levels"] = tuple(given["levels"])
        if "preprocessing" in given:
            given["preprocessing"] = Preprocessing.from_dict(given["preprocessing"])
        try:
            return cls(**given)
        except InferenceError:
            raise
        except TypeError as error:
            raise ModelError("config_invalid", field="values", value=str(error)) from error
