"""RT-DETR (Zhao et al., 2023) and D-FINE (Peng et al., 2024) as transformers has them, Apache-2.0.

Both take pixels from 0 to 1 and give as many boxes as they have queries. Only safetensors are read, and no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from inference.errors import ModelError

if TYPE_CHECKING:
    from inference.vision.learning.dense.foreign.targets import Targets

RT_DETR, D_FINE = "rt_detr", "d_fine"
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


class TransformerNetwork:
    """A detector of either architecture for inputs of one size."""

    def __init__(self, module: Any, size_px: tuple[int, int]) -> None:
        self.module: torch.nn.Module = module
        self._size_px = size_px

    @classmethod
    def open(
        cls, architecture: str, weights: Path | None, labels: int, *, size_px: tuple[int, int], scratch: bool
    ) -> TransformerNetwork:
        """Return the network with the weights of a folder; what names labels begins anew.

        With `scratch` it is random: as the folder's config.json says, small where there is no folder. Raises
        ModelError: `detector_weights_missing`, `detector_weights_unreadable`.
        """
        from transformers import DFineForObjectDetection, RTDetrForObjectDetection

        kind: Any = DFineForObjectDetection if architecture == D_FINE else RTDetrForObjectDetection
        if weights is None:
            if not scratch:
                raise ModelError("detector_weights_missing", name=architecture)
            return cls(kind(_small(architecture, labels)), size_px)
        wanted = (_CONFIG,) if scratch else (_CONFIG, _WEIGHTS)
        for name in wanted:
            if not (weights / name).is_file():
                raise ModelError("detector_weights_unreadable", folder=weights.name, detail=f"{name} is missing")
        try:
            config = kind.config_class.from_pretrained(weights, num_labels=labels, local_files_only=True)
            if config.model_type != kind.config_class.model_type:
                raise ModelError("detector_weights_unreadable", folder=weights.name, detail=config.model_type)
            config.use_pretrained_backbone = False
            if scratch:
                return cls(kind(config), size_px)
            module = kind.from_pretrained(
                weights, config=config, local_files_only=True, use_safetensors=True, ignore_mismatched_sizes=True
            )
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            detail = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ModelError("detector_weights_unreadable", folder=weights.name, detail=detail) from error
        return cls(module, size_px)

    def compute(
        self, pixels: torch.Tensor, targets: Sequence[Targets]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the mean loss of the images, boxes in shares of the input, scores."""
        height, width = self._size_px
        size = torch.tensor([width, height, width, height], dtype=torch.float32, device=pixels.device)
        described = []
        for one in targets:
            boxes = one.boxes / size
            middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2.0, boxes[:, 2:] - boxes[:, :2]
            described.append({"class_labels": one.labels, "boxes": torch.cat([middle, sides], dim=1)})
        module: Any = self.module
        outputs = module(pixel_values=_scale(pixels), labels=described)
        return outputs.loss, _corners(outputs.pred_boxes), torch.sigmoid(outputs.logits)

    def graph(self) -> torch.nn.Module:
        """Return what is exported."""
        return _TransformerGraph(self.module)


class _TransformerGraph(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return boxes and scores."""
        outputs = self.network(pixel_values=_scale(images))
        return _corners(outputs.pred_boxes), torch.sigmoid(outputs.logits)


def _scale(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.permute(0, 3, 1, 2).to(torch.float32) / 255.0


def _corners(boxes: torch.Tensor) -> torch.Tensor:
    """Return boxes of middle, width and height by their corners."""
    half = boxes[..., 2:] / 2.0
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], dim=2)


def _small(architecture: str, labels: int) -> Any:
    """Return the configuration of a small network, for data sets without given weights."""
    from transformers import DFineConfig, HGNetV2Config, RTDetrConfig, RTDetrResNetConfig

    stages = ["stage2", "stage3", "stage4"]
    shared: dict[str, Any] = {
        "encoder_hidden_dim": 32,
        "feat_strides": [8, 16, 32],
        "encoder_layers": 1,
        "encoder_ffn_dim": 64,
        "encoder_attention_heads": 2,
        "d_model": 32,
        "num_queries": 30,
        "decoder_in_channels": [32, 32, 32],
        "decoder_ffn_dim": 64,
        "num_feature_levels": 3,
        "decoder_layers": 2,
        "decoder_attention_heads": 2,
        "num_denoising": 10,
        "num_labels": labels,
    }
    if architecture == RT_DETR:
        backbone = RTDetrResNetConfig(
            embedding_size=16,
            hidden_sizes=[16, 24, 32, 48],
            depths=[1, 1, 1, 1],
            layer_type="basic",
            out_features=stages,
        )
        return RTDetrConfig(backbone_config=backbone, encoder_in_channels=[24, 32, 48], decoder_n_points=2, **shared)
    fine = HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 16, 24, 32],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 24, 32, 40],
        stage_num_blocks=[1, 1, 1, 1],
        stage_downsample=[False, True, True, True],
        stage_light_block=[False, False, True, True],
        stage_kernel_size=[3, 3, 5, 5],
        stage_numb_of_layers=[2, 2, 2, 2],
        embedding_size=8,
        hidden_sizes=[16, 24, 32, 40],
        depths=[1, 1, 1, 1],
        out_features=stages,
    )
    return DFineConfig(backbone_config=fine, encoder_in_channels=[24, 32, 40], decoder_n_points=[2, 2, 2], **shared)
