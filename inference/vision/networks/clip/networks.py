"""The CLIP models as data: architecture, preprocessing, licence and origin of the weights of each.

A model is created together with the preprocessing that belongs to its weights (open_clip's configurations).
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import ModelError
from inference.vision.networks.specifications import Download

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_RELEASES = "https://github.com/mlfoundations/open_clip/releases/download/v0.2-weights/"


@dataclass(frozen=True)
class ClipSpec:
    """A CLIP of images and texts (Radford et al., 2021) with a vision transformer. `title` is the name people read.

    `layers`, `width` and `patch_px` are the image tower's; the text tower has its own. `mean` and `std` refer to values
    from 0 to 1. `quick_gelu` is the activation that the weights were trained with.
    """

    name: str
    title: str
    dimension: int
    input_size_px: int
    layers: int
    width: int
    patch_px: int
    text_layers: int
    text_width: int
    text_heads: int
    licence: str
    source: str
    weights_byte_size: int
    download: Download | None = None
    quick_gelu: bool = False
    mean: tuple[float, float, float] = _MEAN
    std: tuple[float, float, float] = _STD
    context_length: int = 77
    vocabulary_size: int = 49408


CLIP_SPECS: dict[str, ClipSpec] = {
    spec.name: spec
    for spec in (
        ClipSpec(
            name="clip_vit_b_32",
            title="CLIP ViT-B/32",
            dimension=512,
            input_size_px=224,
            layers=12,
            width=768,
            patch_px=32,
            text_layers=12,
            text_width=512,
            text_heads=8,
            licence="MIT",
            source="open_clip ViT-B-32 (laion2b_e16)",
            weights_byte_size=605_200_000,
            download=Download(_RELEASES + "vit_b_32-laion2b_e16-af8dbd0c.pth", "af8dbd0c"),
        ),
        ClipSpec(
            name="clip_vit_l_14",
            title="CLIP ViT-L/14",
            dimension=768,
            input_size_px=224,
            layers=24,
            width=1024,
            patch_px=14,
            text_layers=12,
            text_width=768,
            text_heads=12,
            licence="MIT",
            source="open_clip ViT-L-14 (laion400m_e32)",
            weights_byte_size=1_710_600_000,
            download=Download(_RELEASES + "vit_l_14-laion400m_e32-3d133497.pt", "3d133497"),
        ),
    )
}


def find_clip(name: str) -> ClipSpec:
    """Return the CLIP of that name. Raises ModelError(`backbone_unknown`)."""
    try:
        return CLIP_SPECS[name]
    except KeyError:
        raise ModelError("backbone_unknown", name=name) from None
