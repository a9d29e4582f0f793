"""What can be set for a training beside its data: the input, the augmentation, the optimization.

Each field says in its metadata what it may be: `lowest` and `highest` of a number, `choices` of a word. The form, YAML
files and the conversation read these, and nobody else's limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any

from inference.errors import ModelError

RESIZES = ("stretch", "letterbox")


def number(default: float, lowest: float, highest: float) -> Any:
    """Return a dataclass field of a number with its limits; a whole number where the default is one."""
    return field(default=default, metadata={"lowest": lowest, "highest": highest})


def choice(default: str, choices: tuple[str, ...]) -> Any:
    """Return a dataclass field of a word out of several."""
    return field(default=default, metadata={"choices": choices})


def check_fields(section: Any) -> None:
    """Raise ModelError(`config_invalid`) for the first value of a section that its field does not allow."""
    for one in fields(section):
        if not is_allowed(one, getattr(section, one.name)):
            raise ModelError("config_invalid", field=one.name, value=getattr(section, one.name))


def is_allowed(one: Field[Any], value: Any) -> bool:
    """Return whether a field may have the value: its kind, its choices, its limits."""
    if isinstance(one.default, bool):
        return isinstance(value, bool)
    choices = one.metadata.get("choices")
    if choices is not None:
        return value in choices
    if "lowest" not in one.metadata:
        return True
    kinds = int if isinstance(one.default, int) else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        return False
    return bool(one.metadata["lowest"] <= value <= one.metadata["highest"])


@dataclass(frozen=True)
class InputSettings:
    """How an image becomes what the network sees: its size in pixels, and how it gets there.

    `stretch` fills the input whatever the proportions, `letterbox` keeps them and fills the rest with gray. Sides are
    rounded down to multiples of 32. Raises ModelError(`config_invalid`).
    """

    width_px: int = number(256, 64, 1536)
    height_px: int = number(256, 64, 1536)
    resize: str = choice("stretch", RESIZES)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class AugmentationSettings:
    """What is changed at random in training images. Everything is off at its default.

    `rotation_deg`, `scale`, `translation` (shares of the side), `brightness`, `contrast`, `saturation` and `hue` are
    the most that is changed either way; `noise` is the standard deviation in shares of full scale, `blur` the chance of
    a soft image, `erasing` that of a rectangle that is blotted out (Zhong et al., 2017). `mixup` (Zhang et al., 2018)
    and `cutmix` (Yun et al., 2019) are the alphas of their beta distributions, 0 for none. Raises
    ModelError(`config_invalid`).
    """

    flip_horizontal: bool = False
    flip_vertical: bool = False
    rotation_deg: float = number(0.0, 0.0, 180.0)
    scale: float = number(0.0, 0.0, 0.5)
    translation: float = number(0.0, 0.0, 0.3)
    brightness: float = number(0.0, 0.0, 0.5)
    contrast: float = number(0.0, 0.0, 0.5)
    saturation: float = number(0.0, 0.0, 0.5)
    hue: float = number(0.0, 0.0, 0.1)
    noise: float = number(0.0, 0.0, 0.1)
    blur: float = number(0.0, 0.0, 0.5)
    erasing: float = number(0.0, 0.0, 0.5)
    mixup: float = number(0.0, 0.0, 1.0)
    cutmix: float = number(0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is fitted. A recipe that does not use a value ignores it, and says so in its estimate.

    AdamW with a cosine schedule after a warm-up. `trained_stages` is how many of the last stages of the trunk are
    trained with the head; `patience` how many epochs may pass without a better one before the training ends (0: never).
    `accumulate` batches make one step. `processes` is how many devices train side by side. Raises
    ModelError(`config_invalid`).
    """

    epochs: int = number(20, 1, 1000)
    batch_size: int = number(16, 1, 512)
    accumulate: int = number(1, 1, 64)
    learning_rate: float = number(0.001, 1e-6, 1.0)
    weight_decay: float = number(0.01, 0.0, 1.0)
    warmup_epochs: float = number(1.0, 0.0, 20.0)
    label_smoothing: float = number(0.05, 0.0, 0.5)
    clip_norm: float = number(1.0, 0.0, 100.0)
    patience: int = number(6, 0, 1000)
    trained_stages: int = number(2, 0, 8)
    mixed_precision: bool = True
    processes: int = number(1, 1, 64)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class RecipeSettings:
    """All that a recipe is trained with: sections, the backbone, the seed.

    `backbone` is one of `inference.vision.networks.specifications`, or an architecture of timm for recipes that take
    any; `scratch` trains it from random weights.
    """

    backbone: str = "efficientnet_lite0"
    scratch: bool = False
    input: InputSettings = field(default_factory=InputSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"options": dict(self.options)}
