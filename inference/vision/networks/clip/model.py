"""CLIP as a torch module: open_clip's, built from our own description and weights; nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.errors import ModelError
from inference.vision.networks.clip.networks import ClipSpec

if TYPE_CHECKING:
    import torch


def build_clip(spec: ClipSpec, weights: Path | None) -> torch.nn.Module:
    """Return the model in evaluation mode. `weights` is a safetensors file in open_clip's layout; None: random ones.

    Raises ModelError(`backbone_weights_mismatch`) when a tensor is missing or has another shape.
    """
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    model: torch.nn.Module = CLIP(
        embed_dim=spec.dimension,
        vision_cfg=CLIPVisionCfg(
            image_size=spec.input_size_px, layers=spec.layers, width=spec.width, patch_size=spec.patch_px
        ),
        text_cfg=CLIPTextCfg(
            context_length=spec.context_length,
            vocab_size=spec.vocabulary_size,
            width=spec.text_width,
            heads=spec.text_heads,
            layers=spec.text_layers,
        ),
        quick_gelu=spec.quick_gelu,
    )
    if weights is not None:
        _load(spec, model, weights)
    return model.eval().requires_grad_(False)


def _load(spec: ClipSpec, model: torch.nn.Module, weights: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(weights)
    except SafetensorError as error:
        raise ModelError("backbone_weights_mismatch", name=spec.title, detail=str(error)) from error
    wanted = model.state_dict()
    for key, tensor in wanted.items():
        # The mask of the text tower is a constant that only some files carry.
        if key not in state and key != "attn_mask":
            raise ModelError("backbone_weights_mismatch", name=spec.title, detail=f"{key} is missing")
        if key in state and state[key].shape != tensor.shape:
            raise ModelError("backbone_weights_mismatch", name=spec.title, detail=f"{key} has another shape")
    model.load_state_dict({key: state[key] for key in wanted if key in state}, strict=False)
