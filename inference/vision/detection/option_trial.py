"""Which preprocessing would help: each option tried on the same few images, under light that varies.

Half of the normal images make a small memory bank, as they are. The other half and the defect images are inspected
under exposure and contrast that are off by up to 30 %, each by itself. All options see the same images in the same
light, so their figures are paired, and a bootstrap over the images says how sure a difference is.

Where there are too few defect images, defects are made up (`made_up_defects`). They are no real ones, but an option
that blurs them away would blur real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inference.vision.detection.detector import ImageSource
from inference.vision.detection.made_up_defects import make_up_defects
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.illumination import draw_illumination, vary_illumination
from inference.vision.images.preprocessing import Pixels, Preprocessing
from inference.vision.learning.splits import fold_parts
from inference.vision.networks.runtime import Device

FEWEST_NORMALS = 4
FEWEST_DEFECTS = 4
LIGHT_SHARE = 0.3
_BANK_SIZE = 1024
_VIEWS = 2
_RESAMPLES = 400
_SEED = 0


@dataclass(frozen=True)
class Trial:
    """How one option did.

    `auroc` tells normal from defective images under varied light, `plain_auroc` as they are. `illumination_rise`
    is the rise of the normal images' mean score by the variation, as a share of their plain score. `scores`
    (n_images, n_views) are those under varied light, rows as in `is_defect`.
    """

    auroc: float
    plain_auroc: float
    illumination_rise: float
    scores: npt.NDArray[np.float32]
    is_defect: npt.NDArray[np.bool_]


def try_options(
    options: Mapping[str, Preprocessing],
    *,
    normals: Sequence[Pixels],
    defects: Sequence[Pixels],
    parts: Sequence[str] = (),
    device: Device = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Trial]:
    """Return each option's trial, on RGB uint8 images; at least FEWEST_NORMALS normal ones.

    `parts` names the part of each normal image, which is then in one half whole; without any each image is its own.
    With fewer than FEWEST_DEFECTS defect images they are made up of the normal ones that are inspected. Runs on the
    carried backbone; light is evened out as a build would do it. `progress` gets (options done, all). Raises
    ModelError, and what `progress` raises.
    """
    names = list(parts) or [str(place) for place in range(len(normals))]
    if len(set(names)) == 1:
        names = [str(place) for place in range(len(normals))]  # one part alone: there is nothing else to ask
    half = fold_parts(names, folds=2)
    banked, unseen = ([normals[place] for place in np.flatnonzero(half == side).tolist()] for side in (0, 1))
    shown = list(defects) if len(defects) >= FEWEST_DEFECTS else list(make_up_defects(unseen))
    probes = [*unseen, *shown]
    is_defect = np.arange(len(probes)) >= len(unseen)
    varied = [
        _in_light(pixels, np.random.default_rng((_SEED, index, view)))
        for index, pixels in enumerate(probes)
        for view in range(_VIEWS)
    ]
    trials: dict[str, Trial] = {}
    for done, (name, preprocessing) in enumerate(options.items()):
        if progress is not None:
            progress(done, len(options))
        trials[name] = _try(preprocessing, banked, probes, varied, is_defect, device)
    if progress is not None:
        progress(len(options), len(options))
    return trials


def sureness(trial: Trial, against: Trial) -> float:
    """Return the share of bootstrap samples of the images in which `trial` separates better; ties count half."""
    rng = np.random.default_rng(_SEED)
    gain = _wins(trial) - _wins(against)
    rows, columns = gain.shape
    means = np.array(
        [gain[np.ix_(rng.integers(0, rows, rows), rng.integers(0, columns, columns))].mean() for _ in range(_RESAMPLES)]
    )
    return float((means > 0).mean() + 0.5 * (means == 0).mean())


def _in_light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    exposure, contrast = draw_illumination(rng, share=LIGHT_SHARE)
    return vary_illumination(pixels, exposure=exposure, contrast=contrast)


def _try(
    preprocessing: Preprocessing,
    banked: Sequence[Pixels],
    probes: Sequence[Pixels],
    varied: Sequence[Pixels],
    is_defect: npt.NDArray[np.bool_],
    device: Device,
) -> Trial:
    # The whole image at once: tiles would cost a hundred times as long and see the same light.
    whole = replace(preprocessing, tile_size_px=0, tile_height_px=0)
    config = replace(PatchCoreConfig(), min_bank_size=_BANK_SIZE, max_bank_size=_BANK_SIZE, preprocessing=whole)

    def source(index: int) -> ImageSource:
        return ImageSource(str(index), lambda: banked[index])

    model = PatchCore.fit([source(index) for index in range(len(banked))], config, device=device)
    plain = np.array([found.score for found in model.inspect_many(probes)], np.float32)
    scores = np.array([found.score for found in model.inspect_many(varied)], np.float32).reshape(len(probes), -1)
    labels = np.repeat(is_defect, scores.shape[1])
    level = max(float(plain[~is_defect].mean()), 1e-9)
    return Trial(
        auroc=image_auroc(scores.ravel(), labels) or 0.0,
        plain_auroc=image_auroc(plain, is_defect) or 0.0,
        illumination_rise=float(scores[~is_defect].mean()) / level - 1.0,
        scores=scores,
        is_defect=is_defect,
    )


def _wins(trial: Trial) -> npt.NDArray[np.float64]:
    """Return how often the defect image scores higher, over all pairs of their lights: (n_normal, n_defect)."""
    normal, defect = trial.scores[~trial.is_defect], trial.scores[trial.is_defect]
    difference = defect[None, :, None, :] - normal[:, None, :, None]
    return np.asarray(((difference > 0) + 0.5 * (difference == 0)).mean(axis=(2, 3)), np.float64)
