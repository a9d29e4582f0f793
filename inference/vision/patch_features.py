"""From images to patch features: the same steps for building, calibrating and inspecting."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from inference.errors import ImageError, InferenceError, ModelError
from inference.vision.coreset import select_coreset
from inference.vision.detection_config import PatchCoreConfig
from inference.vision.graphs import GraphSpec
from inference.vision.runtime import FeatureRuntime

Progress = Callable[[str, int, int], None]

BATCH_SIZE = 8
MAX_ASPECT = 4.0
SHAPE_SAMPLE = 5
# Over the budget this many images keep all their patches, for calibration; the others only their group's coreset.
CALIBRATION_SAMPLE = 200
_LIGHT_MEAN = 110.0
_LIGHT_SPREAD = 45.0
_MAX_LIGHT_GAIN = 4.0


@dataclass(frozen=True)
class ImageSource:
    """An image that is loaded when it is needed; `load` gives RGB uint8 H×W×3, or raises ImageError."""

    key: str
    load: Callable[[], np.ndarray]


@dataclass(frozen=True)
class PatchGroup:
    """Some images' patches, as float32 rows.

    `rows` (n, D) are all patches of the group, or its coreset when memory did not suffice for all (`radius` > 0
    then says how far a dropped patch may be from a kept one). `owners` (n,) gives the index of the image that
    each row comes from, `cells` (n,) its place in the image's grid.
    """

    rows: np.ndarray
    owners: np.ndarray
    cells: np.ndarray
    radius: float = 0.0


@dataclass(frozen=True)
class PatchFeatures:
    """The patches of a set of images, ready to build and to cross-fit banks from.

    `samples` maps an image's index to all its patches (P, D); in memory-saving mode that is only a part of
    the images. `mirrored` are the patches of the only image seen in a mirror, when there is but one.
    """

    config: PatchCoreConfig
    graph: GraphSpec
    grid: tuple[int, int]
    keys: tuple[str, ...]
    groups: tuple[PatchGroup, ...]
    reduced: bool
    first_input: np.ndarray
    runtime: FeatureRuntime
    samples: dict[int, np.ndarray] = field(repr=False, default_factory=dict)
    skipped: dict[str, InferenceError] = field(default_factory=dict)
    mirrored: np.ndarray | None = None

    @property
    def patch_count(self) -> int:
        """Patches of all images, those let go included."""
        return len(self.keys) * self.grid[0] * self.grid[1]


def check_image(image: np.ndarray) -> np.ndarray:
    """The image itself; raises ModelError(`image_wrong_shape`) unless it is uint8 H×W×3 with at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape, dtype = getattr(image, "shape", None), str(getattr(image, "dtype", type(image).__name__))
        raise ModelError("image_wrong_shape", shape=shape, dtype=dtype)
    if image.size == 0:
        raise ModelError("image_wrong_shape", shape=image.shape, dtype=str(image.dtype))
    return image


def choose_input_shape(shapes: Sequence[tuple[int, int]], config: PatchCoreConfig) -> tuple[int, int]:
    """(height, width) of the input: the median shape of the images, at the area of the configured square.

    `shapes` are (height, width) of images; sides come in steps of twice the coarsest stride of the backbone
    (a step of 14 for vision transformers) and the ratio of the sides is kept within 1:4.
    """
    aspect = statistics.median(width / height for height, width in shapes)
    aspect = min(max(aspect, 1.0 / MAX_ASPECT), MAX_ASPECT)
    coarsest = config.spec.strides[-1]
    step = coarsest if coarsest == 14 else 2 * coarsest
    side = config.size_px
    height = max(1, round(side / math.sqrt(aspect) / step)) * step
    width = max(1, round(side * math.sqrt(aspect) / step)) * step
    return height, width


def prepare_input(image: np.ndarray, config: PatchCoreConfig, *, size_px: tuple[int, int]) -> np.ndarray:
    """Preprocess, resize and even out the light: RGB uint8 of any size to RGB uint8 of `size_px` (height, width).

    What lies outside of the region of interest or is ignored becomes one grey and has no say in the light, because a
    backbone sees far around each patch: masking the map alone would let an ignored label show beside its mask.
    """
    image = check_image(image)
    height, width = size_px
    pixels = config.preprocessing.apply(image)
    if pixels.shape[:2] != size_px:
        shrinking = pixels.shape[0] >= height and pixels.shape[1] >= width
        interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)
    options = config.preprocessing
    masked = options.region_of_interest is not None or bool(options.ignore)
    valid = options.valid_mask(height, width) if masked else None
    pixels = even_light(pixels, valid=valid) if config.even_light else np.ascontiguousarray(pixels)
    if valid is not None:
        pixels = np.where(valid[..., None], pixels, np.uint8(_LIGHT_MEAN))
    return pixels


