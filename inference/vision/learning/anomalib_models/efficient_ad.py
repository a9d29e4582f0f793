"""EfficientAD in the child process: anomalib's model, with its teacher and its outside images read from files here.

anomalib would fetch both. Loaded by `child.py` from its own folder; imports nothing of the product.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Outside images are shown in gray this often, as anomalib does.
_GRAY_SHARE = 0.3


def make_efficient_ad(weights: Path, outside: Path, plain: dict[str, Any]) -> Any:
    """Return anomalib's EfficientAD (small) with the teacher in `weights`, penalized on the images `outside`/*.png.

    `weights` is a safetensors file with the teacher's tensors. `plain` are further arguments of anomalib's class.
    """
    import torch
    from anomalib.models.image.efficient_ad.lightning_model import EfficientAd
    from safetensors.torch import load_file
    from torch.utils.data import DataLoader, Dataset
    from torchvision.io import ImageReadMode, read_image
    from torchvision.transforms.v2 import RandomGrayscale

    class OutsideImages(Dataset):  # type: ignore[type-arg]
        """The images by place: (RGB float32 3×H×W from 0 to 1, 0), as anomalib's own folder of them gives."""

        def __init__(self) -> None:
            self._files = sorted(outside.glob("*.png"))
            self._change = RandomGrayscale(p=_GRAY_SHARE)

        def __len__(self) -> int:
            return len(self._files)

        def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
            pixels = read_image(str(self._files[place]), ImageReadMode.RGB).to(torch.float32) / 255.0
            return self._change(pixels), 0

    class LocalEfficientAd(EfficientAd):
        """EfficientAD that reads what it needs from this machine, and goes on as if it had never stopped."""

        def prepare_pretrained_model(self) -> None:
            self.model.teacher.load_state_dict(load_file(str(weights)))

        def prepare_imagenette_data(self, image_size: Any) -> None:
            del image_size  # They were cut to the size of the input before.
            self.imagenet_loader = DataLoader(OutsideImages(), batch_size=self.batch_size, shuffle=True)
            self.imagenet_iterator = iter(self.imagenet_loader)

        def on_train_epoch_start(self) -> None:
            # Begun anew: otherwise the order would depend on how far it was before a stop.
            self.imagenet_iterator = iter(self.imagenet_loader)

        def configure_optimizers(self) -> Any:
            found: Any = super().configure_optimizers()
            # It counts steps until it falls: Lightning would take epochs for them.
            return {**found, "lr_scheduler": {"scheduler": found["lr_scheduler"], "interval": "step"}}

    return LocalEfficientAd(**plain)


def fit_map(model: Any, images: Iterable[Path]) -> None:
    """Bring the two halves of the model's map to one scale, by the map's quantiles on good images it has not seen.

    `images` are PNG files of the size of the input.
    """
    import torch
    from torchvision.io import ImageReadMode, read_image

    model.eval()
    batches = [
        SimpleNamespace(
            image=read_image(str(file), ImageReadMode.RGB).to(torch.float32)[None] / 255.0, gt_label=torch.tensor([0])
        )
        for file in images
    ]
    model.model.quantiles.update(model.map_norm_quantiles(batches))


def find_least(model: Any) -> float:
    """Return the value of the model's map where neither half sees anything: a score below it is impossible.

    anomalib moves its map by quantiles of good images, which makes scores of the best parts negative.
    """
    limits = {name: float(value) for name, value in model.model.quantiles.items()}
    return sum(
        -0.5 * 0.1 * limits[f"qa_{half}"] / (limits[f"qb_{half}"] - limits[f"qa_{half}"]) for half in ("st", "ae")
    )
