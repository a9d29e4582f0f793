"""What an auto-encoder takes of a set of images: their prepared inputs, small enough to hold all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from inference.errors import ImageError, InferenceError, ModelError
from inference.vision.detection.autoencoder.config import STEP_PX, AutoencoderConfig
from inference.vision.detection.detector import ImageSource, Progress
from inference.vision.detection.even_sample import spread_evenly
from inference.vision.detection.features.input_preparation import (
    choose_shape,
    finish_input,
    light_varies,
    resize_input,
)
from inference.vision.images.input_pixels import check_image

_SHAPE_SAMPLE = 5


@dataclass(frozen=True)
class AutoencoderInputs:
    """The images in order: `inputs` RGB uint8 (N, H, W, 3); `parts` (N,) names the part of each.

    `config` says whether light is evened out, where that was left to the images.
    """

    config: AutoencoderConfig
    keys: tuple[str, ...]
    parts: tuple[str, ...]
    inputs: np.ndarray = field(repr=False)
    skipped: Mapping[str, InferenceError]

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of the inputs."""
        height, width = self.inputs.shape[1:3]
        return int(height), int(width)

    def leave_out(self, keys: Collection[str]) -> AutoencoderInputs | None:
        """Return the inputs without these images; None where none is left."""
        kept = [index for index, key in enumerate(self.keys) if key not in keys]
        if not kept:
            return None
        return replace(
            self,
            keys=tuple(self.keys[index] for index in kept),
            parts=tuple(self.parts[index] for index in kept),
            inputs=self.inputs[kept],
        )


def take_inputs(
    sources: Sequence[ImageSource], config: AutoencoderConfig, *, progress: Progress | None = None
) -> AutoencoderInputs:
    """Return the prepared inputs of images; of more than memory takes, those of an even part.

    Those that cannot be used are skipped. `progress` gets the stage `features`. Raises
    ModelError(`no_usable_images`, `out_of_memory`) and what `progress` raises.
    """
    chosen = [sources[place] for place in spread_evenly(len(sources), config.image_limit)]
    skipped: dict[str, InferenceError] = {}
    taken: list[np.ndarray] = []
    names: list[tuple[str, str]] = []
    waiting: list[tuple[ImageSource, np.ndarray]] = []
    size: tuple[int, int] | None = None

    def resize() -> None:
        nonlocal size
        if size is None:
            shapes = [pixels.shape[:2] for _source, pixels in waiting]
            size = choose_shape([(int(h), int(w)) for h, w in shapes], side_px=config.input_size_px, step=STEP_PX)
        for source, pixels in waiting:
            taken.append(resize_input(pixels, config, size_px=size))
            names.append((source.key, source.part_key))
        waiting.clear()

    try:
        for done, source in enumerate(chosen):
            if progress is not None:
                progress("features", done, len(chosen))
            try:
                waiting.append((source, check_image(source.load())))
            except (ImageError, ModelError) as error:
                skipped[source.key] = error
                continue
            if size is not None or len(waiting) == _SHAPE_SAMPLE:
                resize()
        if waiting:
            resize()
        if not taken:
            raise ModelError("no_usable_images")
        if config.even_light is None:
            config = replace(config, even_light=light_varies(taken, config))
        inputs = np.stack([finish_input(pixels, config) for pixels in taken])
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    return AutoencoderInputs(
        config=config,
        keys=tuple(key for key, _part in names),
        parts=tuple(part for _key, part in names),
        inputs=inputs,
        skipped=skipped,
    )
