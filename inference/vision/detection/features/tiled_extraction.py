"""Taking the patches of large images tile by tile, within a memory budget; one bank over all tiles.

No image's patches are kept whole: what the bank is chosen from is gathered in groups, and calibration looks at the
images a second time. So the memory needed does not grow with the size or the number of the images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Generic

import numpy as np

from inference.errors import ImageError, InferenceError, ModelError
from inference.vision.detection.coreset import select_coreset
from inference.vision.detection.detector import ImageSource, Progress
from inference.vision.detection.features.config import AnyPatchConfig, PatchConfig
from inference.vision.detection.features.input_preparation import light_varies, resize_input
from inference.vision.detection.features.local_color import LocalColor
from inference.vision.detection.features.patch_features import PatchFeatures, PatchGroup
from inference.vision.detection.features.tiled_image import TiledImage, TiledImages, open_tiled
from inference.vision.detection.features.tiling import encode_places, middle_tile, plan_tiles, tile_shape
from inference.vision.images.input_pixels import check_image
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import FeatureRuntime

LIGHT_SAMPLE = 32


def extract_tiled(
    sources: Sequence[ImageSource],
    config: AnyPatchConfig,
    *,
    open_graph: Callable[[GraphSpec], FeatureRuntime],
    color_scale: np.ndarray | None = None,
    progress: Progress | None = None,
) -> PatchFeatures[AnyPatchConfig]:
    """Return what `extract_features` does, for a configuration with tiles. Raises as it does."""
    try:
        return _TiledExtraction(
            sources, config, open_graph=open_graph, color_scale=color_scale, progress=progress
        ).run()
    except MemoryError as error:
        raise ModelError("out_of_memory") from error


class _TiledExtraction(Generic[AnyPatchConfig]):
    def __init__(
        self,
        sources: Sequence[ImageSource],
        config: AnyPatchConfig,
        *,
        open_graph: Callable[[GraphSpec], FeatureRuntime],
        color_scale: np.ndarray | None,
        progress: Progress | None,
    ) -> None:
        self._sources = sources
        self._config = config
        self._open_graph = open_graph
        self._color_scale = color_scale
        self._progress = progress
        self._skipped: dict[str, InferenceError] = {}
        self._done = 0

    def run(self) -> PatchFeatures[AnyPatchConfig]:
        self._report()
        shape = tile_shape(self._config)
        largest = self._look_around(shape)
        config = self._config
        graph = GraphSpec(config.spec, shape, patch_window=config.patch_window, merged=True)
        runtime = self._open_graph(graph)
        color = self._fit_color(runtime)
        gathered = _Groups(config, row_count=largest * len(self._sources), report=self._report)
        used: list[ImageSource] = []
        first_input: np.ndarray | None = None
        patch_count = 0
        for done, source in enumerate(self._sources):
            self._done = done
            image = self._open(source, runtime, color)
            if image is None:
                continue
            if first_input is None:
                first_input = middle_tile(image.pixels, image.plan, valid=image.valid)
            for cells, patches in image.stream(self._report):
                rows = patches.T
                if image.valid is not None:
                    cells, rows = cells[image.valid[cells]], rows[image.valid[cells]]
                gathered.add(rows, owner=len(used), cells=encode_places(cells, image.plan.grid))
                patch_count += len(rows)
            used.append(source)
        if first_input is None:
            raise ModelError("no_usable_images")
        self._done = len(self._sources)
        self._report()
        return PatchFeatures(
            config=config,
            graph=graph,
            grid=(shape[0] // config.spec.strides[0], shape[1] // config.spec.strides[0]),
            keys=tuple(source.key for source in used),
            groups=gathered.close(),
            reduced=gathered.reduced,
            first_input=first_input,
            runtime=runtime,
            skipped=self._skipped,
            color_scale=None if color is None else color.scale,
            tiles=TiledImages(config, runtime, tuple(used), patch_count, color),
            parts=tuple(source.part_key for source in used),
        )

    def _look_around(self, shape: tuple[int, int]) -> int:
        """Decide on the light by an even sample of the images; return the cells of the largest image seen."""
        small, largest = [], 0
        places = np.linspace(0, len(self._sources) - 1, min(LIGHT_SAMPLE, len(self._sources))).round().astype(int)
        # The first few images are enough to say how large they are; how the light varies takes more of them.
        for place in np.unique(places if self._config.even_light is None else places[:3]).tolist():
            image = self._load(self._sources[place])
            if image is not None:
                small.append(resize_input(image, self._config, size_px=shape))
                grid = plan_tiles(image.shape, self._config).grid
                largest = max(largest, grid[0] * grid[1])
            self._report()
        if self._config.even_light is None:
            self._config = replace(self._config, even_light=light_varies(small, self._config))
        return largest

    def _fit_color(self, runtime: FeatureRuntime) -> LocalColor | None:
        """Return what gives patches their color, by the first tiles of the first image that can be used."""
        config = self._config
        if config.color_weight <= 0.0:
            return None
        if self._color_scale is not None:
            return LocalColor(config, self._color_scale)
        for source in self._sources:
            image = self._open(source, runtime, None)
            if image is not None:
                self._report()
                return image.fit_color()
        raise ModelError("no_usable_images")

    def _open(self, source: ImageSource, runtime: FeatureRuntime, color: LocalColor | None) -> TiledImage | None:
        image = self._load(source)
        return None if image is None else open_tiled(image, self._config, runtime, color=color)

    def _load(self, source: ImageSource) -> np.ndarray | None:
        if source.key in self._skipped:
            return None
        try:
            return check_image(source.load())
        except (ImageError, ModelError) as error:
            self._skipped[source.key] = error
            return None

    def _report(self) -> None:
        if self._progress is not None:
            self._progress("features", self._done, len(self._sources))


class _Groups:
    """Rows gathered into groups. Where all of them would take more than half of the budget, each group is reduced to
    its coreset as soon as it is full."""

    def __init__(self, config: PatchConfig, *, row_count: int, report: Callable[[], None]) -> None:
        self._config = config
        self._report = report
        row_bytes = 4 * config.dimension
        self.reduced = row_count * row_bytes > config.memory_budget_bytes // 2
        # As in `extract_features`: the rest of the budget is for the coresets of the groups and the products.
        self._capacity = max(1, config.memory_budget_bytes // (3 * row_bytes) if self.reduced else row_count)
        self._groups: list[PatchGroup] = []
        self._start()

    def add(self, rows: np.ndarray, *, owner: int, cells: np.ndarray) -> None:
        """Take some of an image's rows (n, D) and their places."""
        for part in self._fit(len(rows)):
            count = part.stop - part.start
            target = slice(self._filled, self._filled + count)
            self._rows[target], self._cells[target], self._owners[target] = rows[part], cells[part], owner
            self._filled += count
            if self._filled == len(self._rows):
                self._finish()

    def close(self) -> tuple[PatchGroup, ...]:
        """Return all groups, the last one as far as it was filled."""
        if self._filled or not self._groups:
            self._finish()
        return tuple(self._groups)

    def _fit(self, count: int) -> Iterator[slice]:
        done = 0
        while done < count:
            step = min(count - done, len(self._rows) - self._filled)
            yield slice(done, done + step)
            done += step

    def _start(self) -> None:
        self._rows = np.empty((self._capacity, self._config.dimension), np.float32)
        self._cells = np.empty(self._capacity, np.int32)
        self._owners = np.empty(self._capacity, np.int32)
        self._filled = 0

    def _finish(self) -> None:
        rows, cells, owners = (part[: self._filled] for part in (self._rows, self._cells, self._owners))
        radius = 0.0
        if self.reduced:
            chosen = select_coreset(
                rows,
                count=self._config.group_rows,
                seed=self._config.seed,
                progress=lambda _done, _total: self._report(),
            )
            rows, cells, owners = (part[chosen.indices] for part in (rows, cells, owners))
            radius = chosen.radius
            self._filled = 0
        else:
            self._start()
        self._groups.append(PatchGroup(rows=rows, owners=owners, cells=cells, radius=radius))
