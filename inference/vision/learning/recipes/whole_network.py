"""A network of any architecture of timm as a classifier of one's own labels, from a weights file or from scratch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.errors import ModelError
from inference.vision.networks.backbones import read_state, resolve_weights
from inference.vision.networks.specifications import find_backbone, list_backbones

if TYPE_CHECKING:
    import torch

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# How far logits may be from the mean of their evidence by place, beside their own size, to be called the same.
_SAME = 1e-4


@dataclass(frozen=True)
class Architecture:
    """An architecture of timm and what is known of its weights: the file, or None from scratch; the license."""

    name: str
    title: str
    weights: Path | None
    license: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def find_architecture(backbone: str, weights: Path | None, *, scratch: bool) -> Architecture:
    """Return what a backbone's name means: one of the product's, or any of timm's.

    Raises ModelError: `backbone_unknown`; `backbone_weights_missing` where it is not from scratch and no file is here.
    """
    import timm

    if backbone in {spec.name for spec in list_backbones()}:
        spec = find_backbone(backbone)
        file = None if scratch else resolve_weights(spec, weights)
        return Architecture(spec.architecture, spec.title, file, spec.licence, spec.mean, spec.std)
    if not timm.is_model(backbone):
        raise ModelError("backbone_unknown", name=backbone)
    if not scratch and (weights is None or not weights.is_file()):
        raise ModelError("backbone_weights_missing", name=backbone)
    known: Any = timm.get_pretrained_cfg(backbone, allow_unregistered=True)
    mean, std = (tuple(getattr(known, name, None) or default) for name, default in (("mean", _MEAN), ("std", _STD)))
    license_name = "" if scratch else str(getattr(known, "license", None) or "")
    return Architecture(backbone, backbone, None if scratch else weights, license_name, mean, std)


def build_network(architecture: Architecture, *, labels: int, size_px: tuple[int, int], seed: int) -> torch.nn.Module:
    """Return the module from N×H×W×3, 0 … 255, of `size_px` (height, width) to logits N×`labels`.

    What is not in the weights file, the head at least, begins with random numbers by `seed`. Its `whole` gives
    probabilities, and activation where `find_evidence` said that there is one. Imports torch and timm (seconds). Raises
    ModelError(`backbone_weights_mismatch`) for a file that belongs to another architecture.
    """
    import timm
    import torch

    torch.manual_seed(seed)
    sized: dict[str, Any] = {"img_size": size_px} if "vit_" in architecture.name or "swin" in architecture.name else {}
    network: Any = timm.create_model(architecture.name, pretrained=False, num_classes=labels, **sized)
    if architecture.weights is not None:
        _load(network, architecture)

    class Network(torch.nn.Module):
        scale: torch.Tensor
        shift: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            mean, std = torch.tensor(architecture.mean), torch.tensor(architecture.std)
            self.register_buffer("scale", (1.0 / (255.0 * std)).view(1, 3, 1, 1))
            self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1))

        def pixels(self, batch: torch.Tensor) -> torch.Tensor:
            return batch.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.network(self.pixels(batch))
            return logits

    return Network()


def has_evidence(module: torch.nn.Module, size_px: tuple[int, int]) -> bool:
    """Return whether each logit is the mean over places of a linear layer on the last maps, plus a bias.

    Tried out rather than read from names: then the maps of evidence by place are exact (Zhou et al., CVPR 2016).
    """
    import torch

    network: Any = module
    module.eval()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2, *size_px, 3), dtype=torch.uint8, generator=generator)
    with torch.no_grad():
        maps = network.network.forward_features(network.pixels(pixels))
        head = network.network.get_classifier()
        if maps.ndim != 4 or not isinstance(head, torch.nn.Linear) or maps.shape[1] != head.in_features:
            return False
        expected, found = module(pixels), head(maps.mean(dim=(2, 3)))
    return bool((expected - found).abs().max() <= _SAME * expected.abs().max().clamp_min(1.0))


def build_exported(module: torch.nn.Module, *, temperature: float, with_activation: bool) -> torch.nn.Module:
    """Return the module from uint8 N×H×W×3 to probabilities N×K, and activation N×K×h×w where it is wanted.

    Logits are divided by the temperature.
    """
    import torch
    from torch.nn import functional

    class Exported(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, batch: torch.Tensor) -> Any:
            network: Any = self.inner
            if not with_activation:
                return torch.softmax(network(batch) / temperature, dim=1)
            maps = network.network.forward_features(network.pixels(batch))
            head = network.network.get_classifier()
            evidence = functional.conv2d(maps, head.weight[:, :, None, None]) / temperature
            logits = evidence.mean(dim=(2, 3)) + head.bias / temperature
            return torch.softmax(logits, dim=1), evidence

    return Exported().eval()


def _load(network: Any, architecture: Architecture) -> None:
    """Load what the file has; only the head may be missing, or be of other labels."""
    assert architecture.weights is not None
    state = _read(architecture)
    wanted, chosen = network.state_dict(), {}
    head = str(network.default_cfg.get("classifier", "head"))
    for key, tensor in wanted.items():
        given = state.get(key)
        if given is not None and given.shape == tensor.shape:
            chosen[key] = given
        elif not key.startswith(f"{head}."):
            detail = f"{key} is missing" if given is None else f"{key} has another shape"
            raise ModelError("backbone_weights_mismatch", name=architecture.title, detail=detail)
    network.load_state_dict(chosen, strict=False)


def _read(architecture: Architecture) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    assert architecture.weights is not None
    for spec in list_backbones():
        if spec.title == architecture.title:
            return read_state(spec, architecture.weights)
    if architecture.weights.suffix != ".safetensors":
        raise ModelError("backbone_weights_format", name=architecture.title)
    try:
        return dict(load_file(architecture.weights))
    except SafetensorError as error:
        raise ModelError("backbone_weights_mismatch", name=architecture.title, detail=str(error)) from error
