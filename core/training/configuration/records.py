"""The configuration of a training: frozen sections, and the object that they make up.

Form, YAML and conversation read and write this object and nothing else. Limits stand in the fields' metadata, as in
`inference.vision.learning.recipes.settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from inference.vision.learning.recipes.settings import (
    AugmentationSettings,
    InputSettings,
    TrainingSettings,
    check_fields,
    choice,
    number,
)
from inference.vision.learning.trained_network.description import TASKS

VERSION = 1
THRESHOLD_METHODS = ("f1_max", "fixed")


@dataclass(frozen=True)
class DataSection:
    """What is learned from.

    `dataset` is the number of a dataset version, None for the newest that is whole (one is made where there is none;
    it is written into the configuration of the run). `labels` are those to learn, all where empty; a label with fewer
    than `least_images` training images is left out, and said. `domains` are weights by domain (`studio`, `line`,
    `field`): how often an image of it is drawn; 1 where not named, 0 leaves it out of the training images.
    """

    dataset: int | None = None
    view: str = ""
    labels: tuple[str, ...] = ()
    least_images: int = number(2, 1, 10_000)
    val_share: float = number(0.2, 0.0, 0.5)
    test_share: float = number(0.2, 0.0, 0.5)
    domains: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class ModelSection:
    """What is trained: a recipe, or the adapter of that name (then `recipe` is `adapter`), and its own options.

    `backbone` is a network with weights on this machine, or with `scratch` an architecture of timm.
    """

    recipe: str = "probe"
    backbone: str = "efficientnet_lite0"
    scratch: bool = False
    adapter: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ThresholdSection:
    """From which score on a part is defective, a box or a pixel counts: chosen on validation, or `fixed`."""

    method: str = choice("f1_max", THRESHOLD_METHODS)
    value: float = number(0.5, 0.0, 1.0)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class ReportSection:
    """What is said at the end: goals (`top1: .85`, `field.top1: .85`), and how many failed examples are kept."""

    goals: Mapping[str, float] = field(default_factory=dict)
    failed_examples: int = number(60, 0, 1000)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class LimitsSection:
    """What it may take: minutes (0: no limit; it ends with its best epoch), memory in GiB (0: that of the settings)."""

    minutes: float = number(0.0, 0.0, 10_080.0)
    memory_gib: float = number(0.0, 0.0, 1024.0)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class RunConfiguration:
    """All that a training is asked for. `product` is a code; `name` is made of the key values where it is empty."""

    product: str
    task: str = choice("classification", TASKS)
    version: int = number(VERSION, VERSION, VERSION)
    name: str = ""
    experiment: str = ""
    data: DataSection = field(default_factory=DataSection)
    model: ModelSection = field(default_factory=ModelSection)
    input: InputSettings = field(default_factory=InputSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    threshold: ThresholdSection = field(default_factory=ThresholdSection)
    report: ReportSection = field(default_factory=ReportSection)
    limits: LimitsSection = field(default_factory=LimitsSection)
    seed: int = number(0, 0, 2**31 - 1)

    def __post_init__(self) -> None:
        check_fields(self)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, in the order of the fields, as YAML files and rows hold them."""
        made: dict[str, Any] = _plain(asdict(self))
        return made


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