def even_light(pixels: np.ndarray, *, valid: np.ndarray | None = None) -> np.ndarray:
    """The image at one mean and one spread of luminance, so that exposure and contrast do not matter.

    One straight line for all three channels: hue and structure stay. Very flat images are raised at most fourfold,
    or their noise would become the picture.
    """
    mean, spread = cv2.meanStdDev(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    gain = min(_LIGHT_SPREAD / max(float(spread[0, 0]), 1e-3), _MAX_LIGHT_GAIN)
    table = (np.arange(256) - float(mean[0, 0])) * gain + _LIGHT_MEAN
    return np.asarray(cv2.LUT(pixels, np.rint(table).clip(0, 255).astype(np.uint8)), np.uint8)


def compute_patches(runtime: FeatureRuntime, batch: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Patches of a prepared batch (N, H, W, 3) as float32 (N, D, P) with the grid (rows, columns), P = rows·columns."""
    (maps,) = runtime.features(batch)
    count, dimension, rows, columns = maps.shape
    return maps.reshape(count, dimension, rows * columns), (rows, columns)


def extract_features(
    sources: Sequence[ImageSource],
    config: PatchCoreConfig,
    *,
    open_graph: Callable[[GraphSpec], FeatureRuntime],
    progress: Progress | None = None,
) -> PatchFeatures:
    """Load every image once and take its patches.

    Images that cannot be used are skipped and reported in `skipped`. When all patches together would exceed
    half of the memory budget, they are gathered in groups and each group is reduced to its coreset at once.
    Raises ModelError: `no_usable_images`, `out_of_memory`, and those of the runtime; what `progress` raises
    comes through.
    """
    try:
        return _Extraction(sources, config, open_graph=open_graph, progress=progress).run()
    except MemoryError as error:
        raise ModelError("out_of_memory") from error


class _Extraction:
    """One run of `extract_features`."""

    def __init__(
        self,
        sources: Sequence[ImageSource],
        config: PatchCoreConfig,
        *,
        open_graph: Callable[[GraphSpec], FeatureRuntime],
        progress: Progress | None,
    ) -> None:
        self._sources = sources
        self._config = config
        self._open_graph = open_graph
        self._progress = progress
        self._skipped: dict[str, InferenceError] = {}
        self._keys: list[str] = []
        self._groups: list[PatchGroup] = []
        self._samples: dict[int, np.ndarray] = {}
        self._buffer = np.empty((0, 0, 0), dtype=np.float32)
        self._filled = 0

    def run(self) -> PatchFeatures:
        config = self._config
        self._report(0)
        head = self._load_head()
        if not head:
            raise ModelError("no_usable_images")
        shape = choose_input_shape([image.shape[:2] for _, image in head], config)
        graph = GraphSpec(config.spec, shape, patch_window=config.patch_window, merged=True)
        runtime = self._open_graph(graph)
        self._report(0)
        first = prepare_input(head[0][1], config, size_px=shape)
        patches, grid = compute_patches(runtime, first[None])
        image_bytes = patches[0].nbytes
        total = len(self._sources) - len(self._skipped)
        reduced = total * image_bytes > config.memory_budget_bytes // 2
        # A third of the budget holds a group; the samples, the coresets of the groups and the products need the rest.
        group_size = max(2, config.memory_budget_bytes // (3 * image_bytes)) if reduced else total
        every = max(1, math.ceil(total / CALIBRATION_SAMPLE)) if reduced else 1

        for batch_keys, batch in self._prepared(head, shape):
            patches, _ = compute_patches(runtime, batch)
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
            patches, _ = compute_patches(runtime, np.ascontiguousarray(first[None, :, ::-1]))
            mirrored = np.ascontiguousarray(patches[0].T)
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
        )

    def _load_head(self) -> list[tuple[int, np.ndarray]]:
        """The first few images that can be used, with their places: their shape decides the input's."""
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

    def _prepared(
        self, head: list[tuple[int, np.ndarray]], shape: tuple[int, int]
    ) -> Iterator[tuple[list[str], np.ndarray]]:
        ready = dict(head)
        keys: list[str] = []
        inputs: list[np.ndarray] = []
        for place, source in enumerate(self._sources):
            if source.key in self._skipped:
                continue
            image = ready.pop(place, None)
            if image is None:
                image = self._load(source)
            if image is None:
                continue
            keys.append(source.key)
            inputs.append(prepare_input(image, self._config, size_px=shape))
            self._report(len(self._keys) + len(self._skipped))
            if len(inputs) == BATCH_SIZE:
                yield keys, np.stack(inputs)
                keys, inputs = [], []
        if inputs:
            yield keys, np.stack(inputs)

    def _close_group(self, *, reduced: bool) -> None:
        count, cell_count = self._filled, self._buffer.shape[1]
        first = len(self._keys) - count
        rows = self._buffer[:count].reshape(count * cell_count, -1)
        owners = np.repeat(np.arange(first, len(self._keys), dtype=np.int32), cell_count)
        cells = np.tile(np.arange(cell_count, dtype=np.int32), count)
        if not reduced:
            self._samples.update({first + offset: self._buffer[offset] for offset in range(count)})
        self._filled = 0
        radius = 0.0
        if reduced:
            chosen = select_coreset(
                rows,
                count=self._config.max_bank_size,
                seed=self._config.seed,
                progress=lambda _done, _total: self._report(len(self._keys) + len(self._skipped)),
            )
            rows, owners, cells = (part[chosen.indices] for part in (rows, owners, cells))
            radius = chosen.radius
        self._groups.append(PatchGroup(rows=rows, owners=owners, cells=cells, radius=radius))

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress("features", done, len(self._sources))
