"""The models of anomalib that are offered, as data."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import ModelError


@dataclass(frozen=True)
class AnomalibModel:
    """A model of anomalib: what it is called, which network it stands on, and the sizes that it takes.

    `network` is the name of the pretrained network whose weights it needs, None for a model that learns everything
    itself; `encoder` the name by which anomalib knows that. `sizes_px` are the sides of its square input.
    `score_is_probability` says that its scores end at 1. `paper` is where it was published. `needs_outside_images` says
    that it also learns from pictures that show nothing of the product, and is scaled on good validation images.
    """

    name: str
    title: str
    network: str | None
    encoder: str
    sizes_px: tuple[int, ...]
    default_size_px: int
    default_epochs: int
    batch_size: int
    score_is_probability: bool
    paper: str
    needs_outside_images: bool = False


MODELS: dict[str, AnomalibModel] = {
    model.name: model
    for model in (
        AnomalibModel(
            name="ganomaly",
            title="GANomaly",
            network=None,
            encoder="",
            # Powers of two: others are padded by it.
            sizes_px=(64, 128, 256),
            # The size and batch of its paper or smaller: its networks are heavy, and sets of good parts are small.
            default_size_px=64,
            default_epochs=50,
            batch_size=8,
            score_is_probability=False,
            paper="Akcay et al. 2018, arXiv:1805.06725",
        ),
        AnomalibModel(
            name="supersimplenet",
            title="SuperSimpleNet",
            network="wide_resnet50_2",
            encoder="wide_resnet50_2.tv_in1k",
            sizes_px=(128, 256, 384),
            default_size_px=256,
            default_epochs=100,
            batch_size=32,
            score_is_probability=True,
            paper="Rolih et al. 2024, arXiv:2408.03143",
        ),
        AnomalibModel(
            name="dinomaly",
            title="Dinomaly",
            network="dinov2_vits14",
            encoder="vit_small_patch14_dinov2",
            # Multiples of the patch of 14 pixels.
            sizes_px=(196, 280, 392),
            default_size_px=392,
            default_epochs=100,
            batch_size=16,
            score_is_probability=False,
            paper="Guo et al. 2024, arXiv:2405.14325",
        ),
        AnomalibModel(
            name="efficientad",
            title="EfficientAD",
            network="efficientad_teacher",
            encoder="",
            # Its auto-encoder brings 256 pixels to one place, in steps of one half.
            sizes_px=(256, 384, 512),
            default_size_px=256,
            default_epochs=70,
            # anomalib takes no other.
            batch_size=1,
            score_is_probability=False,
            paper="Batzner et al. 2024, arXiv:2303.14535",
            needs_outside_images=True,
        ),
    )
}


def find_anomalib_model(name: str) -> AnomalibModel:
    """Return the model of that name. Raises ModelError(`config_invalid`)."""
    try:
        return MODELS[name]
    except KeyError:
        raise ModelError("config_invalid", field="model", value=name) from None
