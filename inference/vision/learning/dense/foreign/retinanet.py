"""RetinaNet (Lin et al., "Focal loss for dense object detection", 2017) as torchvision has it, BSD-3-Clause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from inference.errors import ModelError

if TYPE_CHECKING:
    from inference.vision.learning.dense.foreign.targets import Targets

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# As torchvision bounds the growth of an anchor.
_MOST_GROWTH = math.log(1000.0 / 16.0)
# What belongs to the labels of the weights' own data set.
_LABELED = "head.classification_head.cls_logits"


class RetinaNetwork:
    """A RetinaNet for inputs of one size: its anchors are the same for all of them."""

    def __init__(self, module: Any, size_px: tuple[int, int]) -> None:
        self.module: torch.nn.Module = module
        self._size_px = size_px
        self._graph = _RetinaGraph(module, size_px)

    @classmethod
    def open(cls, weights: Path | None, labels: int, *, size_px: tuple[int, int], scratch: bool) -> RetinaNetwork:
        """Return the network: of ResNet50 with the tensors of a safetensors file, or small and random with `scratch`.

        The file is torchvision's `retinanet_resnet50_fpn`; the layer that names labels begins anew. Raises ModelError:
        `detector_weights_missing`, `detector_weights_unreadable`.
        """
        from torchvision.models.detection import RetinaNet, retinanet_resnet50_fpn
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        from torchvision.ops.feature_pyramid_network import LastLevelP6P7

        if scratch:
            backbone = resnet_fpn_backbone(
                backbone_name="resnet18",
                weights=None,
                trainable_layers=5,
                returned_layers=[2, 3, 4],
                extra_blocks=LastLevelP6P7(256, 256),
                norm_layer=_group_norm,
            )
            return cls(RetinaNet(backbone, labels), size_px)
        if weights is None:
            raise ModelError("detector_weights_missing", name="retinanet")
        module = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=labels)
        _load(module, weights)
        return cls(module, size_px)

    def compute(
        self, pixels: torch.Tensor, targets: Sequence[Targets]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the mean loss of the images, boxes in shares of the input, scores."""
        module: Any = self.module
        self._graph.to(pixels.device)
        outputs = self._graph.head(pixels)
        anchors = [self._graph.anchors for _ in targets]
        described = [{"boxes": one.boxes, "labels": one.labels} for one in targets]
        losses = module.compute_loss(described, outputs, anchors)
        boxes, scores = self._graph.decode(outputs)
        return losses["classification"] + losses["bbox_regression"], boxes, scores

    def graph(self) -> torch.nn.Module:
        """Return what is exported."""
        return self._graph.to("cpu")


class _RetinaGraph(torch.nn.Module):
    scale: torch.Tensor
    shift: torch.Tensor
    anchors: torch.Tensor
    size: torch.Tensor

    def __init__(self, network: Any, size_px: tuple[int, int]) -> None:
        super().__init__()
        from torchvision.models.detection.image_list import ImageList

        self.network = network
        mean, std = torch.tensor(_MEAN).view(1, 3, 1, 1), torch.tensor(_STD).view(1, 3, 1, 1)
        self.register_buffer("scale", 1.0 / (255.0 * std))
        self.register_buffer("shift", -mean / std)
        height, width = size_px
        with torch.no_grad():
            blank = torch.zeros(1, 3, height, width)
            levels = list(network.backbone(blank).values())
            self.register_buffer("anchors", network.anchor_generator(ImageList(blank, [size_px]), levels)[0])
        self.register_buffer("size", torch.tensor([width, height, width, height], dtype=torch.float32))

    def head(self, pixels: torch.Tensor) -> Any:
        """Return logits and codes of all anchors."""
        values = pixels.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift
        return self.network.head(list(self.network.backbone(values).values()))

    def decode(self, outputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return boxes in shares of the input, and scores."""
        codes, anchors = outputs["bbox_regression"], self.anchors
        sides = anchors[:, 2:] - anchors[:, :2]
        middle = anchors[:, :2] + 0.5 * sides
        found = codes[..., :2] * sides + middle
        half = 0.5 * torch.exp(codes[..., 2:].clamp(max=_MOST_GROWTH)) * sides
        boxes = torch.cat([found - half, found + half], dim=2) / self.size
        return boxes, torch.sigmoid(outputs["cls_logits"])

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return boxes and scores."""
        return self.decode(self.head(images))


def _group_norm(channels: int) -> torch.nn.Module:
    """Return a normalization that needs no figures of other images: nobody has trained any."""
    return torch.nn.GroupNorm(8, channels)


def _load(module: torch.nn.Module, weights: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = weights / "model.safetensors" if weights.is_dir() else weights
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError("detector_weights_unreadable", folder=weights.name, detail=str(error)[:200]) from error
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(_LABELED)}
    try:
        found = module.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        detail = str(error).strip().splitlines()[-1].strip()
        raise ModelError("detector_weights_unreadable", folder=weights.name, detail=detail[:200]) from error
    missing = [name for name in found.missing_keys if not name.startswith(_LABELED)]
    if missing:
        raise ModelError("detector_weights_unreadable", folder=weights.name, detail=f"{missing[0]} is missing")
