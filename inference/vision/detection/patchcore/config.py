"""What a memory bank is built with; kept in its bundle, so that inspection never depends on today's settings."""

from __future__ import annotations

from dataclasses import dataclass

from inference.vision.detection.features.config import PatchConfig, require
from inference.vision.networks.backbones import find_backbone


@dataclass(frozen=True)
class PatchCoreConfig(PatchConfig):
    """The settings of a memory bank. The defaults are those measured in `benchmarks/README.md`.

    The bank holds `coreset_ratio` of all patches, but at least `min_bank_size` and at most `max_bank_size`.
    `neighbours` is how many nearest rows a patch's distance is averaged over; distances are smoothed over the grid
    (`smoothing_cells`, a Gaussian's sigma). `projected_share` is the share of the feature dimensions that patches are
    brought down to (None: they are compared as they are). `colour_weight` is how much the color of a place beside that
    of its surroundings counts: the spread of a* and of b*, as a share of that of all features together (0: not at all).

    Raises ModelError(`config_invalid`), or ModelError(`backbone_unknown`).
    """

    score_share: float = 0.003
    coreset_ratio: float = 0.02
    min_bank_size: int = 2048
    max_bank_size: int = 4096
    neighbours: int = 1
    smoothing_cells: float = 0.7
    projected_share: float | None = 0.36
    colour_weight: float = 0.4  # bundles have it by this name

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0.0 < self.coreset_ratio <= 1.0, "coreset_ratio", self.coreset_ratio)
        require(self.min_bank_size >= 1, "min_bank_size", self.min_bank_size)
        require(self.min_bank_size <= self.max_bank_size, "max_bank_size", self.max_bank_size)
        require(1 <= self.neighbours <= 50, "neighbours", self.neighbours)
        require(0.0 <= self.smoothing_cells <= 8.0, "smoothing_cells", self.smoothing_cells)
        require(
            self.projected_share is None or 0.0 < self.projected_share <= 1.0, "projected_share", self.projected_share
        )
        require(0.0 <= self.colour_weight <= 4.0, "colour_weight", self.colour_weight)

    @property
    def color_weight(self) -> float:
        """How much the color of a place beside that of its surroundings counts; 0: not at all."""
        return self.colour_weight

    @property
    def size_px(self) -> int:
        """Side of the square that has the area of the input: a bank may look more closely than its network does."""
        spec = find_backbone(self.backbone)
        return self.input_size_px or spec.patch_size_px or spec.input_size_px

    @property
    def group_rows(self) -> int:
        """Rows that a group of images is brought down to where all their patches do not fit into memory."""
        return self.max_bank_size
