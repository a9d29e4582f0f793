"""Which models exist for each purpose, and the options that each can be built with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.i18n import N_
from inference.vision.networks.catalog import Network, find_network
from inference.vision.networks.specifications import find_backbone

DETECTION = "detection"
SIMILARITY = "similarity"
PATCHCORE, PADIM, EMBEDDING, CLIP = "patchcore", "padim", "backbone", "clip"


@dataclass(frozen=True)
class OptionField:
    """A whole number that an option can be built with. `label` and `explanation` are msgids; None: the model's own."""

    name: str
    label: str
    explanation: str
    lowest: int
    highest: int
    step: int
    default: int | None


@dataclass(frozen=True)
class ModelOption:
    """A model that can be chosen. `title` and `description` are msgids; `{backbone}` stands for the network's name."""

    name: str
    purpose: str
    method: str
    title: str
    description: str
    backbone: str
    fields: tuple[OptionField, ...] = ()

    @property
    def spec(self) -> Network:
        """Return the network whose weights it needs."""
        return find_network(self.backbone)

    @property
    def input_size_px(self) -> int:
        """Return the side of the input where no other is set: a memory bank may look more closely than its network."""
        if self.method == PATCHCORE:
            return find_backbone(self.backbone).patch_size_px or self.spec.input_size_px
        return self.spec.input_size_px


_INPUT_SIZE = OptionField(
    name="input_size_px",
    label=N_("Input size (px)"),
    explanation=N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
    lowest=128,
    highest=768,
    step=32,
    default=None,
)
_BANK_SIZE = OptionField(
    name="max_bank_size",
    label=N_("Largest memory bank (patches)"),
    explanation=N_("More patches describe normal parts more finely; inspection slows down in proportion."),
    lowest=2048,
    highest=32768,
    step=1024,
    default=4096,
)
_CHANNELS = OptionField(
    name="channel_count",
    label=N_("Channels of each place"),
    explanation=N_("How many of the network's channels are drawn. Memory grows with the square."),
    lowest=16,
    highest=150,
    step=2,
    default=100,
)
_PATCHCORE_WORDS = (
    N_("PatchCore on {backbone}"),
    N_("Learns from normal images alone, wherever the part lies in the picture. The best choice for most products."),
)
_PADIM_WORDS = (
    N_("PaDiM on {backbone}"),
    N_("Learns what is normal at each place: for parts that always lie the same way."),
)
_EMBEDDING_WORDS = (N_("Embeddings of {backbone}"), N_("Finds images that look alike."))
_CLIP_WORDS = (
    N_("{backbone} embeddings"),
    N_("Finds images that look alike, and images by words. Knows more of the world; slower without a graphics card."),
)
_PATCHCORE_BACKBONES = (
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "resnet18",
    "wide_resnet50_2",
    "dinov2_vits14",
)
_PADIM_BACKBONES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "resnet18", "wide_resnet50_2")


def _option(purpose: str, method: str, backbone: str) -> ModelOption:
    title, description = {
        PATCHCORE: _PATCHCORE_WORDS,
        PADIM: _PADIM_WORDS,
        EMBEDDING: _EMBEDDING_WORDS,
        CLIP: _CLIP_WORDS,
    }[method]
    fields = {PATCHCORE: (_INPUT_SIZE, _BANK_SIZE), PADIM: (_INPUT_SIZE, _CHANNELS)}.get(method, ())
    name = backbone if method == CLIP else f"{method}-{backbone}"
    return ModelOption(name, purpose, method, title, description, backbone, fields)


OPTIONS: tuple[ModelOption, ...] = (
    *(_option(DETECTION, PATCHCORE, backbone) for backbone in _PATCHCORE_BACKBONES),
    *(_option(DETECTION, PADIM, backbone) for backbone in _PADIM_BACKBONES),
    *(_option(SIMILARITY, EMBEDDING, backbone) for backbone in _PATCHCORE_BACKBONES),
    *(_option(SIMILARITY, CLIP, network) for network in ("clip_vit_b_32", "clip_vit_l_14")),
)
DEFAULTS = {DETECTION: "patchcore-efficientnet_lite0", SIMILARITY: "backbone-efficientnet_lite0"}


def list_options(purpose: str) -> tuple[ModelOption, ...]:
    """Return the models that can be chosen for the purpose."""
    return tuple(option for option in OPTIONS if option.purpose == purpose)


def find_option(name: str) -> ModelOption | None:
    """Return the option of this name, or None (a database may know a name that this version does not)."""
    return next((option for option in OPTIONS if option.name == name), None)


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
