"""Asking a trained network about images it has not learned from: what it says of each, and the threshold by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from core.errors import from_lower
from core.training.runs.judging import Judgment, open_judge
from core.training.runs.records import GoalOutcome, ImageResult
from core.training.runs.storing import put_map
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.methods.records import Sample
    from core.services import Services
    from core.training.configuration.records import ThresholdSection
    from inference.vision.learning.recipes.contract import Example
    from inference.vision.learning.trained_network.description import NetworkDescription
    from inference.vision.learning.trained_network.runtime import NetworkRuntime

Progress = Callable[[int, int], None]
# The first of many images wait for memory to be touched: they are not timed.
_WARM_UP = 3


@dataclass(frozen=True)
class Scored:
    """What was said of images, in their order, without those that could not be read; these with the reason's code."""

    judged: tuple[tuple[Example, Judgment], ...] = field(repr=False)
    unread: Mapping[str, str]
    ms: tuple[float, ...] = field(repr=False, default=())

    @property
    def ms_per_image(self) -> float | None:
        """Return how long an image takes: decoded pixels in, outputs out; the median, None without any."""
        timed = self.ms[_WARM_UP:] or self.ms
        return round(median(timed), 2) if timed else None


def score_examples(
    network: NetworkRuntime, description: NetworkDescription, examples: Sequence[Example], progress: Progress
) -> Scored:
    """Return what the network says of each image; one that cannot be read is named and left out.

    `description` may differ from the network's own in its threshold. Raises AppError of a store or device that fails,
    and what `progress` raises.
    """
    judge = open_judge(description)
    judged: list[tuple[Example, Judgment]] = []
    unread: dict[str, str] = {}
    times: list[float] = []
    for done, example in enumerate(examples):
        progress(done, len(examples))
        try:
            pixels = example.load()
            started = time.perf_counter()
            outputs = ask(network, pixels)
            times.append(1000.0 * (time.perf_counter() - started))
            judged.append((example, judge.judge(example, outputs, (pixels.shape[1], pixels.shape[0]))))
        except (InferenceError, ObjectStoreError) as error:
            found = from_lower(error)
            if not found.code.startswith("image_"):
                raise found from error
            unread[example.key] = found.code
    progress(len(examples), len(examples))
    return Scored(tuple(judged), unread, tuple(times))


def ask(network: NetworkRuntime, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return the outputs of one image, RGB uint8 H×W×3, by name. Raises ModelError."""
    from inference.vision.learning.trained_network.input import prepare_input

    found = network.compute([prepare_input(pixels, network.description)])
    return {name: values[0] for name, values in found.items()}


def measure(description: NetworkDescription, scored: Scored) -> dict[str, Any]:
    """Return the figures of scored images as plain JSON; empty without any."""
    return plain(open_judge(description).measure(scored.judged)) if scored.judged else {}


def choose_level(description: NetworkDescription, section: ThresholdSection, scored: Scored) -> tuple[float, str]:
    """Return from which score on a part is defective, a box or a pixel counts, and how that was chosen.

    `scored` are the validation images. For classification the score of the best F1 is taken, and where there is no
    defect among them the one that 95 % of the good ones stay below; where places are learned the recipe has chosen it
    on the same images.
    """
    from inference.vision.comparison.measures import choose_threshold

    if section.method == "fixed":
        return section.value, "fixed"
    if description.task != "classification":
        return description.threshold, "recipe"
    chosen = choose_threshold(
        [one.score for _, one in scored.judged], [example.is_defect for example, _ in scored.judged]
    )
    if chosen is None or not set(description.labels) - description.good_labels:
        return description.threshold, "none"
    return min(1.0, max(0.0, chosen.value)), chosen.method


def check_goals(goals: Mapping[str, float], figures: Mapping[str, Any], split: str) -> tuple[GoalOutcome, ...]:
    """Return of each goal whether the figures of a split reach it; `field.top1` is that of the domain `field`."""
    found = []
    for name, wanted in goals.items():
        domain, _dot, figure = name.rpartition(".")
        among = figures.get("per_domain", {}).get(domain, {}) if domain else figures
        value = among.get(figure)
        found.append(GoalOutcome(name, float(wanted), None if value is None else float(value), split))
    return tuple(found)


def make_results(samples: Mapping[str, Sample], scored: Scored, *, split: str) -> list[ImageResult]:
    """Return what is kept of each image, those that could not be read among them; maps are added later."""
    results = [
        ImageResult(
            image_id=samples[example.key].image_id,
            split=split,
            part=example.part,
            domain=example.domain,
            truth=example.label,
            named=one.named,
            right=one.right,
            quality=one.quality,
            score=one.score,
            probabilities=one.probabilities,
            boxes=one.boxes,
        )
        for example, one in scored.judged
    ]
    for key, error in scored.unread.items():
        sample = samples[key]
        results.append(ImageResult(sample.image_id, split, sample.part, "", sample.label, "", False, 0.0, error=error))
    return sorted(results, key=lambda one: one.image_id)


def choose_failed(results: Sequence[ImageResult], limit: int) -> list[ImageResult]:
    """Return the failed examples that are kept with maps: of test before validation, the surest mistakes first."""
    failed = [one for one in results if not one.right and not one.error]
    failed.sort(
        key=lambda one: (one.split != "test", one.quality, -one.probabilities.get(one.named, 0.0), one.image_id)
    )
    return failed[:limit]


def draw_maps(
    services: Services,
    run_id: int,
    network: NetworkRuntime,
    description: NetworkDescription,
    wanted: Mapping[int, Example],
    named: Mapping[int, str],
    progress: Progress,
) -> dict[int, str]:
    """Store the maps of these images, by number; return their keys. Raises AppError of a store that fails."""
    judge = open_judge(description)
    keys: dict[int, str] = {}
    for done, (image_id, example) in enumerate(wanted.items()):
        progress(done, len(wanted))
        try:
            pixels = example.load()
            found = judge.draw_map(ask(network, pixels), named[image_id], (pixels.shape[1], pixels.shape[0]))
        except (InferenceError, ObjectStoreError) as error:
            raise from_lower(error) from error
        if found is not None:
            keys[image_id] = put_map(services, run_id, image_id, found)
    return keys


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: names as text, numbers that are not finite as None."""
    import math

    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        return plain(value.item()) if getattr(value, "size", 1) == 1 else plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
