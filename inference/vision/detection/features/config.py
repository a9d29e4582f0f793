"""What detectors on the patches of a backbone are built with, whichever they are; kept in their bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from inference.errors import InferenceError, ModelError
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.backbones import CARRIED, BackboneSpec, find_backbone

_GIBIBYTE = 1024**3
# The rows that a group of images is brought down to where all their patches do not fit into memory.
_GROUP_ROWS = 4096


@dataclass(frozen=True)
class PatchConfig:
    """How patches are taken of images, and how their distances become a score and a map.

    `input_size_px` is the side of a square of the same area as the input (None: the detector's own for the backbone);
    the shape of the input follows the shape of the training images. `levels` None: the backbone's own. Features are
    averaged over `patch_window` cells. `score_share` is the share of patches, the highest ones, whose mean is the
    image's score; the map is blurred by `blur_sigma_px`. `even_light` brings every image to one mean and contrast
    before its features are taken (None: where the training images differ enough in light for that). `local_contrast`
    brings each place of an image to one mean and contrast instead, by a window of this share of the shorter side
    (0: not at all); there is no such thing for images in tiles.
    `memory_budget_bytes` bounds the patches that are held while building.

    Raises ModelError(`config_invalid`), or ModelError(`backbone_unknown`).
    """

    backbone: str = CARRIED
    levels: tuple[str, ...] | None = None
    input_size_px: int | None = None
    patch_window: int = 3
    score_share: float = 0.01
    blur_sigma_px: float = 4.0
    even_light: bool | None = None
    local_contrast: float = 0.0
    seed: int = 0
    memory_budget_bytes: int = 2 * _GIBIBYTE
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    def __post_init__(self) -> None:
        spec = self.spec
        require(64 <= self.size_px <= 1024, "input_size_px", self.input_size_px)
        require(self.patch_window in (1, 3, 5, 7), "patch_window", self.patch_window)
        require(0.0 < self.score_share <= 1.0, "score_share", self.score_share)
        require(self.even_light in (None, False, True), "even_light", self.even_light)
        local = self.local_contrast
        require(local == 0.0 or 0.02 <= local <= 0.5, "local_contrast", local)
        require(local == 0.0 or not self.preprocessing.tile_size_px, "local_contrast", local)
        require(0.0 <= self.blur_sigma_px <= 64.0, "blur_sigma_px", self.blur_sigma_px)
        require(0 <= self.seed < 2**63, "seed", self.seed)
        # At least a few images of a fine grid must fit, or no model can be built at all.
        least = 16 * self.dimension * 4 * (self.size_px // spec.strides[0]) ** 2
        require(self.memory_budget_bytes >= least, "memory_budget_bytes", self.memory_budget_bytes)

    @property
    def spec(self) -> BackboneSpec:
        """The backbone with the levels of this configuration."""
        spec = find_backbone(self.backbone)
        return spec if self.levels is None else spec.with_levels(self.levels)

    @property
    def color_weight(self) -> float:
        """How much the color of a place beside that of its surroundings counts; 0: not at all."""
        return 0.0

    @property
    def dimension(self) -> int:
        """Numbers that describe one patch: the backbone's, and three of color where that counts."""
        return self.spec.dimension + (3 if self.color_weight > 0.0 else 0)

    @property
    def size_px(self) -> int:
        """Side of the square that has the area of the input."""
        return self.input_size_px or find_backbone(self.backbone).input_size_px

    @property
    def group_rows(self) -> int:
        """Rows that a group of images is brought down to where all their patches do not fit into memory."""
        return _GROUP_ROWS

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` reads them back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["levels"] = None if self.levels is None else list(self.levels)
        values["preprocessing"] = self.preprocessing.to_dict()
        if not self.local_contrast:
            del values["local_contrast"]  # as when there was no such thing: other releases read it, too
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the configuration in `values`; absent ones have their default. Raises ModelError(`config_invalid`)."""
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


AnyPatchConfig = TypeVar("AnyPatchConfig", bound=PatchConfig)


def require(right: bool, name: str, value: object) -> None:
    """Raise ModelError(`config_invalid`) for the field `name` where it is not `right`."""
    if not right:
        raise ModelError("config_invalid", field=name, value=value)
