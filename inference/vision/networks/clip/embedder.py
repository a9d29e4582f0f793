"""CLIP as an embedder: images can be searched by their look and by what is said of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.images.input_pixels import check_image
from inference.vision.networks.backbones import hash_weights
from inference.vision.networks.clip.model import build_clip
from inference.vision.networks.clip.networks import ClipSpec, find_clip
from inference.vision.networks.embeddings import embed_images, unit_rows
from inference.vision.networks.runtime import Device, choose_device
from inference.vision.networks.torch_runtime import compute_on, keep_float32, torch_errors

if TYPE_CHECKING:
    import torch

# Part of every key: raise it when a change of our own code makes other vectors of the same image.
REVISION = 1
CPU_BATCH, GPU_BATCH = 8, 64


@dataclass(frozen=True)
class ClipEmbedder:
    """Vectors of images and of texts that compare with each other. Read-only, safe to share between threads.

    The image is resized to the input's square with bicubic interpolation, as the weights were trained; one that is not
    square is not cropped, because what lies at the edge of a part counts.
    """

    name: str
    key: str
    spec: ClipSpec
    device: str
    threads: int
    model: torch.nn.Module = field(repr=False)
    lock: threading.Lock = field(repr=False, default_factory=threading.Lock)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.spec.dimension

    @property
    def batch_size(self) -> int:
        """How many inputs it takes at once."""
        return CPU_BATCH if self.device == "cpu" else GPU_BATCH

    @property
    def runtime_name(self) -> str:
        """What computes it."""
        return f"torch-{self.device}"

    @property
    def preparation(self) -> Mapping[str, Any]:
        """What an image goes through before the network, as JSON."""
        side = self.spec.input_size_px
        return {
            "size_px": [side, side],
            "interpolation": "bicubic",
            "mean": list(self.spec.mean),
            "std": list(self.spec.std),
        }

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Bring RGB uint8 of any size to uint8 (H, W, 3). Raises ModelError(`image_wrong_shape`)."""
        from PIL import Image

        side = self.spec.input_size_px
        pixels = Image.fromarray(check_image(image))
        return np.asarray(pixels.resize((side, side), Image.Resampling.BICUBIC), np.uint8)

    def embed_prepared(self, inputs: np.ndarray) -> np.ndarray:
        """Turn inputs (n, H, W, 3) into float32 (n, dimension), each of length 1. Raises ModelError."""
        import torch

        def encode() -> torch.Tensor:
            pixels = torch.from_numpy(np.ascontiguousarray(inputs)).to(self.device).permute(0, 3, 1, 2).float() / 255.0
            mean, std = (torch.tensor(found, device=self.device).view(1, 3, 1, 1) for found in self._normalisation())
            found: torch.Tensor = self.model.encode_image((pixels - mean) / std)  # type: ignore[operator]
            return found

        return self._run(encode)

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Turn RGB uint8 images of any size into float32 (n, dimension), each of length 1. Raises ModelError."""
        return embed_images(self, images)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Turn English texts into float32 (n, dimension), each of length 1; what exceeds 77 tokens is cut off."""
        from open_clip.tokenizer import SimpleTokenizer

        # The vocabulary comes with the package.
        tokens = SimpleTokenizer(context_length=self.spec.context_length)(list(texts))

        def encode() -> torch.Tensor:
            found: torch.Tensor = self.model.encode_text(tokens.to(self.device))  # type: ignore[operator]
            return found

        return self._run(encode)

    def _normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.spec.mean, self.spec.std

    def _run(self, encode: Callable[[], torch.Tensor]) -> np.ndarray:
        def compute() -> np.ndarray:
            import torch

            with torch.inference_mode():
                return encode().float().cpu().numpy()

        with self.lock, torch_errors(self.device):
            return unit_rows(compute_on(self.device, compute, threads=self.threads))


def open_clip_embedder(
    name: str, *, weights: Path | None, device: Device = "auto", threads: int | None = None
) -> ClipEmbedder:
    """Return the CLIP of that name. Imports torch and open_clip (ten seconds).

    Raises ModelError: `backbone_unknown`, `backbone_weights_missing`, `backbone_weights_mismatch`,
    `device_unavailable`, `device_failed`, `out_of_memory`.
    """
    spec = find_clip(name)
    if weights is None or not weights.is_file():
        raise ModelError("backbone_weights_missing", name=spec.title)
    chosen = choose_device(device)
    model = build_clip(spec, weights)
    if chosen != "cpu":
        keep_float32()
    with torch_errors(chosen):
        model = model.to(chosen)
    return ClipEmbedder(
        name=name,
        key=f"{name}:{REVISION}:{hash_weights(weights)[:32]}",
        spec=spec,
        device=chosen,
        threads=threads if threads is not None else CORES,
        model=model,
    )
