"""What a PaDiM model is built with; kept in its bundle, so that inspection never depends on today's settings."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import ModelError
from inference.vision.detection.features.config import PatchConfig, require

_MAX_IMAGES = 600
_MIN_IMAGES = 16


@dataclass(frozen=True)
class PadimConfig(PatchConfig):
    """The settings of a PaDiM model.

    `channel_count` of the backbone's channels are drawn at random, by `seed` (the paper finds 100 as good as a few
    hundred). `memory_budget_bytes` bounds the features held while building and, to a quarter of it, the covariances.
    Raises ModelError(`config_invalid`, `backbone_unknown`, `tiles_not_supported`).
    """

    channel_count: int = 100

    def __post_init__(self) -> None:
        if self.preprocessing.tile_size_px:
            # It compares each place with the same place of other parts; tiles belong to no place.
            raise ModelError("tiles_not_supported")
        super().__post_init__()
        covariance_bytes = 4 * self._cell_count * self.channel_count**2
        right = 2 <= self.channel_count <= self.spec.dimension and covariance_bytes <= self.memory_budget_bytes // 4
        require(right, "channel_count", self.channel_count)

    @property
    def image_limit(self) -> int:
        """How many images are learnt from: more do not sharpen a Gaussian of so few channels, but cost memory."""
        # A third more cells than a square has, for inputs whose sides are rounded up.
        image_bytes = 4 * self.spec.dimension * self._cell_count * 4 // 3
        return min(max(self.memory_budget_bytes // (2 * image_bytes), _MIN_IMAGES), _MAX_IMAGES)

    @property
    def _cell_count(self) -> int:
        return int((self.size_px // self.spec.strides[0]) ** 2)
