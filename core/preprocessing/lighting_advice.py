"""Which preprocessing would help a product, measured on its own training images: how they are lit, and how well each
option tells normal from defective under light that varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.catalog.names import spoken_name
from core.errors import NotFound, NotReady, from_lower
from core.images.parts import part_key
from core.images.training import fetch_originals, load_pixels, training_rows
from core.preprocessing.stored_options import shrink, simplify
from core.transactions import reading
from inference.errors import ImageError, ModelError
from inference.vision.images.preprocessing import Preprocessing
from storage.objects import ObjectStoreError
from storage.tables import Image, Product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services
    from inference.vision.images.bit_depth import Reading
    from inference.vision.images.illumination import IlluminationSurvey

# Enough for a difference that matters to show, few enough for seconds.
SAMPLE_NORMALS, SAMPLE_DEFECTS = 24, 12
NEEDED_NORMALS = 4
NONE, CURRENT = "none", "current"
# An option is proposed when it gains this much AUROC over what is set, does so in this share of resamplings, and
# loses no more than this in the light as it is.
LEAST_GAIN, LEAST_SURENESS, LARGEST_LOSS = 0.01, 0.95, 0.005
# Larger images are held smaller, or the sample would not fit into memory.
_HELD_SIDE_PX = 1600
# From this many images of steady light on, a build leaves the light as it is.
_FEWEST_STEADY = 8
_UNEVEN_DROP, _LOW_CONTRAST_LEVELS, _NOISE_LEVELS, _VARYING_SHARE = 0.25, 60.0, 4.0, 0.1


@dataclass(frozen=True)
class OptionFigures:
    """One option tried.

    `name` is "none", "current" or that of the option. `auroc` separates normal from defective images under varied
    light, `plain_auroc` as they are. `illumination_rise` is how much the light raises the normal images' score (share),
    `sureness` the share of resamplings in which it separates better than what is set now (0.5: alike).
    """

    name: str
    options: Preprocessing
    auroc: float
    plain_auroc: float
    illumination_rise: float
    sureness: float


@dataclass(frozen=True)
class LightingAdvice:
    """What was measured, and what follows from it.

    `hints` are codes of what the images themselves show: "uneven", "low_contrast", "noise", "varying" or "steady"
    (whether a build evens out the light), and the warnings of the survey. `tried` begins with what is set now;
    `proposed` is one of the tried, or None when nothing measured clearly better. `defects_made_up`: there were too
    few defect images, so pieces were pasted into normal ones.
    """

    survey: IlluminationSurvey
    hints: tuple[str, ...]
    tried: tuple[OptionFigures, ...]
    proposed: OptionFigures | None
    n_normal: int
    n_defect: int
    defects_made_up: bool


def advise(
    services: Services,
    person: Person,
    product_id: int,
    options: Preprocessing,
    progress: Callable[[int, int], None],
    *,
    view: str = "",
) -> LightingAdvice:
    """Measure what would help the product, or one view of it, beside `options`, those set now.

    `progress` gets (steps done, all).

    Region, ignored areas and tiles stay in every option that is tried. Raises NotReady advice_needs_images, NotFound,
    Unavailable, and the errors of the engine.
    """
    from inference.vision.detection.option_trial import FEWEST_DEFECTS, sureness, try_options
    from inference.vision.images.illumination import survey_illumination

    require_role(services, person, ENGINEER)
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        normal_rows = _sample(training_rows(session, product_id, "normal", view), SAMPLE_NORMALS)
        defect_rows = _sample(training_rows(session, product_id, "defect", view), SAMPLE_DEFECTS)
    try:
        fetch_originals(services, [*normal_rows, *defect_rows], lambda _done, _all: None)
        normals, defects = (_load(services, rows, options.reading) for rows in (normal_rows, defect_rows))
        if len(normals) < NEEDED_NORMALS:
            raise NotReady(
                "advice_needs_images", product=spoken_name(product), count=len(normals), needed=NEEDED_NORMALS
            )
        survey = survey_illumination([pixels for pixels, _reduced, _part in normals])
        full_size = not any(reduced for _pixels, reduced, _part in (*normals, *defects))
        candidates = list_candidates(options, survey, smoothing=full_size)
        services.models.keep_graphs()
        trials = try_options(
            candidates,
            normals=[pixels for pixels, _reduced, _part in normals],
            defects=[pixels for pixels, _reduced, _part in defects],
            parts=[part for _pixels, _reduced, part in normals],
            device=services.models.device,
            progress=progress,
        )
    except (ModelError, ObjectStoreError) as error:
        raise from_lower(error) from error
    now = next(iter(candidates))
    tried = tuple(
        OptionFigures(
            name=name,
            options=candidates[name],
            auroc=trial.auroc,
            plain_auroc=trial.plain_auroc,
            illumination_rise=trial.illumination_rise,
            sureness=0.5 if name == now else sureness(trial, trials[now]),
        )
        for name, trial in trials.items()
    )
    return LightingAdvice(
        survey=survey,
        hints=find_hints(survey),
        tried=tried,
        proposed=choose(tried),
        n_normal=len(normals),
        n_defect=len(defects),
        defects_made_up=len(defects) < FEWEST_DEFECTS,
    )


def list_candidates(options: Preprocessing, survey: IlluminationSurvey, *, smoothing: bool) -> dict[str, Preprocessing]:
    """Return what is worth trying, by name, what is set now first; without options that could change nothing."""
    options = simplify(options)
    plain = Preprocessing(
        region_of_interest=options.region_of_interest,
        ignore=options.ignore,
        tile_size_px=options.tile_size_px,
        tile_height_px=options.tile_height_px,
        bit_depth=options.bit_depth,
        window=options.window,
    )
    candidates = {NONE: plain} if options == plain else {CURRENT: options, NONE: plain}
    candidates["normalize"] = replace(plain, normalize=True)
    candidates["clahe"] = replace(plain, clahe=True)
    candidates["equalize"] = replace(plain, equalize=True)
    if survey.has_color:
        candidates["grayscale"] = replace(plain, grayscale=True)
    if smoothing and survey.noise_levels > _NOISE_LEVELS:
        candidates["median"] = replace(plain, smoothing="median")
    return {name: found for name, found in candidates.items() if name in (CURRENT, NONE) or found != options}


def choose(tried: Sequence[OptionFigures]) -> OptionFigures | None:
    """Return the best of the tried that is clearly better than the first, which is what is set now."""
    now = tried[0]
    better = [
        found
        for found in tried[1:]
        if found.auroc >= now.auroc + LEAST_GAIN
        and found.sureness >= LEAST_SURENESS
        and found.plain_auroc >= now.plain_auroc - LARGEST_LOSS
    ]
    return max(better, key=lambda found: found.auroc, default=None)


def find_hints(survey: IlluminationSurvey) -> tuple[str, ...]:
    """Return codes of what a person would want to know about the light of these images."""
    found = {
        "uneven": survey.side_drop > _UNEVEN_DROP,
        "low_contrast": survey.contrast_levels < _LOW_CONTRAST_LEVELS,
        "noise": survey.noise_levels > _NOISE_LEVELS,
        "varying": survey.mean_variation > _VARYING_SHARE,
        "steady": survey.mean_variation <= _VARYING_SHARE and survey.image_count >= _FEWEST_STEADY,
    }
    return (*(code for code, applies in found.items() if applies), *sorted(survey.warnings))


def _sample(rows: list[Image], count: int) -> list[Image]:
    """Choose evenly over all of them: the oldest and the newest may be lit differently."""
    if len(rows) <= count:
        return rows
    return [rows[round(place * (len(rows) - 1) / (count - 1))] for place in range(count)]


def _load(services: Services, rows: list[Image], bit_depth: Reading) -> list[tuple[NDArray[np.uint8], bool, str]]:
    """Return (pixels, whether they had to be made smaller, part) of every image that can be read."""
    loaded = []
    for row in rows:
        try:
            pixels = load_pixels(services, row, bit_depth=bit_depth)
        except ImageError:
            continue  # the build names such images; a sample does without
        held = shrink(pixels, _HELD_SIDE_PX)
        loaded.append((held, held is not pixels, part_key(row)))
    return loaded
