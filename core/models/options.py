"""Which models exist for each purpose, and the options that each can be built with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.errors import BadInput
from inference.vision.detection.registry import DEFAULT as DEFAULT_DETECTOR
from inference.vision.detection.registry import find_detector, list_detectors
from inference.vision.detection.specification import AnyDetectorSpec, OptionField
from inference.vision.networks.catalog import find_network
from inference.vision.networks.embedder_specification import EmbedderSpec
from inference.vision.networks.embedders import DEFAULT as DEFAULT_EMBEDDER
from inference.vision.networks.embedders import list_embedders
from inference.vision.networks.specifications import CARRIED, Network

DETECTION = "detection"
SIMILARITY = "similarity"


@dataclass(frozen=True)
class ModelOption:
    """A model that can be chosen: a method on a network, or one that needs none (`backbone` is None).

    `title` and `description` are msgids; `{backbone}` in the title stands for `network_title`. `embeds_text` says
    whether images can be found by words.
    """

    name: str
    purpose: str
    method: str
    title: str
    description: str
    backbone: str | None
    fields: tuple[OptionField, ...] = ()
    embeds_text: bool = False

    @property
    def network(self) -> Network | None:
        """Return the network whose weights it needs."""
        return None if self.backbone is None else find_network(self.backbone)

    @property
    def network_title(self) -> str:
        """Return the network's name as people read it, empty where it needs none."""
        return "" if self.network is None else self.network.title

    @property
    def input_size_px(self) -> int:
        """Return the side of the input where no other is set: a detector may look more closely than its network."""
        if self.purpose == DETECTION:
            return find_detector(self.method).input_size_px(self.backbone)
        assert self.network is not None
        return self.network.input_size_px


def list_options(purpose: str) -> tuple[ModelOption, ...]:
    """Return the models that can be chosen for the purpose, the default first."""
    return _of_detectors(list_detectors()) if purpose == DETECTION else _of_embedders(list_embedders())


# Tables name the model of each of their rows; what is registered hardly ever changes.
@lru_cache(maxsize=4)
def _of_detectors(specs: tuple[AnyDetectorSpec, ...]) -> tuple[ModelOption, ...]:
    return tuple(
        ModelOption(
            name=spec.name if backbone is None else f"{spec.name}-{backbone}",
            purpose=DETECTION,
            method=spec.name,
            title=spec.title,
            description=spec.description,
            backbone=backbone,
            fields=spec.options,
        )
        for spec in specs
        for backbone in spec.backbones or (None,)
    )


@lru_cache(maxsize=4)
def _of_embedders(specs: tuple[EmbedderSpec, ...]) -> tuple[ModelOption, ...]:
    return tuple(
        ModelOption(
            name=spec.option_name(network.name),
            purpose=SIMILARITY,
            method=spec.name,
            title=spec.title,
            description=spec.description,
            backbone=network.name,
            embeds_text=spec.embeds_text,
        )
        for spec in specs
        for network in spec.list_networks()
    )


def default_option(purpose: str) -> ModelOption:
    """Return the model of the purpose where nobody has chosen one; its weights are carried."""
    method = {DETECTION: DEFAULT_DETECTOR, SIMILARITY: DEFAULT_EMBEDDER}[purpose]
    return next(option for option in list_options(purpose) if (option.method, option.backbone) == (method, CARRIED))


def find_option(name: str) -> ModelOption | None:
    """Return the option of this name, or None (a database may know a name that this version does not)."""
    options = (*list_options(DETECTION), *list_options(SIMILARITY))
    return next((option for option in options if option.name == name), None)


def label_options() -> dict[str, str]:
    """Return the msgid of what people call each option that some model can be built with, by its name."""
    options = (*list_options(DETECTION), *list_options(SIMILARITY))
    return {field.name: field.label for option in options for field in option.fields}


def check_options(option: ModelOption, options: Mapping[str, Any]) -> dict[str, int]:
    """Return the options that differ from the model's own. Raises BadInput(`model_option_invalid`)."""
    fields = {field.name: field for field in option.fields}
    checked: dict[str, int] = {}
    for name, value in options.items():
        field = fields.get(name)
        if field is None:
            raise BadInput("model_option_unknown", field=name)
        if value is None or value == field.default:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not field.lowest <= value <= field.highest:
            raise BadInput("model_option_invalid", field=name, value=value, lowest=field.lowest, highest=field.highest)
        checked[name] = value
    return checked
