"""Loading a set of images once and taking the patches of all of them, within a memory budget."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Generic

import numpy as np

from inference.errors import ImageError, InferenceError, ModelError
from inference.vision.detection.coreset import select_coreset
from inference.vision.detection.detector import ImageSource, Progress
from inference.vision.detection.features.config import AnyPatchConfig, PatchConfig
from inference.vision.detection.features.input_preparation import (
    choose_input_shape,
    finish_input,
    light_varies,
    resize_input,
)
from inference.vision.detection.features.local_color import LocalColor, fit_local_color, measure_color
from inference.vision.detection.features.patch_features import PatchFeatures, PatchGroup
from inference.vision.detection.features.patches import compute_patches
from inference.vision.detection.features.tiled_extraction import extract_tiled
from inference.vision.detection.scoring import valid_cells
from inference.vision.images.input_pixels import check_image
from inference.vision.images.prefetch import prefetch
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import BATCH_SIZE, FeatureRuntime

SHAPE_SAMPLE = 5
LIGHT_SAMPLE = 32
# Over the budget this many images keep all their patches, for calibration; the others only their group's coreset.
CALIBRATION_SAMPLE = 200


def extract_features(
    sources: Sequence[ImageSource],
    config: AnyPatchConfig,
    *,
    open_graph: Callable[[GraphSpec], FeatureRuntime],
    size_px: tuple[int, int] | None = None,
    color_scale: np.ndarray | None = None,
    progress: Progress | None = None,
) -> PatchFeatures[AnyPatchConfig]:
    """Load every image once and return its patches.

    Images that cannot be used are skipped and reported in `skipped`. When all patches together would exceed
    half of the memory budget, they are gathered in groups and each group is reduced to its coreset at once.
    With tiles in `config` the images are seen in tiles (`tiled_extraction`).
    The input has `size_px` (height, width) where that is given, else it follows the shape of the images; likewise
    color has `color_scale`, else one that follows from the first images. `config` of the features says whether light
    is evened out, where `config` left that to the images.
    Raises ModelError: `no_usable_images`, `out_of_memory`, and those of the runtime; what `progress` raises
    comes through.
    """
    if config.preprocessing.tile_size_px:
        return extract_tiled(sources, config, open_graph=open_graph, color_scale=color_scale, progress=progress)
    try:
        return _Extraction(
            sources, config, open_graph=open_graph, size_px=size_px, color_scale=color_scale, progress=progress
        ).run()
    except MemoryError as error:
        raise ModelError("out_of_memory") from error


def needs_even_light(
    sources: Sequence[ImageSource],
    config: PatchConfig,
    *,
    size_px: tuple[int, int],
    progress: Progress | None = None,
) -> bool:
    """Return what `extract_features` would decide on the light of these images, by an even sample of them.

    No features are taken, and images that cannot be used have no say. `size_px` is the input's (height, width).
    `progress` gets the stage `features`.
    """
    if config.even_light is not None:
        return config.even_light
    if config.local_contrast:
        return False
    places = np.linspace(0, len(sources) - 1, min(LIGHT_SAMPLE, len(sources))).round().astype(int)
    ready: list[np.ndarray] = []
    for place in places.tolist():
        if progress is not None:
            progress("features", 0, len(sources))
        with contextlib.suppress(ImageError, ModelError):
            ready.append(resize_input(sources[place].load(), config, size_px=size_px))
    return light_varies(ready, config)


class _Extraction(Generic[AnyPatchConfig]):
    """One run of `extract_features`."""

    def __init__(
        self,
        sources: Sequence[ImageSource],
        config: AnyPatchConfig,
        *,
        open_graph: Callable[[GraphSpec], FeatureRuntime],
        size_px: tuple[int, int] | None,
        color_scale: np.ndarray | None,
        progress: Progress | None,
    ) -> None:
        self._sources = sources
        self._config = config
        self._open_graph = open_graph
        self._size_px = size_px
        self._color_scale = color_scale
        self._progress = progress
        self._skipped: dict[str, InferenceError] = {}
        self._keys: list[str] = []
        self._groups: list[PatchGroup] = []
        self._samples: dict[int, np.ndarray] = {}
        self._buffer = np.empty((0, 0, 0), dtype=np.float32)
        self._filled = 0
        self._valid: np.ndarray | None = None

    def run(self) -> PatchFeatures[AnyPatchConfig]:
        self._report(0)
        head = self._load_head()
        if not head:
            raise ModelError("no_usable_images")
        shape = self._size_px or choose_input_shape([image.shape[:2] for _, image in head], self._config)
        ready = self._resize_sample(head, shape)
        if self._config.even_light is None:
            self._config = replace(self._config, even_light=light_varies(list(ready.values()), self._config))
        config = self._config
        graph = GraphSpec(config.spec, shape, patch_window=config.patch_window, merged=True)
        runtime = self._open_graph(graph)
        self._report(0)
        first = finish_input(ready[head[0][0]], config)
        color = self._fit_color(runtime, ready, [place for place, _ in head])
        patches, grid = compute_patches(runtime, first[None], color=color)
        self._valid = valid_cells(config.preprocessing, grid)
        image_bytes = patches[0].nbytes
        total = len(self._sources) - len(self._skipped)
        reduced = total * image_bytes > config.memory_budget_bytes // 2
        # A third of the budget holds a group; the samples, the coresets of the groups and the products need the rest.
        group_size = max(2, config.memory_budget_bytes // (3 * image_bytes)) if reduced else total
        every = max(1, math.ceil(total / CALIBRATION_SAMPLE)) if reduced else 1

        for batch_keys, batch in self._prepared(ready, shape):
            patches, _ = compute_patches(runtime, batch, color=color)
            for key, image_rows in zip(batch_keys, patches.transpose(0, 2, 1), strict=True):
                index = len(self._keys)
                self._keys.append(key)
                if not self._filled:
                    self._buffer = np.empty((group_size, *image_rows.shape), dtype=np.float32)
                self._buffer[self._filled] = image_rows
                self._filled += 1
                if reduced and index % every == 0:
                    self._samples[index] = image_rows.copy()
                if self._filled == group_size:
                    self._close_group(reduced=reduced)
            self._report(len(self._keys) + len(self._skipped))
        if self._filled:
            self._close_group(reduced=reduced)
        mirrored = None
        if len(self._keys) == 1:
            patches, _ = compute_patches(runtime, np.ascontiguousarray(first[None, :, ::-1]), color=color)
            mirrored = np.ascontiguousarray(patches[0].T)
        parts = {source.key: source.part_key for source in self._sources}
        return PatchFeatures(
            config=config,
            graph=graph,
            grid=grid,
            keys=tuple(self._keys),
            groups=tuple(self._groups),
            reduced=reduced,
            first_input=first,
            runtime=runtime,
            samples=self._samples,
            skipped=self._skipped,
            mirrored=mirrored,
            color_scale=None if color is None else color.scale,
            parts=tuple(parts[key] for key in self._keys),
        )

    def _load_head(self) -> list[tuple[int, np.ndarray]]:
        """Return the first few images that can be used, with their places: their shape decides the input's."""
        head: list[tuple[int, np.ndarray]] = []
        for place, source in enumerate(self._sources):
            image = self._load(source)
            if image is not None:
                head.append((place, image))
            self._report(0)
            if len(head) == SHAPE_SAMPLE:
                break
        return head

    def _load(self, source: ImageSource) -> np.ndarray | None:
        try:
            return check_image(source.load())
        except (ImageError, ModelError) as error:
            self._skipped[source.key] = error
            return None

    def _resize_sample(self, head: list[tuple[int, np.ndarray]], shape: tuple[int, int]) -> dict[int, np.ndarray]:
        """Return the head and an even sample of the rest at the input's size, by place: they tell how light varies."""
        ready = {place: resize_input(image, self._config, size_px=shape) for place, image in head}
        if self._config.even_light is not None:
            return ready
        last = len(self._sources) - 1
        for place in np.unique(np.linspace(0, last, min(LIGHT_SAMPLE, last + 1)).round().astype(int)).tolist():
            if place in ready or self._sources[place].key in self._skipped:
                continue
            image = self._load(self._sources[place])
            if image is not None:
                ready[place] = resize_input(image, self._config, size_px=shape)
            self._report(0)
        return ready

    def _fit_color(self, runtime: FeatureRuntime, ready: dict[int, np.ndarray], head: list[int]) -> LocalColor | None:
        """Return what gives patches their color: by the images at hand; those at `head` say what features are."""
        config = self._config
        if config.color_weight <= 0.0:
            return None
        if self._color_scale is not None:
            return LocalColor(config, self._color_scale)
        inputs = {place: finish_input(pixels, config) for place, pixels in ready.items()}
        patches, grid = compute_patches(runtime, np.stack([inputs[place] for place in head]))
        self._report(0)
        valid = valid_cells(config.preprocessing, grid)
        counted = np.flatnonzero(np.ones(grid, np.bool_) if valid is None else valid)
        colors = [measure_color(pixels, grid, valid=valid)[:, counted] for pixels in inputs.values()]
        return fit_local_color(
            np.concatenate(colors, axis=1), np.concatenate(list(patches[:, :, counted]), axis=1), config
        )

    def _prepared(self, ready: dict[int, np.ndarray], shape: tuple[int, int]) -> Iterator[tuple[list[str], np.ndarray]]:
        keys: list[str] = []
        inputs: list[np.ndarray] = []
        # The next images are decoded while the network computes; what waits is already of the input's size.
        for key, pixels in prefetch(self._inputs(ready, shape), depth=BATCH_SIZE):
            keys.append(key)
            inputs.append(pixels)
            self._report(len(self._keys) + len(self._skipped))
            if len(inputs) == BATCH_SIZE:
                yield keys, np.stack(inputs)
                keys, inputs = [], []
        if inputs:
            yield keys, np.stack(inputs)

    def _inputs(self, ready: dict[int, np.ndarray], shape: tuple[int, int]) -> Iterator[tuple[str, np.ndarray]]:
        for place, source in enumerate(self._sources):
            if source.key in self._skipped:
                continue
            pixels = ready.pop(place, None)
            if pixels is None:
                image = self._load(source)
                if image is None:
                    continue
                pixels = resize_input(image, self._config, size_px=shape)
            yield source.key, finish_input(pixels, self._config)

    def _close_group(self, *, reduced: bool) -> None:
        count, cell_count = self._filled, self._buffer.shape[1]
        first = len(self._keys) - count
        rows = self._buffer[:count].reshape(count * cell_count, -1)
        owners = np.repeat(np.arange(first, len(self._keys), dtype=np.int32), cell_count)
        cells = np.tile(np.arange(cell_count, dtype=np.int32), count)
        if not reduced:
            self._samples.update({first + offset: self._buffer[offset] for offset in range(count)})
        self._filled = 0
        if self._valid is not None:
            # What does not count is never asked about: its rows would only take the place of others.
            counts = np.tile(self._valid, count)
            rows, owners, cells = rows[counts], owners[counts], cells[counts]
        radius = 0.0
        if reduced:
            chosen = select_coreset(
                rows,
                count=self._config.group_rows,
                seed=self._config.seed,
                progress=lambda _done, _total: self._report(len(self._keys) + len(self._skipped)),
            )
            rows, owners, cells = (part[chosen.indices] for part in (rows, owners, cells))
            radius = chosen.radius
        self._groups.append(PatchGroup(rows=rows, owners=owners, cells=cells, radius=radius))

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress("features", done, len(self._sources))
