"""Which way of looking at a product's images tells defects best: a few, each tried on the same images.

Images as they are hold on most products. Local contrast (each place brought to one mean and spread of the light around
it) gains where light falls otherwise on every exposure, and loses where large shadows are the defect; a larger input
gains on small defects and costs twice the time. So the plain way stays unless there is evidence against it.

Half of the parts make a small bank and the others are scored by it, both ways round, so nothing is scored by a bank
that has seen its part. All ways see the same images: their figures are paired, and a bootstrap over the parts says how
sure a difference is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.errors import ImageError, ModelError
from inference.vision.detection.detector import ImageSource, LabeledSource, Progress
from inference.vision.detection.features.feature_extraction import extract_features
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.input_choice import (
    LARGER,
    LARGER_PX,
    LOCAL_CONTRAST,
    PLAIN,
    InputChoice,
    Need,
    Way,
)
from inference.vision.detection.made_up_defects import make_up_defect
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.input_pixels import check_image
from inference.vision.learning.splits import fold_parts
from inference.vision.networks.runtime import Device

FEWEST_NORMALS = 12
FEWEST_PARTS = 4
FEWEST_DEFECTS = 8
MOST_IMAGES = 40
# Several ways are tried, and the surest of them is the luckiest: at .95, and a gain of .01, local contrast was chosen
# for a generated product whose test images it told worse by .04.
BY_LABELED = Need(gain=0.02, sureness=0.99)
# Made-up defects are no real ones, and a way that shows these better need not show real ones better.
BY_MADE_UP = Need(gain=0.03, sureness=0.995)
# What a larger input has to gain more, because every inspection takes twice as long.
_LARGER_GAIN = 0.02
_BANK_SIZE = 1024
_RESAMPLES = 1000
_SEED = 0
# Decoded images are kept between the ways within this share of the memory budget; beyond it they are read again.
_KEPT_SHARE = 8


def choose_input(
    normals: Sequence[ImageSource],
    defects: Sequence[LabeledSource],
    config: PatchCoreConfig,
    *,
    device: Device = "auto",
    weights: Path | None = None,
    progress: Progress | None = None,
) -> tuple[PatchCoreConfig, InputChoice]:
    """Return the configuration with the input that tells defects best, and what speaks for it. Deterministic.

    At most MOST_IMAGES good images and as many defects are looked at, once for each way that can still gain enough.
    With fewer than FEWEST_DEFECTS labeled defects they are made up on the good images, and the larger input is not
    tried; nor is it where `config` has a size already. With fewer than FEWEST_NORMALS good images, or FEWEST_PARTS
    parts, or in tiles, nothing is compared. `progress` gets the stage `features`, without any image done. Raises
    ModelError (`out_of_memory`, `backbone_weights_missing`, `device_…`) and what `progress` raises.
    """
    if config.preprocessing.tile_size_px:
        return config, InputChoice(PLAIN, "tiles")

    def report(*_ignored: object) -> None:
        if progress is not None:
            progress("features", 0, len(normals))

    kept = _Kept(config.memory_budget_bytes // _KEPT_SHARE)
    good = _take(normals, kept, report)
    if len(good) < FEWEST_NORMALS or len({source.part_key for source in good}) < FEWEST_PARTS:
        return config, InputChoice(PLAIN, "few_images")
    bad = _take([one.source for one in defects], kept, report)
    made_up = len(bad) < FEWEST_DEFECTS
    if made_up:
        bad = [_make_up(source, place) for place, source in enumerate(good)]
    needs = BY_MADE_UP if made_up else BY_LABELED
    half = fold_parts([source.part_key for source in good], folds=2)
    ways = _list_ways(config, may_grow=not made_up)
    found: dict[Way, _Comparison] = {}
    for way, changed in ways.items():
        # Where the plain way leaves less to gain than it takes to replace it, the answer is known.
        if way != PLAIN and 1.0 - found[PLAIN].auroc < needs.gain + (_LARGER_GAIN if way == LARGER else 0.0):
            continue
        found[way] = _try(changed, good, bad, half, device=device, weights=weights, report=report)
    auroc = {way: comparison.auroc for way, comparison in found.items()}
    sure = {way: _sureness(found[way], found[PLAIN], good, bad) for way in found if way != PLAIN}
    gains = {way: auroc[way] - auroc[PLAIN] - (_LARGER_GAIN if way == LARGER else 0.0) for way in sure}
    better = [way for way in sure if gains[way] >= needs.gain and sure[way] >= needs.sureness]
    chosen = max(better, key=lambda way: gains[way], default=PLAIN)
    choice = InputChoice(
        chosen=chosen,
        reason="better" if better else "no_gain",
        auroc=auroc,
        sureness=sure,
        needs=needs,
        n_normal=len(good),
        n_defect=len(bad),
        made_up=made_up,
    )
    return ways[chosen], choice


def _list_ways(config: PatchCoreConfig, *, may_grow: bool) -> dict[Way, PatchCoreConfig]:
    """Return the configuration of each way, the plain one first."""
    ways: dict[Way, PatchCoreConfig] = {PLAIN: config}
    for way, share in LOCAL_CONTRAST.items():
        ways[way] = replace(config, local_contrast=share, even_light=False)
    if may_grow and config.input_size_px is None and config.size_px < LARGER_PX:
        ways[LARGER] = replace(config, input_size_px=LARGER_PX)
    return ways


# --- the images ------------------------------------------------------------------------------------------------------


class _Kept:
    """Decoded images that every way looks at, as far as they fit into `budget_bytes`."""

    def __init__(self, budget_bytes: int) -> None:
        self._left = budget_bytes
        self._pixels: dict[str, np.ndarray] = {}

    def open(self, source: ImageSource) -> np.ndarray:
        """Return the pixels of the image. Raises ImageError or ModelError where they cannot be used."""
        pixels = self._pixels.get(source.key)
        if pixels is None:
            pixels = check_image(source.load())
            if pixels.nbytes <= self._left:
                self._left -= pixels.nbytes
                self._pixels[source.key] = pixels
        return pixels


def _take(sources: Sequence[ImageSource], kept: _Kept, report: Callable[[], None]) -> list[ImageSource]:
    """Return a random sample of whole parts, of at most MOST_IMAGES images that can be used, in the given order."""
    by_part: dict[str, list[int]] = {}
    for place, source in enumerate(sources):
        by_part.setdefault(source.part_key, []).append(place)
    parts = list(by_part.values())
    taken: list[int] = []
    for number in np.random.default_rng(_SEED).permutation(len(parts)).tolist():
        if len(taken) + len(parts[number]) <= MOST_IMAGES:
            taken += parts[number]
    usable: list[ImageSource] = []
    for place in sorted(taken):
        report()
        with contextlib.suppress(ImageError, ModelError):  # the build names what it cannot use
            kept.open(sources[place])
            usable.append(replace(sources[place], load=_opener(kept, sources[place])))
    return usable


def _opener(kept: _Kept, source: ImageSource) -> Callable[[], np.ndarray]:
    return lambda: kept.open(source)


def _make_up(source: ImageSource, place: int) -> ImageSource:
    """Return the image with a made-up defect, as another exposure of its part."""
    return ImageSource(
        f"made up: {source.key}", lambda: make_up_defect(source.load(), index=place), part=source.part_key
    )


# --- trying ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Comparison:
    """How often a defect scored higher than a good image, by the bank that has seen neither.

    `wins` (n_normal, n_defect) are 0, ½ or 1; where `counts` is False the bank knows the defect's part.
    """

    wins: npt.NDArray[np.float64]
    counts: npt.NDArray[np.bool_]

    @property
    def auroc(self) -> float:
        """The share of the pairs that count in which the defect scored higher."""
        return float(self.wins[self.counts].mean())


def _try(
    config: PatchCoreConfig,
    good: Sequence[ImageSource],
    bad: Sequence[ImageSource],
    half: npt.NDArray[np.int64],
    *,
    device: Device,
    weights: Path | None,
    report: Callable[..., None],
) -> _Comparison:
    size = min(_BANK_SIZE, config.max_bank_size)
    small = replace(config, min_bank_size=size, max_bank_size=size)
    features = extract_patches(good, small, device=device, weights=weights, progress=report)
    defects = extract_features(
        bad,
        features.config,
        open_graph=lambda _: features.runtime,
        size_px=features.graph.size_px,
        color_scale=features.color_scale,
        progress=report,
    )
    wins = np.zeros((len(good), len(bad)))
    counts = np.zeros(wins.shape, np.bool_)
    for side in (0, 1):
        banked = {source.key for source, there in zip(good, half, strict=True) if there == side}
        known = features.leave_out({source.key for source in good} - banked)
        unseen = features.leave_out(banked)
        if known is None or unseen is None:
            continue
        model = PatchCore.from_patches(known, weights=weights, progress=report)
        seen_parts = set(known.parts)
        normal = _in_order(model.measure_unseen(unseen, progress=report).scores, good)
        defect = _in_order(model.measure_unseen(defects, seen_parts=seen_parts, progress=report).scores, bad)
        there = np.isfinite(normal)[:, None] & np.isfinite(defect)[None, :]
        difference = defect[None, :] - normal[:, None]
        wins[there] = ((difference > 0) + 0.5 * (difference == 0))[there]
        counts |= there
    return _Comparison(wins, counts)


def _in_order(scores: Mapping[str, float], sources: Sequence[ImageSource]) -> npt.NDArray[np.float64]:
    return np.array([scores.get(source.key, np.nan) for source in sources], np.float64)


def _sureness(one: _Comparison, other: _Comparison, good: Sequence[ImageSource], bad: Sequence[ImageSource]) -> float:
    """Return the share of bootstrap samples of the parts in which `one` does better than `other`; ties count half."""
    rng = np.random.default_rng(_SEED)
    both = one.counts & other.counts
    gain = np.where(both, one.wins - other.wins, 0.0)
    rows, columns = _number_parts(good), _number_parts(bad)
    above = 0.0
    for _ in range(_RESAMPLES):
        change = _draw(rng, rows) @ gain @ _draw(rng, columns)
        above += float(change > 0.0) + 0.5 * float(change == 0.0)
    return above / _RESAMPLES


def _number_parts(sources: Sequence[ImageSource]) -> npt.NDArray[np.int64]:
    return np.asarray(np.unique([source.part_key for source in sources], return_inverse=True)[1], np.int64)


def _draw(rng: np.random.Generator, parts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return how often each image is in a sample of as many parts, drawn with replacement."""
    n_parts = int(parts.max()) + 1
    return np.bincount(rng.integers(0, n_parts, n_parts), minlength=n_parts).astype(np.float64)[parts]
