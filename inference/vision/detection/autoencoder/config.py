"""What an auto-encoder is trained with; kept in its bundle, so that inspection never depends on today's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from inference.errors import InferenceError, ModelError
from inference.vision.detection.features.config import require
from inference.vision.images.preprocessing import Preprocessing

# Four halvings from the input to what everything has to pass through.
STEP_PX = 16
# An error is told for squares of so many pixels.
CELL_PX = 4
_LARGEST_PX = 512


@dataclass(frozen=True)
class AutoencoderConfig:
    """The settings of an auto-encoder.

    `input_size_px` is the side of a square of the same area as the input. `width` is the number of channels of the
    first layer, `code_channels` that of the code, which is a sixteenth of the input high and wide. Training ends after
    `epochs`, or when the loss on `val_share` of the parts has not fallen for `patience` epochs; it takes `batch_size`
    images at a time with AdamW at `learning_rate`, which falls along a cosine. Loss and error are `ssim_weight` ·
    (1 - SSIM) + (1 - `ssim_weight`) · L1. `score_share` is the share of cells, the highest ones, whose mean is the
    image's score; errors are smoothed by `smoothing_cells`, the map by `blur_sigma_px`. `even_light` brings every image
    to one mean and contrast first (None: where the training images differ enough in light).

    Raises ModelError(`config_invalid`, `tiles_not_supported`).
    """

    input_size_px: int = 128
    width: int = 24
    code_channels: int = 32
    epochs: int = 60
    patience: int = 10
    batch_size: int = 8
    learning_rate: float = 2e-3
    val_share: float = 0.2
    ssim_weight: float = 0.5
    score_share: float = 0.003
    smoothing_cells: float = 1.0
    blur_sigma_px: float = 2.0
    even_light: bool | None = None
    seed: int = 0
    memory_budget_bytes: int = 2 * 1024**3
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    def __post_init__(self) -> None:
        if self.preprocessing.tile_size_px:
            # What it learns is the picture of a whole part.
            raise ModelError("tiles_not_supported")
        side = self.input_size_px
        require(4 * STEP_PX <= side <= _LARGEST_PX and side % STEP_PX == 0, "input_size_px", side)
        require(8 <= self.width <= 128, "width", self.width)
        require(1 <= self.code_channels <= 512, "code_channels", self.code_channels)
        require(1 <= self.epochs <= 1000, "epochs", self.epochs)
        require(1 <= self.patience <= 1000, "patience", self.patience)
        require(1 <= self.batch_size <= 64, "batch_size", self.batch_size)
        require(0.0 < self.learning_rate <= 0.1, "learning_rate", self.learning_rate)
        require(0.05 <= self.val_share <= 0.5, "val_share", self.val_share)
        require(0.0 <= self.ssim_weight <= 1.0, "ssim_weight", self.ssim_weight)
        require(0.0 < self.score_share <= 1.0, "score_share", self.score_share)
        require(0.0 <= self.smoothing_cells <= 16.0, "smoothing_cells", self.smoothing_cells)
        require(0.0 <= self.blur_sigma_px <= 64.0, "blur_sigma_px", self.blur_sigma_px)
        require(self.even_light in (None, False, True), "even_light", self.even_light)
        require(0 <= self.seed < 2**32, "seed", self.seed)
        require(self.memory_budget_bytes >= 16 * 3 * side**2, "memory_budget_bytes", self.memory_budget_bytes)

    @property
    def local_contrast(self) -> float:
        """The window of evening out contrast place by place, which this detector does not: 0."""
        return 0.0

    @property
    def image_limit(self) -> int:
        """How many images are learned from: their inputs are held in memory while it is trained."""
        return max(16, self.memory_budget_bytes // (2 * 3 * self.input_size_px**2))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` reads them back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["preprocessing"] = self.preprocessing.to_dict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the configuration in `values`; absent ones have their default. Raises ModelError(`config_invalid`).

        A `backbone` of None, which a detector without one is given, is passed over.
        """
        known = {item.name for item in fields(cls)}
        given = {name: value for name, value in values.items() if name != "backbone" or value is not None}
        for name in given:
            if name not in known:
                raise ModelError("config_invalid", field=str(name), value="set here")
        if "preprocessing" in given:
            given["preprocessing"] = Preprocessing.from_dict(given["preprocessing"])
        try:
            return cls(**given)
        except InferenceError:
            raise
        except TypeError as error:
            raise ModelError("config_invalid", field="values", value=str(error)) from error
