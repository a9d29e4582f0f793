"""What a detector is built with; kept in its bundle, so that inspection never depends on today's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from inference.errors import InferenceError, ModelError
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.backbones import CARRIED, BackboneSpec, find_backbone

_GIBIBYTE = 1024**3


@dataclass(frozen=True)
class PatchCoreConfig:
    """The settings of a memory bank. The defaults are those measured in `benchmarks/README.md`.

    `input_size_px` is the side of a square of the same area as the input (None: the backbone's own for patches); the
    shape of the input follows the shape of the training images. The bank holds `coreset_ratio` of all
    patches, but at least `min_bank_size` and at most `max_bank_size`. `neighbours` is how many nearest rows a patch's
    distance is averaged over; distances are smoothed over the grid (`smoothing_cells`, a Gaussian's sigma), and
    `score_share` is the share of patches, the highest ones, whose mean is the image's score. `projected_share` is the
    share of the feature dimensions that patches are brought down to (None: they are compared as they are).
    `colour_weight` is how much the colour of a place beside that of its surroundings counts: the spread of a* and of
    b*, as a share of that of all features together (0: not at all).
    `even_light` brings every image to one mean and contrast before its features are taken (None: where the training
    images differ enough in light for that).
    `memory_budget_bytes` bounds the patches that are held while building. `levels` None: the backbone's own.

    Raises ModelError(`config_invalid`), or ModelError(`backbone_unknown`).
    """

    backbone: str = CARRIED
    levels: tuple[str, ...] | None = None
    input_size_px: int | None = None
    patch_window: int = 3
    coreset_ratio: float = 0.02
    min_bank_size: int = 2048
    max_bank_size: int = 4096
    neighbours: int = 1
    smoothing_cells: float = 0.7
    score_share: float = 0.003
    projected_share: float | None = 0.36
    colour_weight: float = 0.4  # bundles have it by this name
    blur_sigma_px: float = 4.0
    even_light: bool | None = None
    seed: int = 0
    memory_budget_bytes: int = 2 * _GIBIBYTE
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    def __post_init__(self) -> None:
        spec = self.spec
        _require(64 <= self.size_px <= 1024, "input_size_px", self.input_size_px)
        _require(self.patch_window in (1, 3, 5, 7), "patch_window", self.patch_window)
        _require(0.0 < self.coreset_ratio <= 1.0, "coreset_ratio", self.coreset_ratio)
        _require(self.min_bank_size >= 1, "min_bank_size", self.min_bank_size)
        _require(self.min_bank_size <= self.max_bank_size, "max_bank_size", self.max_bank_size)
        _require(1 <= self.neighbours <= 50, "neighbours", self.neighbours)
        _require(0.0 < self.score_share <= 1.0, "score_share", self.score_share)
        _require(0.0 <= self.smoothing_cells <= 8.0, "smoothing_cells", self.smoothing_cells)
        _require(
            self.projected_share is None or 0.0 < self.projected_share <= 1.0, "projected_share", self.projected_share
        )
        _require(0.0 <= self.colour_weight <= 4.0, "colour_weight", self.colour_weight)
        _require(self.even_light in (None, False, True), "even_light", self.even_light)
        _require(0.0 <= self.blur_sigma_px <= 64.0, "blur_sigma_px", self.blur_sigma_px)
        _require(0 <= self.seed < 2**63, "seed", self.seed)
        # At least a few images of a fine grid must fit, or no bank can be built at all.
        least = 16 * self.dimension * 4 * (self.size_px // spec.strides[0]) ** 2
        _require(self.memory_budget_bytes >= least, "memory_budget_bytes", self.memory_budget_bytes)

    @property
    def spec(self) -> BackboneSpec:
        """The backbone with the levels of this configuration."""
        spec = find_backbone(self.backbone)
        return spec if self.levels is None else spec.with_levels(self.levels)

    @property
    def dimension(self) -> int:
        """Numbers that describe one patch: the backbone's, and three of colour where that counts."""
        return self.spec.dimension + (3 if self.colour_weight > 0.0 else 0)

    @property
    def size_px(self) -> int:
        """Side of the square that has the area of the input."""
        backbone = find_backbone(self.backbone)
        return self.input_size_px or backbone.patch_size_px or backbone.input_size_px

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` reads them back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["levels"] = None if self.levels is None else list(self.levels)
        values["preprocessing"] = self.preprocessing.to_dict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PatchCoreConfig:
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


def _require(right: bool, name: str, value: object) -> None:
    if not right:
        raise ModelError("config_invalid", field=name, value=value)
